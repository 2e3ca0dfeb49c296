"""The handler that every collection of Xero's shares: lists, one by id or number, writes, what hangs on one.

Called through `resources`; each resource file declares one `Collection` and keeps only what is its own: how a row is
written, and the forms that it is shown in. Facts 4.4 (paging), 4.7 (PUT and POST), 3.4 (summarizeErrors), Appendix A.
Nothing is posted to the ledger here: `ledger` follows every committed row by itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import batches, history, listing, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.shape import Shape
from counterfoil.sandbox.tables import Row

Shown = Callable[[Call, Row], Row]
Write = Callable[[Call, Row], Outcome]
Part = Callable[[Call, Row | None], Answer]


def as_is(_: Call, row: Row) -> Row:
    """A row that is shown as it is stored."""
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One collection. A method without a function is 501.

    `single`, `listed` and `unlisted` are the forms of one row: fetched by itself (None: it cannot be), in a page, in a list
    without pages. `created` is PUT, `saved` is POST of the collection, `changed` POST of one (with `id_key` in the element;
    absent: as `saved`), `removed` is DELETE.
    `number_index`: an index of the table that GET {number} looks in. `chosen` answers list parameters by index;
    `forces_pages` names those that imply page 1. `parts` is what follows the id in a path, in lower case.
    `key` makes an id of a path a key of the table.
    `form` names the form that `listed` and `unlisted` show, if they look at nothing but the row and at what is in that name:
    then an element is made once for each version of its row. "": it is made anew for each list.
    `stamp_key` is what If-Modified-Since looks at, empty for rows without a stamp.
    `limits`: how many elements of a PUT or POST count (the rest is ignored, as at Xero). `summarized`: the methods of the
    collection that know summarizeErrors (facts 3.4); on others a refusal is always 400.
    """

    plural: str
    singular: str
    id_key: str
    shape: Shape = field(default_factory=Shape)
    single: Shown | None = as_is
    listed: Shown = as_is
    unlisted: Shown | None = None
    form: Callable[[Call], str] = lambda _: ""
    created: Write | None = None
    saved: Write | None = None
    changed: Write | None = None
    removed: Callable[[Call, Row], Answer] | None = None
    chosen: Callable[[Call], Iterable[Row]] | None = None
    view: Callable[[Call], listing.View | None] = lambda _: None
    number_index: str = ""
    forces_pages: tuple[str, ...] = ()
    has_pages: bool = True
    always_pages: bool = False
    stamp_key: str = "UpdatedDateUTC"
    key: Callable[[str], str] = str.lower
    limits: Mapping[str, int] = field(default_factory=dict)
    summarized: frozenset[str] = frozenset({"PUT", "POST"})
    has_history: bool = True
    parts: Mapping[str, Part] = field(default_factory=dict)

    def handle(self, call: Call) -> Answer:
        """Any request to the collection, to one of its rows, or to what hangs on one."""
        if not call.path:
            return self._collection(call)
        if len(call.path) > 1:
            return self._part(call, call.path[1].lower())
        row = self.found(call, call.path[0])
        if row is None or self.single is None:
            raise Refusal(answers.not_found())
        if call.method == "GET":
            return self.answer(call, [self.single(call, row)])
        change = self.changed or self.saved
        if call.method == "POST" and change is not None:
            elements = [{**posted, self.id_key: row[self.id_key]} for posted in self._posted(call)]
            return self._written(call, elements, change, summarize=True)
        if call.method == "DELETE" and self.removed is not None:
            return self.removed(call, row)
        raise Refusal(answers.not_implemented())

    def found(self, call: Call, id_or_number: str) -> Row | None:
        """The row of this id, else of this number if the collection has numbers."""
        table = call.books.table(self.plural)
        row = table.get(self.key(id_or_number))
        if row is None and self.number_index:
            row = table.first(self.number_index, fold(id_or_number))
        return row

    def answer(self, call: Call, rows: list[Row], pagination: Row | None = None) -> Answer:
        """200 with these rows."""
        return answers.envelope(call.world, call.client_id, self.plural, rows, pagination)

    def _collection(self, call: Call) -> Answer:
        if call.method == "GET":
            return self._list(call)
        write = {"PUT": self.created, "POST": self.saved}.get(call.method)
        if write is None:
            raise Refusal(answers.not_implemented())
        elements = self._posted(call)
        if call.method == "POST":
            self._refuse_unknown_ids(call, elements)
        asked = call.method not in self.summarized or call.flag("summarizeerrors", absent=True)
        return self._written(call, elements, write, summarize=asked)

    def _part(self, call: Call, name: str) -> Answer:
        row = call.books.table(self.plural).get(self.key(call.path[0]))
        if name in self.parts:
            return self.parts[name](call, row)
        if name == "history" and self.has_history and len(call.path) == 2:
            return history.not_found(call) if row is None else history.answered(call, row[self.id_key])
        raise Refusal(answers.not_implemented())

    def _posted(self, call: Call) -> list[Row]:
        return shape.posted(call, self.plural, self.singular, self.shape)[: self.limits.get(call.method)]

    def _written(self, call: Call, elements: list[Row], write: Write, *, summarize: bool) -> Answer:
        return batches.written(call, self.plural, elements, lambda posted: write(call, posted), summarize=summarize)

    def _refuse_unknown_ids(self, call: Call, elements: list[Row]) -> None:
        """A POST that names an unknown id is 404 as a whole."""
        table = call.books.table(self.plural)
        if any(self.id_key in posted and table.get(self.key(posted[self.id_key])) is None for posted in elements):
            raise Refusal(answers.not_found())

    def _list(self, call: Call) -> Answer:
        rows = call.books.table(self.plural) if self.chosen is None else self.chosen(call)
        id_key = self.id_key if self.has_pages else None
        kept = listing.listed(
            call, rows, id_key, self.view(call), changed=bool(self.stamp_key), stamp_key=self.stamp_key
        )
        if not self.has_pages:
            return self._shown(call, kept, self.listed, "whole")
        implied = self.always_pages or call.flag("summaryonly") or any(name in call.query for name in self.forces_pages)
        page = listing.paged(call, kept, implied=implied)
        if page.paged or self.unlisted is None:
            return self._shown(call, page.rows, self.listed, "paged", page.pagination)
        return self._shown(call, page.rows, self.unlisted, "unpaged")

    def _shown(self, call: Call, rows: list[Row], shown: Shown, layout: str, pagination: Row | None = None) -> Answer:
        """200 with these rows, each as `shown` shows it."""
        form = self.form(call)
        if not form:
            return self.answer(call, [shown(call, row) for row in rows], pagination)
        form = f"{form}/{layout}"
        element, id_key = call.world.rendered.element, self.id_key
        elements = [element(form, row[id_key], row, lambda row: shown(call, row)) for row in rows]
        return answers.joined(call.world, call.client_id, self.plural, elements, pagination)
