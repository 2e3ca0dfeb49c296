"""What of a change goes out: all of it, or what a map makes of it; and what is wrong with a map is told with its line."""

import pytest

from counterfoil import errors
from counterfoil.delivery.shaping import Shape
from tests.delivery.changing import change, shaped
from tests.delivery.test_feed import GOOD, compiled, load

INVOICE = change(3, after={"InvoiceNumber": "INV-1", "LineItems": [{"LineAmount": "1.50"}, {"LineAmount": "2.00"}]})


def test_a_mapped_change_says_what_it_is_about_and_its_rows():
    """The body of a webhook with a map: without what the map has taken its place."""
    found = shaped({"number": "{document.InvoiceNumber}", "amount": "{LineAmount}"}, "LineItems")(INVOICE)
    assert found["rows"] == [{"number": "INV-1", "amount": "1.50"}, {"number": "INV-1", "amount": "2.00"}]
    assert (found["id"], found["type"], found["n"]) == (INVOICE.id, "invoice.updated", 3)
    assert not {"before", "after", "fields"} & found.keys()


def test_a_change_without_a_map_is_itself():
    """As it is told everywhere."""
    assert Shape(None)(INVOICE)["after"] == INVOICE.after
    assert Shape(None).rows(INVOICE) == [Shape(None)(INVOICE)]


def test_a_map_is_held_to_the_documents_that_the_feed_is_about(tmp_path):
    """With the line of the key; lookups of the configuration are known."""
    text = (
        GOOD
        + '[feeds.crm.map]\nname = "{Contact.Name}"\nkind = { lookup = "kinds", key = "{Type}" }\n[lookups.kinds]\nrows = { "ACCREC" = "sale" }\n'
    )
    (feed,) = compiled(tmp_path, text).values()
    assert feed.settings.lookups.keys() == {"kinds"}
    with pytest.raises(
        errors.ConfigurationError,
        match=r"counterfoil\.toml:11: \[feeds\.crm\.map\] `name` names `Nam`.*`Contact\.Name`",
    ):
        compiled(tmp_path, text.replace("Contact.Name", "Contact.Nam"))
    with pytest.raises(errors.ConfigurationError, match=r"`each` has no use without \[feeds\.NAME\.map\]"):
        load_and_compile(tmp_path, GOOD + 'each = "LineItems"\n')


def test_two_feeds_may_not_append_to_one_file(tmp_path):
    """What stands there by one would be left out of the other."""
    text = '[feeds.a]\non = ["*"]\nto = { jsonl = "all.jsonl" }\n[feeds.b]\non = ["contact.*"]\nto = { jsonl = "./all.jsonl" }\n'
    with pytest.raises(errors.ConfigurationError, match=r"\[feeds\.b\.to\] `jsonl` is the file of \[feeds\.a\] too"):
        load_and_compile(tmp_path, text)


def load_and_compile(tmp_path, text):
    load(tmp_path, text)
    return compiled(tmp_path, text)
