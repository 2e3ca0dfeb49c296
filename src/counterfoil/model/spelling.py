"""The nearest valid name for a misspelt one: what every "did you mean" of ours says.

Called by shape, checks and settings.
"""

from collections.abc import Iterable

CHOICES_SHOWN_MAX = 8
BEGINNING_MIN = 3


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like `word`, letter case aside; None when none is near enough to be worth saying."""
    import difflib  # 5 ms: only for those who misspell

    by_key: dict[str, str] = {}
    for choice in choices:
        by_key.setdefault(choice.casefold(), choice)
    key = word.casefold()[:100]
    found = difflib.get_close_matches(key, by_key, n=1, cutoff=0.6)
    if not found and len(key) >= BEGINNING_MIN:
        found = [choice for choice in by_key if choice.startswith(key)][:2]  # the beginning of just one counts too
    return by_key[found[0]] if len(found) == 1 else None


def suggestion(word: str, choices: Iterable[str]) -> str:
    """A sentence that helps: the nearest choice, or else the choices themselves, the first few of many."""
    known = list(dict.fromkeys(choices))
    near = nearest(word, known)  # the first of two that differ in letter case only
    if near is not None:
        return f"Did you mean `{near}`?"
    if not known:
        return "There is none yet."
    shown = ", ".join(f"`{choice}`" for choice in sorted(known)[:CHOICES_SHOWN_MAX])
    return f"Known: {shown}{' …' if len(known) > CHOICES_SHOWN_MAX else ''}."
