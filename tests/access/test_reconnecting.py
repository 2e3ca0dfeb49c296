"""How a person lets the app in again: a link while the service runs, the command in any case."""

from counterfoil.access import reconnecting


def test_the_link_and_the_command():
    """The entity is in both, written as an address needs it; without a page there is the command alone."""
    assert reconnecting.link("https://x.example", "acme-uk") == "https://x.example/connect?entity=acme-uk"
    assert reconnecting.link("https://x.example", "a&b=c") == "https://x.example/connect?entity=a%26b%3Dc"
    assert reconnecting.link("https://x.example") == "https://x.example/connect"
    assert reconnecting.link(None, "acme-uk") is None
    said = reconnecting.remedy("https://x.example", "acme-uk")
    assert "https://x.example/connect?entity=acme-uk ;" in said  # the space: what makes links of words stops there
    assert "`counterfoil connect --entity acme-uk`" in said
    assert reconnecting.remedy(None) == "Run `counterfoil connect`"
