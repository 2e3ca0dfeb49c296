from counterfoil.model import spelling


def test_the_nearest():
    """A typo finds what was meant, whatever its letter case; nonsense finds nothing."""
    assert [spelling.nearest(word, ["kind", "entity"]) for word in ("kinds", "ENTITTY", "zzz")] == [
        "kind",
        "entity",
        None,
    ]


def test_the_beginning():
    """The beginning of exactly one choice finds it."""
    choices = ["sales_invoices", "bills_received", "bills_sent"]
    assert [spelling.nearest(word, choices) for word in ("sales", "bil", "sa")] == ["sales_invoices", None, None]


def test_suggestions():
    """The nearest, or the choices themselves, a few of many, or that there are none."""
    assert spelling.suggestion("kinds", ["kind"]) == "Did you mean `kind`?"
    assert spelling.suggestion("zz", ["b", "a"]) == "Known: `a`, `b`."
    assert spelling.suggestion("zz", [f"c{n}" for n in range(9)]).endswith("`c7` …."[:-1] + ".")
    assert spelling.suggestion("zz", []) == "There is none yet."
