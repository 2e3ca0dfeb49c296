"""What the request log's filter form may ask. Called by `views`; reads rows of `log` only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from counterfoil.sandbox.log import RequestRow

METHODS: Final = ("GET", "PUT", "POST", "DELETE")
ANSWERS: Final = {
    "2xx": "answered 2xx",
    "3xx": "redirected 3xx",
    "4xx": "refused 4xx",
    "5xx": "failed 5xx",
    "none": "no answer",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter; an empty member selects everything. `text` is looked for in path and idempotency key, without case."""

    text: str = ""
    method: str = ""
    answer: str = ""
    tenant: str = ""
    faults: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Wanted":
        """The filter of a query string; values that the form does not offer select everything."""
        method, answer = query.get("method", ""), query.get("answer", "")
        return cls(
            query.get("text", "").strip(),
            method if method in METHODS else "",
            answer if answer in ANSWERS else "",
            query.get("tenant", "").lower(),
            query.get("faults") == "1",
        )

    def matches(self, row: RequestRow) -> bool:
        """Whether a row passes every member."""
        text = self.text.casefold()
        return (
            (not text or text in row.path.casefold() or text in (row.idempotency_key or "").casefold())
            and (not self.method or row.method == self.method)
            and (not self.answer or self.answer == answer_of(row))
            and (not self.tenant or (row.tenant or "").lower() == self.tenant)
            and (not self.faults or row.fault is not None)
        )


def answer_of(row: RequestRow) -> str:
    """The kind of answer: a key of ANSWERS."""
    return "none" if row.status is None else f"{row.status // 100}xx"
