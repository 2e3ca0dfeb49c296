"""docs/xero-pages.md lists the pages of Xero's that the source links to, each with the month in which it was read."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINK = r"https://developer\.xero\.com/documentation/[\w/-]+"
DATED = re.compile(rf"({LINK})\s*(?:,|\()\s*\(?read (\d{{4}}-\d{{2}})\)")


def linked() -> set[tuple[str, str]]:
    """Every link in the source with its month."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    return {pair for text in texts for pair in DATED.findall(text)}


def test_the_list_is_what_the_source_links_to():
    """Page and month of every link stand in the list, in order, and nothing else does."""
    page = (ROOT / "docs" / "xero-pages.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| ({LINK}) \| (\d{{4}}-\d{{2}}) \|", page, re.MULTILINE)
    assert sorted(linked()) == rows


def test_no_link_goes_without_its_month():
    """Each link to Xero's documentation says when it was read."""
    found = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for text in [path.read_text(encoding="utf-8")]
        for link in re.findall(LINK, text)
        if len(re.findall(re.escape(link) + r"(?![\w/-])", text))
        != len([1 for dated, _month in DATED.findall(text) if dated == link])
    ]
    assert found == []
