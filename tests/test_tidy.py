"""House rules that no linter knows, held by walking the source as text and syntax tree; nothing of ours is imported."""

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "counterfoil"

LINES_MAX = 400
LONGER: dict[str, str] = {}  # a file of src that may be longer than LINES_MAX → why

# Where amounts pass through. Seconds are floats there too, and say so in their names.
MONEY = ("app", "flows", "mapping", "matching", "mirror", "model", "posting", "reporting", "sources", "store")
MONEY_FILES = ("xero/elements.py", "xero/paging.py")
SECONDS = re.compile(r"(^|_)(s|ms|seconds)$", re.IGNORECASE)
FLOATS_ALLOWED = {
    "model/spelling.py nearest": "how alike two words are",
    "model/shape.py _seconds_misfit": "asks whether a decoded value is a number at all",
    "sources/excel.py text_of": "how Excel itself keeps numbers; becomes text at once",
    "sources/excel.py _number": "how Excel itself keeps numbers; becomes text at once",
    "posting/sending.py commit": "the client's protocol: an instant in seconds",
}

READ_WITHOUT_AMOUNTS = {  # (file, call) → why no amount of ours is in what is read
    ("model/records.py", "msgspec.json.decode(raw)"): "identify() takes two texts out of it",
    ("sources/strict_json.py", "json.loads(raw, object_pairs_hook=_once)"): "looks for a key that stands twice",
    ("store/types.py", "msgspec.json.decode(value)"): "decimals inside were written as strings",
}

PURE = ("mapping", "matching", "model", "reporting")
IMPURE_MODULES = {"asyncio", "logging", "os", "random", "secrets", "socket", "subprocess", "time", "uuid"}
CLOCK_CALLS = {"now", "today", "utcnow", "elapsed_s", "monotonic", "time", "perf_counter"}

STARTS = {
    "subprocess.Popen", "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
    "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell",
}  # fmt: skip
INHERITS = ("os.system", "os.popen", "os.spawn", "os.exec", "webbrowser.")  # no way to say what is handed on

UNFINISHED = re.compile(rf"\b({'|'.join(('TO' + 'DO', 'FIX' + 'ME', 'X' * 3))})\b")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|farm|root|home|Users|opt|mnt)/[\w.]")
PACKAGE_HOST = re.compile(
    r"https?://[^\s\"'<>)]*(?:pypi|pythonhosted|npmjs|yarnpkg|unpkg|jsdelivr|cdnjs|anaconda|artifactory|nexus|devpi)"
)
INDEX_OPTION = re.compile(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b", re.MULTILINE)
EXEMPTION = re.compile(r"# (?:noqa|type: ignore)(.*)$")
EXEMPTION_WITH_REASON = re.compile(r"^(?:: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)* - \S.*|\[[a-z, -]+\]  # \S.*)$")
LINK = re.compile(r"\]\(([^)\s]+)\)")


class Source(NamedTuple):
    """One Python file, parsed."""

    name: str  # relative to src/counterfoil, or to the repository for tests
    text: str
    tree: ast.Module


def sources(folder: Path, base: Path) -> list[Source]:
    found = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Source(path.relative_to(base).as_posix(), text, ast.parse(text)))
    return found


@functools.cache
def ours() -> list[Source]:
    """Every file of the package; parsed when it is first asked for, since every worker imports this file."""
    return sources(SRC, SRC)


@functools.cache
def of_tests() -> list[Source]:
    """Every file of the tests."""
    return sources(ROOT / "tests", ROOT)


