import asyncio

import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.access.bindings import Proposal
from counterfoil.access.fingerprints import folded
from counterfoil.store import audit as rows
from counterfoil.store import bindings, grants, schema


def organisation(sandbox, number):
    return sandbox.ready["organisations"][number - 1]


async def acts(here, entity):
    entries = await here.database.read(lambda conn: rows.chain(conn, entity))
    chain = await here.database.read(lambda conn: here.audit.verify(conn, entity))
    assert chain.broken_at is None
    return [entry.act for entry in entries]


@pytest.mark.parametrize("by", ["tenant_id", "name", "short_code"])
async def test_binding_by_id_name_or_short_code(connected, sandbox, by):
    """Each way gives the same binding, with the organisation's fingerprint."""
    wanted = organisation(sandbox, 2)
    bound = await connected.bindings.bind("acme", wanted[by], wanted["name"])
    print_ = bound.fingerprint
    assert (bound.tenant_id, bound.grant_id, bound.stopped) == (
        wanted["tenant_id"],
        connected.consented.grant_id,
        None,
    )
    assert (print_.name, print_.short_code, print_.base_currency, print_.country) == (
        wanted["name"],
        wanted["short_code"],
        "AUD",
        "AU",
    )
    assert await connected.bindings.load("acme") == bound
    assert await acts(connected, "acme") == ["bound"]


async def test_no_binding_no_client(connected):
    """An entity that is not bound is named, with the command."""
    with pytest.raises(errors.NoBinding) as caught:
        await connected.bindings.load("acme")
    assert (caught.value.exit_code, "entities bind acme" in caught.value.remedy) == (3, True)


