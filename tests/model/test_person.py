"""A person's words: which are looked for where, and what is taken out of a sentence."""

from counterfoil.model.person import Words, words_of


def collected(contact):
    strong, weak = set(), set()
    words_of(contact, strong, weak)
    return strong, weak


def test_words_of_a_contact():
    """Names, addresses and numbers; no town, no state, no number of three digits."""
    strong, weak = collected(
        {
            "ContactID": "c", "Name": "Ann Bell", "FirstName": "Ann", "LastName": "Bell", "ContactStatus": "ACTIVE",
            "EmailAddress": "ann@bell.example", "Phones": [{"PhoneNumber": "020 7946 0999"}, {"PhoneNumber": "112"}],
            "Addresses": [{"AddressLine1": "1 Long Street", "City": "London"}],
            "ContactPersons": [{"FirstName": "Bo", "LastName": "Li", "EmailAddress": "bo@li.example"}],
        }
    )  # fmt: skip
    assert strong == {"Ann Bell", "ann@bell.example", "020 7946 0999", "1 Long Street", "Bo Li", "bo@li.example"}
    assert {"Ann", "Bell", "Bo", "Li"} <= weak


def test_words_stand_alone_and_in_any_case():
    """Not within another word; short ones are not looked for in sentences."""
    words = Words({"Post", "Al", "Ann Bell"}, {"Ann"})
    assert words.out_of("Postings of ANN BELL, by post") == "Postings of erased, by erased"
    assert not words.stand_in("Al was here")
    assert words.out_of_any({"a": ["x", "Ann Bell"], "Ann Bell": 1}) == {"a": ["x", "erased"], "erased": 1}
    same = {"a": ["x"]}
    assert words.out_of_any(same) is same


def test_which_external_ids_are_personal():
    """An e-mail address, or one that is made of their names however it is spelled."""
    words = Words({"Ann Bell"}, {"Ann", "Bell"})
    assert [one for one in ("cust-7", "ann.bell", "ANN_B_1", "x@y.z", "7", "", None) if words.name(one)] == [
        "ann.bell", "ANN_B_1", "x@y.z",
    ]  # fmt: skip
