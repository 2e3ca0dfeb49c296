"""What /schema says is so: schemathesis plays it against the API in this process, with keys of either company.

No answer is 500, none is of another form than the document says, and nothing of one company gets out by a key of the other.
"""

import asyncio
import json
import os
import random
import re
from urllib.parse import urlencode, urlsplit

import jsonschema
import pytest
import requests
import schemathesis
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as of_openapi

from counterfoil.app import api_keys
from counterfoil.service.api import application, description
from counterfoil.store import schema
from tests.service.api.conftest import AU, NOW, UK, House, housed

SOAK = bool(os.environ.get("SOAK"))
EXAMPLES = 400 if SOAK else 8  # of each operation, in each mode
ROUNDS = 40 if SOAK else 1  # of every route with keys of every kind
FLOWS = "".join(
    f'[flows.{name}]\nkind = "sales_invoices"\nsource = {{ push = true }}\n{entity}'
    for name, entity in (("uk", 'entity = "acme-uk"\n'), ("au", 'entity = "acme-au"\n'), ("any", ""))
)
ENTITIES = ("acme-uk", "acme-au", "acme-nl", "acme-xx")
CANARY = {UK: "only-the-uk", AU: "only-australia"}  # in a document or a change, and in nothing that is asked
IDS = {UK: "a-document", AU: "another-one"}
CHECKS = [
    of_openapi.status_code_conformance, of_openapi.content_type_conformance, of_openapi.response_schema_conformance,
    of_openapi.response_headers_conformance,
]  # fmt: skip


def stuck(conn, tenant, canary):
    """A posting of a company that was refused, and a record that could not be planned, of its own flow and of a shared one."""
    entity = "acme-uk" if tenant == UK else "acme-au"
    for flow in (entity[-2:], "any"):
        conn.execute(sa.insert(schema.postings).values(
            flow_id=flow, kind="invoice", external_id=f"{canary}-{flow}", issue=1, scope="", entity=entity, tenant_id=tenant,
            resource="Invoices", marker=f"{canary}{flow}"[:16], state="rejected", cause="account-unknown:999", reason=canary,
            remedy=canary, revision=1, record_hash="x", source=canary, own_number=True, looks=0, run_id=1, last_run_id=1,
            planned_at=NOW, changed_at=NOW,
        ))  # fmt: skip
        conn.execute(sa.insert(schema.bad_rows).values(
            flow=flow, flow_id=flow, entity=entity, external_id=canary, source=canary, content_hash=canary, cause="no-date",
            reason=canary, remedy=canary, state="open", last_run_id=1,
        ))  # fmt: skip