async def test_nothing_of_that_name(connected):
    """An unknown name is refused, not guessed; nor is a part of one."""
    for tenant in ("Fernhill", "fernhill trading ltd", "!nope", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(errors.NotConnected):
            await connected.bindings.bind("acme", tenant)


async def test_two_of_that_name(connected, sandbox):
    """Two organisations of one name need an id."""
    sandbox.organisation(sandbox.tenant(2), name=organisation(sandbox, 1)["name"])
    with pytest.raises(errors.FixInput) as caught:
        await connected.bindings.bind("acme", organisation(sandbox, 1)["name"])
    assert sandbox.tenant(2) in caught.value.remedy
    assert (await connected.bindings.bind("acme", sandbox.tenant(2))).tenant_id == sandbox.tenant(2)


async def test_another_name_than_the_configuration_expects(connected, sandbox):
    """Case and spaces do not matter, another name does; the refusal is on record."""
    with pytest.raises(errors.WrongLedger, match="expects"):
        await connected.bindings.bind("acme", sandbox.tenant(1), "Someone Else Ltd")
    await connected.bindings.bind("acme", sandbox.tenant(1), "  fernhill   TRADING ltd ")
    assert await acts(connected, "acme") == ["bind refused", "bound"]


async def test_one_entity_one_tenant(connected, sandbox):
    """Neither may be bound twice; binding the same pair again changes nothing."""
    await connected.bindings.bind("acme", sandbox.tenant(1))
    await connected.bindings.bind("acme", sandbox.tenant(1))
    for entity, tenant in (("acme", sandbox.tenant(2)), ("other", sandbox.tenant(1))):
        with pytest.raises(errors.WrongLedger) as caught:
            await connected.bindings.bind(entity, tenant)
        assert "unbind" in caught.value.remedy
    await connected.bindings.unbind("acme")
    assert (await connected.bindings.bind("other", sandbox.tenant(1))).entity == "other"
    with pytest.raises(errors.NoBinding):
        await connected.bindings.unbind("acme")


async def test_proposals(connected, sandbox):
    """Names that agree but for case and spaces, unbound on both sides, one to one."""
    sandbox.organisation(sandbox.tenant(4), name="Fernhill  Trading LTD")
    expected = {
        "wattle": "wattle & co  pty ltd",
        "dutch": "Grachtenhuis BV",
        "uk": "Fernhill Trading Ltd",
        "none": "Nobody",
    }
    await connected.bindings.bind("dutch", sandbox.tenant(3))
    assert await connected.bindings.propose(expected) == (Proposal("wattle", sandbox.tenant(2), "Wattle & Co Pty Ltd"),)


async def test_verifying_an_unchanged_organisation(connected, sandbox):
    """Nothing to say."""
    bound = await connected.bindings.bind("acme", sandbox.tenant(1))
    assert ((await connected.bindings.verify("acme")).binding, (await connected.bindings.verify("acme")).changes) == (
        bound,
        (),
    )


async def test_a_renamed_organisation_warns_until_accepted(connected, sandbox):
    """A new name is said each time, and writes go on; accepting takes it over, on record."""
    await connected.bindings.bind("acme", sandbox.tenant(1))
    sandbox.organisation(sandbox.tenant(1), name="Fernhill Group Ltd")
    for _ in range(2):
        seen = await connected.bindings.verify("acme")
        assert (seen.changes, seen.binding.stopped) == (
            ("name was 'Fernhill Trading Ltd' and is 'Fernhill Group Ltd'",),
            None,
        )
    assert (await connected.bindings.verify("acme", accept=True)).binding.fingerprint.name == "Fernhill Group Ltd"
    assert (await connected.bindings.verify("acme")).changes == ()
    assert await acts(connected, "acme") == ["bound", "accepted"]


@pytest.mark.parametrize(("field", "value"), [("base_currency", "USD"), ("country", "IE")])
async def test_another_currency_or_country_stops_the_writes(connected, sandbox, field, value):
    """The entity's writes stop, accepting does not help, binding over it neither; when it is right again they go on."""
    was = organisation(sandbox, 1)[field]
    await connected.bindings.bind("acme", sandbox.tenant(1))
    sandbox.organisation(sandbox.tenant(1), **{field: value})
    for accept in (False, True):
        with pytest.raises(errors.WrongLedger, match=f"is '{value}'"):
            await connected.bindings.verify("acme", accept=accept)
    with pytest.raises(errors.WrongLedger):
        await connected.bindings.bind("acme", sandbox.tenant(1))
    assert value in (await connected.bindings.load("acme")).stopped
    sandbox.organisation(sandbox.tenant(1), **{field: was})
    assert (await connected.bindings.verify("acme")).binding.stopped is None
    assert await acts(connected, "acme") == ["bound", "stopped", "stopped", "bind refused", "resumed"]


async def test_a_reset_organisation_is_another_one(connected, sandbox):
    """A demo company that was reset has a new tenant: the old binding is NotConnected and never follows it."""
    await connected.bindings.bind("acme", sandbox.tenant(1))
    fresh = sandbox.organisation(sandbox.tenant(1), reset=True)["tenant_id"]
    with pytest.raises(errors.NotConnected) as caught:
        await connected.bindings.verify("acme")
    assert (caught.value.exit_code, fresh != sandbox.tenant(1)) == (3, True)
    with pytest.raises(errors.CounterfoilError):
        await connected.bindings.bind("acme", fresh)
    assert (await connected.bindings.load("acme")).tenant_id == sandbox.tenant(1)


async def test_a_disconnected_organisation(connected, sandbox):
    """Refreshing still works, the organisation does not: connect again."""
    await connected.bindings.bind("acme", sandbox.tenant(1))
    sandbox.organisation(sandbox.tenant(1), disconnected=True)
    with pytest.raises(errors.NotConnected) as caught:
        await connected.bindings.verify("acme")
    assert "connect" in caught.value.remedy
    sandbox.organisation(sandbox.tenant(1), disconnected=False)
    await connected.bindings.verify("acme")


async def test_ending_a_connection(connected, sandbox):
    """Only the one organisation goes; the others stay reachable; the act is on record."""
    assert await connected.connections.disconnect(sandbox.tenant(2)) == 1
    left = {one.tenant_id for one in await connected.connections.refreshed()}
    assert left == {sandbox.tenant(n) for n in (1, 3, 4)}
    with pytest.raises(errors.NotConnected):
        await connected.connections.disconnect(sandbox.tenant(2))
    assert await acts(connected, "") == ["consented", "disconnecting", "disconnected"]


async def test_ending_a_connection_and_its_audit_entry_are_one(connected, sandbox, monkeypatch):
    """What is not on record did not go; what Xero ended all the same is on record as soon as it is seen to be gone."""
    tenant, append = sandbox.tenant(2), connected.audit.append

    def failing(conn, entity, act, data):
        append(conn, entity, act, data)
        if act == "disconnected":
            raise errors.StoreError("The disk is full.")

    monkeypatch.setattr(connected.audit, "append", failing)
    with pytest.raises(errors.StoreError):
        await connected.connections.disconnect(tenant)
    assert await acts(connected, "") == ["consented", "disconnecting"]
    assert tenant in await connected.connections.known()
    monkeypatch.setattr(connected.audit, "append", append)
    await connected.connections.refreshed()
    assert tenant not in await connected.connections.known()
    assert await acts(connected, "") == ["consented", "disconnecting", "connection gone"]


async def test_a_disconnect_that_is_seen_and_its_audit_entry_are_one(connected, sandbox, monkeypatch):
    """A connection that a person ended in Xero: in the chain of the entity that is bound to it."""
    await connected.bindings.bind("acme", sandbox.tenant(1))
    sandbox.organisation(sandbox.tenant(1), disconnected=True)
    with monkeypatch.context() as patch:
        patch.setattr(connected.audit, "append_all", _full)
        with pytest.raises(errors.StoreError):
            await connected.connections.refreshed()
    assert sandbox.tenant(1) in await connected.connections.known()
    assert await acts(connected, "acme") == ["bound"]
    await connected.connections.refreshed()
    await connected.connections.refreshed()
    assert await acts(connected, "acme") == ["bound", "connection gone"]
    sandbox.organisation(sandbox.tenant(1), disconnected=False)


async def test_a_disconnect_that_xero_refuses_is_on_record(connected, sandbox):
    """Wanted, and why it was not done, by a code."""
    sandbox.fault("503", method="DELETE", path="/connections")
    with pytest.raises(errors.XeroUnavailable):
        await connected.connections.disconnect(sandbox.tenant(2))
    assert await acts(connected, "") == ["consented", "disconnecting", "disconnect failed"]


def _full(*_arguments):
    raise errors.StoreError("The disk is full.")


async def test_a_new_consent_rescues_a_binding(connected, sandbox):
    """When the grant behind a binding is lost, another user's consent to the same tenant carries it on."""
    await connected.bindings.bind("acme", sandbox.tenant(1))

    def lose(conn):
        grant = grants.get(conn, connected.consented.grant_id)
        grants.put(
            conn,
            type(grant)(
                **{f: getattr(grant, f) for f in grant.__struct_fields__} | {"lost": "gone", "xero_userid": "left"}
            ),
        )

    await connected.database.run(lose)
    again = await connected.connect()
    bound = await connected.bindings.load("acme")
    assert (bound.grant_id, again.grant_id != connected.consented.grant_id) == (again.grant_id, True)
    assert await acts(connected, "acme") == ["bound", "regranted"]


async def test_nobody_connected(here):
    """Without a consent every question says so."""
    for ask in (here.connections.refreshed(), here.bindings.bind("acme", "x"), here.bindings.propose({"a": "b"})):
        with pytest.raises(errors.NoConsent):
            await ask


async def test_binding_one_tenant_twice_at_once(connected, sandbox):
    """Two entities that reach for one tenant at the same time: one gets it."""
    both = (connected.bindings.bind(entity, sandbox.tenant(1)) for entity in ("a", "b"))
    got = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in got) == ["Binding", "OrganisationTaken"]
    assert len(await connected.database.read(bindings.everything)) == 1


