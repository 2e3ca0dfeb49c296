"""Rewrite the asserts of all test files ahead, as pytest does when it first imports each: `python -m tests.rewritten`.

Called by `make test`. Its workers begin at the same moment, and each would rewrite every file for itself, and compile
what the tests import beside. Nothing is imported but pytest, unlike in a collection; two processes share the files. What
is up to date is left alone. Hypothesis' own tables are made here too: the characters there are, and the constants that
stand in our files (4 s of a core for each worker in a new clone).
"""

import compileall
import multiprocessing
import types
from pathlib import Path

from _pytest.assertion import rewrite
from hypothesis.internal import charmap, constants_ast

PROCESSES = 2
ROOT = Path(__file__).parents[1]
KINDS = ("test_*.py", "conftest.py")  # what pytest takes for tests here, and rewrites


def ahead(path: Path) -> None:
    """Write what pytest would, where it looks for it; of a file that is no test, what Python would."""
    if not any(path.match(kind) for kind in KINDS):
        compileall.compile_file(path, quiet=1)
        return
    kept = rewrite.get_cache_dir(path) / (path.stem + rewrite.PYC_TAIL)
    if rewrite._read_pyc(path, kept) is None:
        kept.parent.mkdir(exist_ok=True)
        source_hash, code = rewrite._rewrite_test(path, None)  # type: ignore[arg-type]  # it has no hook for passed asserts
        with kept.with_suffix(".new").open("wb") as file:
            rewrite._write_pyc_fp(file, source_hash, code)
        kept.with_suffix(".new").replace(kept)


def characters(codec: str) -> None:
    """Which there are, and which of them can be written so: hypothesis keeps both in its folder."""
    charmap.charmap()
    charmap.intervals_from_codec(codec)


def constants(path: Path) -> None:
    """Those of one file of ours, which hypothesis tries in examples, likewise."""
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    constants_ast.constants_from_module(module)


if __name__ == "__main__":
    with multiprocessing.Pool(PROCESSES) as pool:
        slow = pool.apply_async(characters, ["utf-8"])
        pool.map(ahead, sorted((ROOT / "tests").rglob("*.py")), chunksize=8)
        pool.map(constants, sorted((ROOT / "src").rglob("*.py")), chunksize=8)
        slow.get()