class Played:
    """A house on an event loop of its own, filled, with keys."""

    def __init__(self, runner: asyncio.Runner, house: House) -> None:
        self.runner, self.house = runner, house
        self.keys = {}

    async def fill(self):
        """Documents and changes of both companies, which say whose they are; keys of every kind."""
        for tenant, canary in CANARY.items():
            for resource in ("Invoices", "Contacts", "BankTransactions", "TaxRates"):
                document = {"Name": canary, "InvoiceNumber": canary, "Status": "AUTHORISED", "Reference": canary}
                await self.house.hold(tenant, resource, (IDS[tenant], "AUTHORISED", 1, document))
            await self.house.happens((canary, "invoice.paid", tenant))
            await self.house.books.database.run(lambda conn, tenant=tenant, canary=canary: stuck(conn, tenant, canary))
        for rights in api_keys.RIGHTS:
            for entities in ((), ("acme-uk",), ("acme-au",), ("acme-nl",)):
                self.keys[rights, entities] = await self.house.key(rights, *entities)
        await self.house.api.waiting.end()  # nobody is waited for here

    def ask(self, method, path, key, body=b"", **headers):
        """One request."""
        return self.runner.run(self.house.ask(method, path, key, body, **headers))

    def check(self, answer, entities):
        """Nothing of another company is in it, and it is no mistake of ours."""
        assert answer.status < 500, answer.body
        for tenant, entity in ((UK, "acme-uk"), (AU, "acme-au")):
            if entities and entity not in entities:
                assert CANARY[tenant].encode() not in answer.body
                assert tenant.encode() not in answer.body


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Filled."""
    with asyncio.Runner() as runner:
        inside = housed(tmp_path_factory.mktemp("house"), FLOWS)
        found = Played(runner, runner.run(inside.__aenter__()))
        try:
            runner.run(found.fill())
            yield found
        finally:
            runner.run(inside.__aexit__(None, None, None))


def document():
    """What /schema says; it asks nothing of the books."""
    return description.document(application.framework(None, None))


DOCUMENT = json.loads(json.dumps(document()))
OPERATIONS = [found.ok() for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]


def sent(played, case, key):
    """A case as a request; → our answer, and the same as schemathesis takes it."""
    given = case.as_transport_kwargs(base_url="http://localhost")
    prepared = requests.Request(
        **{name: given.get(name) for name in ("method", "url", "params", "json", "data")}
    ).prepare()
    body = prepared.body or b""
    kind = {} if not body else {"content_type": "application/json"}
    parts = urlsplit(prepared.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    answer = played.ask(given["method"], path, key, body if isinstance(body, bytes) else body.encode(), **kind)
    headers = {name: [value] for name, value in answer.headers.items()}
    return answer, schemathesis.Response(answer.status, headers, answer.body, prepared, 0.1, verify=True)


@pytest.mark.soak
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_is_asked_is_answered_as_the_document_says(played, operation, mode):
    """What it allows and what it forbids, with a key of either company or both, of companies that there are and are not."""
    mine = [(rights, entities) for rights, entities in played.keys if rights == "admin"]

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(
        case=operation.as_strategy(generation_mode=mode), who=st.sampled_from(mine), entity=st.sampled_from(ENTITIES),
        n=st.integers(1, 6), flow=st.sampled_from(("uk", "au", "any", "none")),
    )  # fmt: skip
    def play(case, who, entity, n, flow):
        there = {"entity": entity, "flow": flow, "posting": str(n), "problem": str(n)}
        case.path_parameters.update({name: there[name] for name in case.path_parameters.keys() & there.keys()})
        answer, told = sent(played, case, played.keys[who])
        played.check(answer, who[1])
        case.validate_response(told, checks=CHECKS)

    play()


def routes():
    """Every route: (method, path, the right that it takes)."""
    app = application.framework(None, None)
    return sorted(
        (method, handler.opt["told"].rights, path)
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if "told" in handler.opt
        for path in handler.paths
        for method in handler.http_methods
    )


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_key_gets_as_far_as_its_rights_and_its_companies(played, seed):
    """Every route with every kind of key, for each company: refused for its right, else not there, else answered."""
    dice = random.Random(seed)
    for method, takes, path in routes():
        for (rights, entities), key in played.keys.items():
            entity = dice.choice(ENTITIES)
            where = re.sub(r"{entity:str}", entity, path)
            where = re.sub(r"{resource:str}", dice.choice(("invoices", "contacts", "tax-rates", "x")), where)
            where = re.sub(r"{flow:str}", dice.choice(("uk", "au", "any")), where)
            where = re.sub(r"{(posting|problem):str}", dice.choice("123456"), where)
            where = re.sub(r"{\w+:\w+}", dice.choice(("1", *IDS.values())), where)
            query = urlencode(dice.choice(({}, {"entity": entity}, {"after": "0"}, {"limit": "1"})))
            answer = played.ask(method, f"{where}?{query}", key, b"{}" if method == "POST" else b"")
            played.check(answer, entities)
            may = api_keys.RIGHTS.index(rights) >= api_keys.RIGHTS.index(takes)
            assert (answer.status == 403) is not may, (method, where, rights)
            if may and "{entity" in path and (entity == "acme-xx" or (entities and entity not in entities)):
                assert answer.status == 404, (method, where, entities)
            assert played.ask(method, where, None).status == 401


def schemas(part, inside=()):
    """Every schema of the document with an example beside it: (place, schema, example)."""
    if isinstance(part, dict):
        if "example" in part and "schema" in part:
            yield "/".join(inside), part["schema"], part["example"]
        for name, value in part.items():
            yield from schemas(value, (*inside, name))


@pytest.mark.parametrize("place", [place for place, _schema, _example in schemas(DOCUMENT)])
def test_examples_are_as_their_schemas_say(place):
    """So that nobody copies what would be refused."""
    found = {one: (schema, example) for one, schema, example in schemas(DOCUMENT)}
    schema, example = found[place]
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(example)


def test_the_document_is_valid():
    """By OpenAPI's own schema of such documents; and that would notice."""
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    broken = json.loads(json.dumps(DOCUMENT))
    broken["paths"]["/v1/status"]["get"]["responses"]["200"]["description"] = 7
    with pytest.raises(Exception, match="description"):
        schemathesis.openapi.from_dict(broken).validate()


def test_the_document_is_whole():
    """Each operation has an example, says how it may refuse, and takes a key; nothing of the framework's own form is left."""
    assert DOCUMENT["security"] == [{"key": []}]
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            assert {"401", "403", "429", "503"} <= operation["responses"].keys()
            answer = next(value for status, value in operation["responses"].items() if status.startswith("2"))
            assert "example" in answer["content"]["application/json"], operation["operationId"]
            assert "security" not in operation
    assert '"status_code"' not in json.dumps(DOCUMENT)


async def test_the_page_for_people(house):
    """It needs no key, loads nothing but our own stylesheet, and each refusal's `type` leads to a paragraph of it."""
    page = await house.get("/schema/reference")
    refused = await house.get("/v1/status")
    text = page.body.decode()
    assert page.status == 200
    assert "script" not in page.headers["content-security-policy"].replace("script-src", "")
    assert re.findall(r'(?:src|href)="([^"]*)"', text)[1].startswith("/style.css")
    assert not re.search(r'<script|(?:src|href)="(?:https?:)?//', text)
    anchor = refused.json["type"].partition("#")[2]
    assert f'id="{anchor}"' in text
    assert (await house.get("/schema")).json["openapi"].startswith("3.1")
    assert (await house.get("/schema/other")).status == 401
