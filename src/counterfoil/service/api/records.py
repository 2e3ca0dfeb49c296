"""`POST /v1/flows/{flow}/records`: hand records, or rows, to a flow; each becomes one posting, however often it is sent.

Called by application. What is taken is on disk before the answer is sent (app/handing); the service posts it. A record that is
wrong is told in its place, and the others go on.
"""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request
from litestar.params import PathParameter, QueryParameter

from counterfoil import errors
from counterfoil.app.handing import taking, telling
from counterfoil.app.handing.reading import RECORDS_MAX
from counterfoil.app.handing.telling import WAIT_MAX_S, Became
from counterfoil.model import spelling
from counterfoil.service.api import problems, registry
from counterfoil.service.api.registry import BooksOf, CallerOf

LINES: Final = "application/x-ndjson"
_RECORD: Final = {
    "external_id": "order-1001", "entity": "acme-uk",
    "contact": {"external_id": "cust-7", "name": "Blue Fern Ltd", "email": "ap@bluefern.example"},
    "date": "2026-11-01", "due_date": "2026-12-01", "currency": "GBP",
    "lines": [
        {"description": "Widgets", "quantity": "2", "unit_amount": "10.50", "account_code": "200", "tax_type": "OUTPUT2"}
    ],
    "expected_total": "25.20",
}  # fmt: skip
_LIST: Final = {"type": "array", "minItems": 1, "maxItems": RECORDS_MAX, "items": {"type": "object"}}
_BODY: Final = {
    "application/json": {
        "oneOf": [
            _LIST,
            {
                "type": "object",
                "properties": {"records": _LIST},
                "required": ["records"],
                "additionalProperties": False,
            },
            {"type": "object", "properties": {"rows": _LIST}, "required": ["rows"], "additionalProperties": False},
        ]
    },
    LINES: {"type": "string", "description": "One record or row per line."},
}
_EXAMPLE: Final = {
    "flow": "shop",
    "records": [
        {"n": 0, "external_id": "order-1001", "entity": "acme-uk", "id": 17, "state": "planned", "problems": [],
         "document": None},
        {"n": 1, "external_id": None, "entity": None, "id": None, "state": "refused", "document": None,
         "problems": [{"code": "broken-json", "field": "", "reason": "The record is JSON, but not an object: 7.",
                       "remedy": "Write one JSON object per record, in UTF-8."}]},
    ],
}  # fmt: skip
FlowName = Annotated[str, PathParameter(description="The flow's table, as in `[flows.NAME]`.", max_length=100)]
Wait = Annotated[
    int,
    QueryParameter(
        name="wait",
        ge=0,
        le=WAIT_MAX_S,
        description="So many seconds at most for what is on its way to Xero to arrive.",
    ),
]


class Records(msgspec.Struct, frozen=True):
    """What became of each record, in the order in which they were sent; of rows, one for each record that they make."""

    flow: str
    records: tuple[Became, ...]


@registry.post(
    "/v1/flows/{flow:str}/records", rights="write", summary="Hand records to a flow", status=202,
    description=(
        'A list of records, or of rows where the flow maps rows, as JSON or JSON Lines; `{"records": …}` and `{"rows": …}` say '
        f"which. At most {RECORDS_MAX:,}. When this answers 202, what it took is on disk and will be posted. Safe to repeat: the same "
        "record is the same posting, a changed one is treated as the flow's `on_change` says. A record that is wrong is told "
        "in its place; the others go on."
    ),
    refusals=(404,), example=_EXAMPLE, body_example=[_RECORD], body=_BODY, tags=("records",),
)  # fmt: skip
async def hand_over_records(
    request: Request[Any, Any, Any], books: BooksOf, caller: CallerOf, flow: FlowName, wait: Wait = 0
) -> Records:
    """Take them, plan them, and say what became of each."""
    found = books.flows.get(flow)
    seen = registry.visible_flows(books, caller)
    if found is None or flow not in seen:
        raise problems.unknown(f"There is no flow {flow!r}.", spelling.suggestion(flow, seen))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        taken = await taking.take(
            books, await books.flow_to_run(flow), await request.body(), caller, lines=kind == LINES
        )
    except errors.InputError as error:
        raise problems.Refusal("fix-input", error.message, error.remedy) from None
    return Records(flow, tuple(await telling.became(books, taken, wait_s=wait)))


ROUTES: Final = (hand_over_records,)