def tracked() -> list[Path]:
    """Every file that is or may be committed; outside a git checkout, every file of the usual folders."""
    try:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        names = [name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [
            path.relative_to(ROOT).as_posix()
            for top in (".ci", "docs", "requirements", "src", "tests")
            for path in (ROOT / top).rglob("*")
            if "__pycache__" not in path.parts
        ] + [path.name for path in ROOT.iterdir()]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture


def matches(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number} {line.strip()[:100]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def with_parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}


def above(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node


def names_of(node: ast.AST) -> list[str]:
    """The names that a node gives: of a parameter, a function, the targets of an assignment, a keyword."""
    match node:
        case ast.arg(arg=name) | ast.keyword(arg=str(name)):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.AnnAssign(target=target):
            targets = [target]
        case ast.Assign(targets=targets):
            pass
        case _:
            return []
    return [getattr(part, "attr", None) or getattr(part, "id", "") for part in targets]


def is_seconds(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether the nearest name around it ends in its unit, or it is an argument of sleep()."""
    for parent in above(node, parents):
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr == "sleep":
            return True
        named = names_of(parent)
        if named:
            return all(SECONDS.search(name) for name in named)
    return False


def near_money(name: str) -> bool:
    return name.split("/", maxsplit=1)[0] in MONEY or name in MONEY_FILES


def test_no_float_stands_near_money():
    """Where amounts pass through, `float` and float literals are seconds whose names say so, or listed with a reason."""
    found, used = [], set()
    for source in ours():
        if not near_money(source.name):
            continue
        parents = with_parents(source.tree)
        for node in ast.walk(source.tree):
            is_type = isinstance(node, ast.Name) and node.id == "float"
            is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if not (is_type or is_literal) or is_seconds(node, parents):
                continue
            inside = next(
                (p.name for p in above(node, parents) if isinstance(p, ast.FunctionDef | ast.AsyncFunctionDef)), ""
            )
            allowed = f"{source.name} {inside}"
            if allowed in FLOATS_ALLOWED:
                used.add(allowed)
            else:
                found.append(f"{source.name}:{node.lineno} in {inside or 'the module'}")
    assert found == []
    assert used == set(FLOATS_ALLOWED), "an exemption that nothing needs"


def test_json_near_money_is_never_read_as_floats():
    """A decoder there is given its type, or a hook that makes Decimal; the bare one would make floats."""
    found = []
    for source in ours():
        if not near_money(source.name):
            continue
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            called = ast.unparse(node.func)
            keywords = {keyword.arg for keyword in node.keywords}
            reads = called in {"msgspec.json.decode", "json.loads"} and not keywords & {"type", "parse_float"}
            builds = called.endswith("json.Decoder") and not node.args and not keywords & {"type", "float_hook"}
            if (reads or builds) and (source.name, ast.unparse(node)) not in READ_WITHOUT_AMOUNTS:
                found.append(f"{source.name}:{node.lineno} {ast.unparse(node)}")
    assert found == []


def test_no_instant_is_naive():
    """`now`, `fromtimestamp` and their like get a time zone; `utcnow` and `today` are not called at all."""
    found = []
    for source in ours():
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name, of = node.func.attr, ast.unparse(node.func.value).rsplit(".", 1)[-1]
            arguments = len(node.args) + sum(keyword.arg in {"tz", "tzinfo"} for keyword in node.keywords)
            naive = (of == "datetime" and name == "now" and arguments < 1) or (
                of in {"date", "datetime"} and name == "fromtimestamp" and arguments < 2
            )
            if naive or name in {"utcnow", "utcfromtimestamp"} or (of in {"date", "datetime"} and name == "today"):
                found.append(f"{source.name}:{node.lineno}")
    assert found == []


def test_what_calls_itself_pure_asks_no_clock_and_no_dice():
    """The pure folders, and every module whose docstring says "Pure", import and call nothing that differs from run to run."""
    found, seen = [], set()
    for source in ours():
        says_so = re.search(r"\bPure\b", ast.get_docstring(source.tree) or "")
        if source.name.split("/")[0] not in PURE and not says_so:
            continue
        seen.add(source.name)
        for node in ast.walk(source.tree):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            impure = [module for module in modules if module.split(".")[0] in IMPURE_MODULES]
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if impure or (is_call and node.func.attr in CLOCK_CALLS):
                found.append(f"{source.name}:{node.lineno}")
    assert found == []
    assert {"model/money.py", "posting/deciding.py", "posting/judging.py", "flows/sales_invoices.py"} <= seen


def test_every_program_that_is_started_is_given_its_environment():
    """By default it would inherit ours, with the app's secret and the master key in it."""
    found = []
    for source in ours():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in STARTS:
                handed_over = {one.arg for one in node.keywords}
                found += [] if "env" in handed_over else [f"{source.name}:{node.lineno}"]
            elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith(INHERITS):
                found.append(f"{source.name}:{node.lineno}")
    assert found == []


def test_nothing_is_printed():
    """The screen belongs to cli/screen and stdout to one JSON value: `print` is not called."""
    found = [
        f"{source.name}:{node.lineno}"
        for source in ours()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert found == []


def test_no_file_is_too_long_without_a_reason():
    """A file of src stays under 400 lines, or stands in LONGER with its reason; nothing stands there in vain."""
    long = {source.name for source in ours() if len(source.text.splitlines()) > LINES_MAX}
    assert sorted(LONGER) == sorted(long)


def test_every_module_says_what_it_is():
    """Each file of src opens with a docstring."""
    assert [source.name for source in ours() if not ast.get_docstring(source.tree)] == []


def test_every_test_says_in_one_sentence_what_it_shows():
    """A test's docstring is one paragraph that ends as a sentence does."""
    found = []
    for source in of_tests():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                said = ast.get_docstring(node) or ""
                if not said.endswith((".", '."', ".)")) or "\n\n" in said:
                    found.append(f"{source.name}:{node.lineno} {node.name}")
    assert found == []


def test_every_flow_kind_has_its_line_and_its_card():
    """A file in flows/ declares DOC and CARD; a card's words begin with done, todo or exempt."""
    for source in ours():
        if not source.name.startswith("flows/") or source.name.endswith("__init__.py"):
            continue
        declared = {name: node for node in source.tree.body for name in names_of(node)}
        assert {"DOC", "CARD"} <= declared.keys(), source.name
        card = next(node for node in ast.walk(declared["CARD"]) if isinstance(node, ast.Dict))
        words = [value.value for value in card.values if isinstance(value, ast.Constant)]
        assert words, source.name
        assert [word for word in words if not re.fullmatch(r"done|(todo|exempt)(: .+)?", str(word))] == []


def test_imports_are_absolute():
    """`from . import` does not occur."""
    found = [
        f"{source.name}:{node.lineno}"
        for source in (*ours(), *of_tests())
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert found == []


def test_nothing_is_left_for_later_in_the_code():
    """What is not done is in the cards and on the pages, where users see it, and not in a comment."""
    found = [place for place in matches(UNFINISHED) if place.startswith(("src/", "tests/"))]
    assert found == []


def test_no_exemption_goes_without_its_reason():
    """`noqa: CODE - reason` and `type: ignore[code]  # reason`: nothing is silenced silently in src."""
    found = []
    for source in ours():
        for number, line in enumerate(source.text.splitlines(), 1):
            exemption = EXEMPTION.search(line)
            if exemption and not EXEMPTION_WITH_REASON.match(exemption.group(1)):
                found.append(f"{source.name}:{number} {line.strip()}")
    assert found == []


def test_no_machine_and_no_package_host_is_named():
    """No committed file knows somebody's folders or where packages are downloaded from."""
    assert matches(MACHINE_PATH) == []
    assert matches(PACKAGE_HOST) == []


def test_requirements_name_no_index():
    """Hashes say what is installed; from where is the installing machine's business."""
    files = sorted((ROOT / "requirements").iterdir())
    assert files
    found = [file.name for file in files if INDEX_OPTION.search(file.read_text()) or "://" in file.read_text()]
    assert found == []


def test_no_link_of_a_page_leads_nowhere():
    """Every relative link of a Markdown file names a file or folder that exists."""
    found = []
    for path in tracked():
        if path.suffix != ".md":
            continue
        for target in LINK.findall(path.read_text(encoding="utf-8")):
            plain = target.partition("#")[0]
            if plain and "://" not in plain and not plain.startswith("mailto:") and not (path.parent / plain).exists():
                found.append(f"{path.relative_to(ROOT)} → {target}")
    assert found == []
