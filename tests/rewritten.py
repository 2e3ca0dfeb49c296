"""Rewrite the asserts of all test files ahead, as pytest does when it first imports each: `python -m tests.rewritten`.

Called by `make test`. Its workers begin at the same moment, and each would rewrite every file for itself, and compile
what the tests import beside. Nothing is imported but pytest, unlike in a collection; two processes share the files. What
is up to date is left alone.
"""

import compileall
import multiprocessing
from pathlib import Path

from _pytest.assertion import rewrite

PROCESSES = 2
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


if __name__ == "__main__":
    found = sorted(Path(__file__).parent.rglob("*.py"))
    with multiprocessing.Pool(PROCESSES) as pool:
        pool.map(ahead, found, chunksize=8)
