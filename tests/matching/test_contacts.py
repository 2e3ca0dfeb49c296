"""Who of our customers is probably who in Xero."""

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.matching import contacts
from counterfoil.model.prepared import ContactWanted


class Contact(msgspec.Struct, frozen=True):
    """A contact of Xero's, as the mirror knows it."""

    contact_id: str
    name: str
    email_key: str | None = None
    number: str | None = None
    status: str = "ACTIVE"
    merged_to: str | None = None
    tax_number: str | None = None


def customer(external_id, name, email=None, tax=None):
    return ContactWanted(external_id, name, email, {"TaxNumber": tax} if tax else {})


def table(text):
    """`name | e-mail | number` lines as contacts c1, c2, …"""
    rows = [[cell.strip() or None for cell in line.split("|")] for line in text.strip().splitlines()]
    return [Contact(f"c{n}", name, email, number) for n, (name, email, number) in enumerate(rows, 1)]


def shown(found):
    return [(one.external_id, one.contact_id, one.score, one.decision) for one in found]


def test_two_things_that_agree_are_filled_in_and_a_name_alone_is_not():
    """E-mail and name: linked; the name alone, without legal forms, accents, punctuation and order: for a person to say."""
    known = table("""
        Blue Fern Limited  | ap@bluefern.example |
        Café Zoë B.V.      |                     |
        Smith, John        |                     |
        Somebody Else      | else@example.com    |
    """)
    wanted = [
        customer("a", "BLUE FERN Ltd", "AP@BlueFern.example"), customer("b", "Cafe Zoe"), customer("c", "John Smith"),
        customer("d", "Quartz Mining"),
    ]  # fmt: skip
    found = contacts.proposals(wanted, known)
    assert shown(found) == [("b", "c2", 60, ""), ("c", "c3", 60, ""), ("a", "c1", 100, "link"), ("d", "", 0, "")]
    assert [one.reason for one in found] == [
        "the same name", "the same name", "the same e-mail address; the same name",
        "nobody in Xero is like this customer: becomes a new contact",
    ]  # fmt: skip


def test_a_tax_number_counts_as_an_e_mail_address_does():
    """Spaces and letter case aside; a word in its place does not."""
    known = [
        Contact("c1", "Grachtenhuis", tax_number="nl 8012.34567 b01"),
        Contact("c2", "Grachthuis", tax_number="none"),
    ]
    (first, *_rest) = contacts.proposals([customer("a", "Grachtenhuis BV", tax="NL801234567B01")], known)
    assert (first.contact_id, first.decision, first.reason) == ("c1", "link", "the same tax number; the same name")
    assert contacts.proposals([customer("a", "Else", tax="none")], known)[0].contact_id == ""


def test_nothing_is_filled_in_when_another_comes_into_question():
    """Two contacts with one address, two customers with one address, another's number, an archived one."""
    twice = [Contact("c1", "Blue Fern", "a@b.example"), Contact("c2", "Blue Fern", "a@b.example")]
    one = [twice[0]]
    fern = customer("a", "Blue Fern", "a@b.example")
    assert {line.decision for line in contacts.proposals([fern], twice)} == {""}
    assert {line.decision for line in contacts.proposals([fern, customer("b", "Blue Fern", "a@b.example")], one)} == {
        ""
    }
    numbered = contacts.proposals([fern], [Contact("c1", "Blue Fern", "a@b.example", number="x")])[0]
    assert (numbered.decision, "has the number of another customer: x" in numbered.reason) == ("", True)
    archived = contacts.proposals([fern], [Contact("c1", "Blue Fern", "a@b.example", status="ARCHIVED")])[0]
    assert (archived.decision, "archived in Xero" in archived.reason) == ("", True)


def test_merged_contacts_are_not_proposed():
    """Whom they were merged into is."""
    known = [Contact("c1", "Blue Fern", merged_to="c2"), Contact("c2", "Blue Fern Group")]
    assert [one.contact_id for one in contacts.proposals([customer("a", "Blue Fern")], known)] in (["c2"], [""])


def test_a_shared_domain_helps_a_name_and_proves_nothing():
    """A public one says nothing at all."""
    known = table("""
        Fern Trading    | john@bluefern.example |
        Fern Trading Co | jane@gmail.com        |
        Unlike          | jim@bluefern.example  |
    """)
    found = contacts.proposals([customer("a", "Fern Tradings", "ap@bluefern.example")], known)
    assert found[0].contact_id == "c1"
    assert "the same e-mail domain" in found[0].reason
    assert [one.decision for one in found] == ["", ""]
    public = contacts.proposals([customer("a", "Nobody Known", "x@gmail.com")], known)
    assert public[0].contact_id == ""


def test_a_contact_number_of_ours_on_another_name_is_shown():
    """That is what holds its records."""
    found = contacts.proposals([customer("cust-1", "Blue Fern")], [Contact("c1", "Totally Different", number="cust-1")])
    assert found[0].reason.startswith("has this contact number; names ")


names = st.lists(
    st.sampled_from(["Blue Fern", "Blue Fern Ltd", "Red Fern", "Fern", "Ltd", "株式会社 花", "Café"]), max_size=8
)
mails = st.sampled_from([None, "a@b.example", "c@b.example", "x@gmail.com"])


@given(names, names, st.lists(mails, min_size=8, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_input_makes_no_difference(ours, theirs, addresses, dice):
    """Nor is any contact filled in for two customers, nor two for one."""
    wanted = [customer(f"k{n}", name, addresses[n]) for n, name in enumerate(ours)]
    known = [Contact(f"c{n}", name, addresses[-n]) for n, name in enumerate(theirs)]
    found = contacts.proposals(wanted, known)
    assert contacts.proposals(shuffled(wanted, dice), shuffled(known, dice)) == found
    links = [one for one in found if one.decision]
    assert len({one.contact_id for one in links}) == len({one.external_id for one in links}) == len(links)
    assert {one.external_id for one in found} == {one.external_id for one in wanted}
    assert all(0 <= one.score <= 100 for one in found)


def shuffled(items, dice: random.Random):
    return dice.sample(items, len(items))


def test_eight_hundred_customers_among_five_thousand_contacts():
    """As many as a company that starts may have: the work is bounded, and each finds its own."""
    known = [Contact(f"c{n}", f"Customer {n:05d} of Street {n * 7919 % 5000}") for n in range(5000)]
    wanted = [customer(f"k{n}", f"Customer {n:05d} of Street {n * 7919 % 5000} Ltd") for n in range(800)]
    found = contacts.proposals(wanted, known)
    best = {}
    for one in found:
        best.setdefault(one.external_id, one.contact_id)
    assert best == {f"k{n}": f"c{n}" for n in range(800)}
    assert len(found) <= 800 * contacts.CANDIDATES_MAX
