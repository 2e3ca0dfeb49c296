"""An expression, checked when it is loaded and run by the library on texts: only the columns that it uses go there.

Called by values. Pure. Every column becomes a variable of its own, a number with a decimal point becomes a text (so
that no float exists), and `sum(rows, …)` is worked out here: then a run costs 0.3 µs and 3 µs for each call of ours.
"""

from collections.abc import Mapping
from typing import Any

from counterfoil.mapping import syntax, texts
from counterfoil.mapping.checking import Checker, Surroundings
from counterfoil.mapping.functions import Failure
from counterfoil.mapping.scopes import Scope, Unmapped
from counterfoil.mapping.syntax import Misspelt
from counterfoil.mapping.texts import Misread
from counterfoil.model.prepared import Finding


class Expression:
    """A compiled expression. `gives` is "text", "amount", "day", "yes_no", "list", "whole" or "null"."""

    def __init__(self, source: str, surroundings: Surroundings) -> None:
        """Raises Misspelt."""
        tree = syntax.parse(source)
        checker = Checker(surroundings)
        self.gives = checker.kind(tree)
        self.uses = checker.uses
        self._functions = surroundings.functions
        self._program = _compile(_rewritten(source, checker.edits))
        self._cells = tuple((f"c{n}", scope == "head", name) for n, (scope, name) in enumerate(self.uses.columns))
        self._sums = tuple((f"s{n}", columns) for n, columns in enumerate(self.uses.summed))
        self._context = _library().Context(functions=self._functions.table())

    def run(self, scope: Scope) -> Any:
        """Its value: a text, a whole number, True, False, None or a list. Raises Unmapped."""
        failures = self._functions.failures
        failures.clear()
        add = self._context.add_variable
        try:
            for variable, of_head, name in self._cells:
                add(variable, scope.head(name) if of_head else scope.cell(name))
            for variable, columns in self._sums:
                add(variable, self._functions.total(scope.products(columns)))
            value = None if failures else self._program.execute(self._context)
        except IndexError:
            misread = Misread(
                "expression-failed", "has fewer parts than the expression asks for", "Ask blank(…) first."
            )
            failures.append(Failure(None, misread))
        except (RuntimeError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            misread = Misread("expression-failed", f"does not suit the expression: {error}", "Correct the expression.")
            failures.append(Failure(None, misread))
        if failures:
            raise Unmapped(self._finding(failures[0], scope))
        return value

    def _finding(self, failure: Failure, scope: Scope) -> Finding:
        """The first failure, told with the columns that hold the misread value; else with all that are used."""
        used = [(name, scope.head(name) if of_head else scope.cell(name)) for _, of_head, name in self._cells]
        names = [name for name, value in used if value == failure.value]
        whole = "" if names else "An expression of "
        if not names:
            summed = [name for _, columns in self._sums for name in columns]
            names = list(dict.fromkeys([name for name, _ in used] + summed))
        which = ", ".join(f"`{name}`" for name in names)
        where = f"{whole}{'column' if whole else 'Column'} {which} ({scope.sources})" if names else "The expression"
        shown = "" if failure.value is None else texts.shown(failure.value)
        told = f": {shown}" if shown and shown not in failure.misread.reason else ""
        value = failure.value or ""
        return Finding(
            failure.misread.cause, f"{where} {failure.misread.reason}{told}.", failure.misread.remedy, value=value
        )


def _library() -> Any:
    """What runs expressions, imported by the first of them: 0.15 s of CPU, most of it for a prompt of the library's own."""
    import cel

    return cel


def _compile(source: str) -> Any:
    try:
        return _library().compile(source)
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise Misspelt(0, f"is refused by the expression library: {first}", "Write it more simply.") from error


def _rewritten(source: str, edits: Mapping[tuple[int, int], str]) -> str:
    for (start, end), text in sorted(edits.items(), reverse=True):
        source = source[:start] + text + source[end:]
    return source
