import tomllib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from counterfoil.settings import toml_lines

TEXT = '''# a comment = 1
[xero]
client_id = "a # no comment"   # a comment
webhook_keys = [
  "one", # [not a table]
  "]",
]
text = """
[not.a.table]
also = "not a key"
"""
'quoted key' = 1
a.b."c.d" = 2

[entities."acme.uk"]
accounts = { sales = "200", "x=y" = "1" }
raw = \'\'\'
x = "\'\'\'
[[flows.shop.line]]
description = "first \\" quote"
[[flows.shop.line]]
description = 'second'
[flows.shop.line.inner]
key = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("xero",), 2),
        (("xero", "client_id"), 3),
        (("xero", "webhook_keys"), 4),
        (("xero", "text"), 8),
        (("xero", "quoted key"), 12),
        (("xero", "a", "b", "c.d"), 13),
        (("entities", "acme.uk"), 15),
        (("entities", "acme.uk", "accounts"), 16),
        (("entities", "acme.uk", "raw"), 17),
        (("flows", "shop", "line", 0), 19),
        (("flows", "shop", "line", 0, "description"), 20),
        (("flows", "shop", "line", 1), 21),
        (("flows", "shop", "line", 1, "inner", "key"), 24),
    ],
)
def test_lines(path, line):
    """Each key is found at its line, whatever stands in texts, lists and comments around it."""
    tomllib.loads(TEXT)
    assert toml_lines.key_lines(TEXT)[path] == line


def test_nothing_else_is_a_key():
    """Lines inside texts and lists are not taken for keys."""
    assert len(toml_lines.key_lines(TEXT)) == 15


PIECES = [
    "[a]", "[a.b]", "[[c]]", "['d]']", '["e\\"]"]', "[ f . 'g' ]", "[c.x]", "x = 1", "y.z = 'q#]'", '"k=" = [1, # ]', "2]",
    "t = '''", "''''", 'u = """a\\', '\\"""', '"""', '"""""', "v = {a = [1, 2], b = '}'}", "# [[no]]", "",
    '  w = "\\\\"  # z = 1', "s = ''", 'r = ""', "m = 1979-05-27T07:32:00Z", "n = '''one'''", 'o = """two"""',
]  # fmt: skip


def _keys(value, path=()):
    """All paths of tables and keys, lists of tables by number, inline ones included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from _keys(item, (*path, key))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield (*path, index)
            yield from _keys(item, (*path, index))


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_any_toml_has_its_lines(pieces):
    """For whatever TOML is put together, only keys that exist are found, and each has or inherits a line."""
    text = "\n".join(pieces)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        value = None
    assume(value is not None)
    found = toml_lines.key_lines(text)
    wanted = set(_keys(value))
    assert set(found) <= wanted
    for path in wanted:
        assert toml_lines.line_of(found, path) is not None or any(key[: len(path)] == path for key in found)
