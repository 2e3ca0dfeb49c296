"""No secret in a repr, and none in the locals of a traceback: of whatever type of ours holds one, whatever fails."""

import base64
import gc
import traceback

import msgspec
import pytest

from counterfoil import errors
from counterfoil.access.key_source import CommandSource, TextSource
from counterfoil.access.master_key import MasterKey
from counterfoil.access.refresh import Stored, opened
from counterfoil.access.sealing import Sealer
from counterfoil.model.hidden import HiddenBytes, HiddenText
from counterfoil.settings import Secret
from counterfoil.settings.tables import VaultSettings, XeroSettings
from counterfoil.store import secrets
from counterfoil.xero import identity
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import invoices, organisation
from counterfoil.xero.transport import Transport
from tests.access.conftest import KEY
from tests.access.test_background import beside
from tests.access.test_tokens import change, grant_of, lived, token_of

LONG = 12  # so much of a secret in a row is one


def texts_of(secret):
    """A secret as it might be written: itself, percent-encoded or not, as bytes' repr, in base64 and hex."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    plain = [repr(raw)[2:-1], base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(), raw.hex()]
    return [one[at : at + LONG] for one in plain for at in (0, len(one) // 2) if len(one[at : at + LONG]) == LONG]


async def known(here):
    """Every secret of an installation."""
    held = await token_of(here)
    names = [held.access_token.rpartition(".")[2], held.refresh_token, KEY, here.app.client_secret]
    return [text for one in names if one for text in texts_of(one)]


def leaks(text, hidden):
    """The secrets that stand in a text."""
    return [one for one in hidden if one in text]


def every_object():
    """Everything alive whose type is ours."""
    return [one for one in gc.get_objects() if str(getattr(type(one), "__module__", "")).startswith("counterfoil.")]


async def test_no_secret_in_any_repr(connected, sandbox):
    """After a consent, a refresh and a call: nothing of ours that is alive shows one, nor do the types made by hand."""
    client = XeroClient(
        await connected.bindings.bind("acme", sandbox.tenant(1)),
        connected.transport,
        connected.tokens,
        connected.permits,
    )
    await change(connected, **lived(connected, left_s=5))
    await organisation.get(client, lane="sync")
    grant, held, hidden = await grant_of(connected), await token_of(connected), await known(connected)
    key = MasterKey(KEY)
    request = identity.refresh(connected.app, held.refresh_token)
    made = [
        grant, held, connected.app, key, key.text(), key.reveal(), Sealer(key), request, identity.connections(held.access_token),
        Stored(HiddenText(held.access_token), grant), Secret(held.refresh_token), TextSource(key.text().decode()), CommandSource(("x",)),
        identity.exchange(connected.app, "code", redirect_uri="u", verifier="v" * 43), request.headers, request.body,
        secrets.Entry("grant", "g", ("grant", "g"), grant.secret), connected.vault, connected.tokens, connected.audit,
        VaultSettings(master_key=Secret(held.refresh_token)), XeroSettings(client_id="a", client_secret=Secret(held.refresh_token)),
        HiddenBytes(KEY), opened(connected.vault, grant.id, grant.secret), vars(connected.tokens), vars(connected.vault),
    ]  # fmt: skip
    for one in [*made, *every_object()]:
        assert leaks(f"{one!r} {one!s}" if not isinstance(one, str | bytes) else repr(one), hidden) == [], type(one)


def told(error):
    """An error with all that a traceback shows of its causes: every frame, every local, of ours and of the libraries'."""
    parts, seen = [], set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        parts += [repr(error), str(error), repr(getattr(error, "facts", ""))]
        for frame, line in traceback.walk_tb(error.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                parts += [
                    f"{frame.f_code.co_filename}:{line} {name} = {value!r}" for name, value in frame.f_locals.items()
                ]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(parts)


FAULTS = [
    "token_lost",
    "text_answer",
    "truncated",
    "truncated_json",
    "500_after",
    "503",
    "429_minute",
    "bad_gzip",
    "reset",
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_secret_when_a_refresh_fails(connected, sandbox, fault):
    """Whatever the identity server does to us."""
    hidden = await known(connected)
    old = (await token_of(connected)).access_token
    sandbox.fault(fault, path="/connect/token", count=10)
    with pytest.raises(errors.CounterfoilError) as caught:
        await connected.tokens.access_token(connected.consented.grant_id, rejected=old)
    assert leaks(told(caught.value), hidden) == []


async def test_no_secret_when_it_is_refused(connected, sandbox, monkeypatch):
    """invalid_client, invalid_grant, a wrong master key, a database that is gone, an identity server that is."""
    hidden, grant_id = await known(connected), connected.consented.grant_id
    held, app = await token_of(connected), connected.app

    async def refusal():
        with pytest.raises(errors.CounterfoilError) as caught:
            await connected.tokens.access_token(grant_id, rejected=held.access_token)
        assert leaks(told(caught.value), hidden) == []
        return caught.value

    with monkeypatch.context() as patched:
        patched.setattr(connected.transport, "identity_url", "http://127.0.0.1:9")
        assert (await refusal()).code == "xero-unavailable"
        patched.setattr(connected.transport, "identity_url", "http://\x00")
        await refusal()
    connected.tokens._app = identity.App(app.client_id, app.client_secret + "x")
    assert (await refusal()).code == "configuration"
    connected.tokens._app = app
    form = {"token": held.refresh_token, "client_id": app.client_id, "client_secret": app.client_secret}
    assert sandbox.form("/connect/revocation", form).status == 200
    assert (await refusal()).code == "no-consent"
    assert leaks(repr(await connected.database.read(secrets.counts)), hidden) == []
    await beside(connected).refresh_used()


@pytest.mark.parametrize("fault", ["401_expired", "403", "text_answer", "lost_answer", "500_before", "429_day"])
async def test_no_secret_when_a_call_fails(connected, sandbox, fault):
    """The token stands in every call's headers, and in no error's frames."""
    client = XeroClient(
        await connected.bindings.bind("acme", sandbox.tenant(1)),
        connected.transport,
        connected.tokens,
        connected.permits,
    )
    sandbox.fault(fault, path="/api.xro", count=10)
    with pytest.raises(errors.CounterfoilError) as caught:
        await invoices.get(client, "x", lane="looking")
    assert leaks(told(caught.value), await known(connected)) == []

    async def commit():
        return connected.clock.elapsed_s()

    with pytest.raises(errors.CounterfoilError) as caught:
        await client.write(
            "PUT", "Invoices", {}, b"x" * 200_000, "key", lane="bulk", timeout_s=0.000_001, commit=commit
        )
    assert leaks(told(caught.value), await known(connected)) == []


async def test_no_secret_when_a_consent_fails(here, sandbox):
    """The code is exchanged with the app's secret; what comes back may be anything."""
    for fault in ("text_answer", "truncated_json", "token_lost"):
        sandbox.fault(fault, path="/connect/token", count=1)
        with pytest.raises(errors.CounterfoilError) as caught:
            await here.connect()
        assert leaks(told(caught.value), texts_of(here.app.client_secret) + texts_of(KEY)) == []


def test_no_part_of_a_token_that_says_nothing():
    """An access token that is no JWT is refused without a word of it."""
    secret = "a-token-of-some-length-"
    for token in (secret, f"x.{secret}", f"x.{base64.b64encode(secret.encode()).decode()}.y"):
        with pytest.raises(errors.Unclear) as caught:
            identity.claims_of(token)
        assert leaks(told(caught.value), texts_of(secret)) == []


async def test_a_secret_is_found_by_these_tests(here):
    """The tests above can fail: a plain text in a frame is seen."""
    secret = "a-secret-of-some-length"

    def fail(token):
        raise ValueError(len(token))

    scope = {"fail": fail}
    exec(compile("def run(token):\n    fail(token)\n", "/elsewhere/code.py", "exec"), scope)
    with pytest.raises(ValueError, match="23") as caught:
        scope["run"](secret)
    assert leaks(told(caught.value), texts_of(secret)) != []
    assert leaks(repr(msgspec.to_builtins({"t": secret})), texts_of(secret)) != []
    assert isinstance(here.transport, Transport)
