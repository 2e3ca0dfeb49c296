import ast
import inspect
import pkgutil
from pathlib import Path

import pytest

from counterfoil import flows
from counterfoil.errors import ConfigurationError
from counterfoil.model import checks

SOURCE = Path(inspect.getfile(flows)).parent.parent
PAGE = Path(__file__).parents[2] / "docs" / "records" / "sales_invoice.md"


def test_every_file_is_a_kind():
    """A file in flows/ is a flow kind named like it, with a line for the documentation and a card."""
    files = sorted(module.name for module in pkgutil.iter_modules(flows.__path__))
    assert list(flows.kinds()) == files
    for kind in flows.kinds().values():
        assert kind.doc.endswith(".")
        assert all(need.scopes and need.why for need in kind.needs)
        assert all(state.split(":")[0] in {"done", "todo", "exempt"} for state in kind.card.values())
        assert all(":" in state for state in kind.card.values() if not state.startswith(("done", "todo")))


def test_an_unknown_kind():
    """The nearest kind is named."""
    with pytest.raises(ConfigurationError, match="Did you mean `sales_invoices`"):
        flows.kind("sales_invoice")
    assert flows.kind("sales_invoices").resource == "Invoices"


def _causes(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Finding", "Misfit"}:
            for argument in node.args[:2]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
                    break


def test_every_cause_is_on_the_page():
    """Whatever cause a refusal has, a page for people explains it."""
    files = [*Path(inspect.getfile(checks)).parent.glob("*.py"), *(SOURCE / "flows").glob("*.py")]
    files += [*(SOURCE / "sources").glob("*.py"), SOURCE / "model" / "records.py", SOURCE / "model" / "shape.py"]
    pages = "".join(page.read_text() for page in sorted(PAGE.parents[1].rglob("*.md")))
    assert sorted({cause for file in files for cause in _causes(file) if f"`{cause}`" not in pages}) == []