async def test_verifying_never_brings_a_binding_back(connected, sandbox, monkeypatch):
    """A binding that was taken away while Xero was asked stays away."""
    await connected.bindings.bind("acme", sandbox.tenant(1))
    ask = connected.probe.organisation

    async def meanwhile(*arguments):
        await connected.bindings.unbind("acme")
        return await ask(*arguments)

    monkeypatch.setattr(connected.probe, "organisation", meanwhile)
    await connected.bindings.verify("acme")
    with pytest.raises(errors.NoBinding):
        await connected.bindings.load("acme")


def test_names_are_folded():
    """Case, inner and outer spaces do not count; everything else does."""
    assert folded("  Kōwhai  HOLDINGS Ltd\t") == folded("kōwhai holdings ltd")
    assert folded("A B") != folded("AB")


async def test_a_row_that_was_changed_in_the_database_is_not_written_through(connected, sandbox):
    """Every column is the other organisation's own: only the audit log knows better, until a person binds anew."""
    await connected.bindings.bind("acme", sandbox.tenant(1))
    assert await connected.bindings.off_the_record() == []
    other = await connected.bindings.bind("other", sandbox.tenant(2))
    await connected.bindings.unbind("other")
    print_ = other.fingerprint
    forged = {
        "tenant_id": other.tenant_id, "organisation_id": print_.organisation_id, "name": print_.name,
        "short_code": print_.short_code, "base_currency": print_.base_currency, "country": print_.country,
    }  # fmt: skip
    await connected.database.run(lambda conn: conn.execute(sa.update(schema.bindings).values(forged)))
    for _ in range(2):  # a look at the organisation, which is what the row says, lets nothing go on
        found = await connected.bindings.stop_off_the_record()
        assert [(entity, wrong.code) for entity, wrong in found] == [("acme", "wrong-ledger")]
        assert "the audit log names another one" in (await connected.bindings.load("acme")).stopped
        with pytest.raises(errors.WrongLedger):
            await connected.bindings.verify("acme")
    await connected.bindings.unbind("acme")
    assert (await connected.bindings.bind("acme", sandbox.tenant(1))).stopped is None
    assert await connected.bindings.off_the_record() == []
