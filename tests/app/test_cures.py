"""What to type for which problem."""

import pytest

from counterfoil.app import cures


@pytest.mark.parametrize(
    ("cause", "field", "remedy", "said"),
    [
        ("account-unknown:sails", "lines.account", "Did you mean `Sales`? Or create it in Xero.", "fix 7 --use Sales"),
        ("tax-unknown:x", "lines.tax", "Did you mean `20% (VAT on Income)`?", "fix 7 --use '20% (VAT on Income)'"),
        ("account-archived:290", "lines.account_code", "Use another account.", "fix 7 --use ACCOUNT"),
        ("tracking-unknown:x", "lines.tracking.Region", "Known: `North`.", "fix 7 --use OPTION"),
        ("lookup-unknown:RC20", "Tax code", "Add it to [lookups.vat].", "fix 7 --use VALUE"),
        ("before-lock-date", "date", "Give a later date.", "fix 7 --date DAY"),
        ("due-date-missing", "due_date", "Give `due_date`.", "fix 7 --set due_date=DAY"),
        ("missing", "lines.description", "Give `lines[0].description`.", "fix 7 --set 'lines[].description=VALUE'"),
        ("unknown-key", "curency", "Did you mean `currency`?", "fix 7 --set curency= --set currency=VALUE"),
        ("unknown-key", "colour", "Known: `date`.", "fix 7 --set colour="),
        ("number-taken", "", "Give the record another number.", "fix 7 --set number=NUMBER --only RECORD"),
        ("contact-namesake", "", "Say who is who.", "fix 7 --use link, or --use new"),
        ("look-alike", "", "`counterfoil problems skip` if it is, else `counterfoil problems retry`.", "retry 7"),
        ("voided-by-a-person", "", "If that is right, `counterfoil problems skip`.", "skip 7 --because TEXT"),
        ("total-differs", "expected_total", "Check quantities.", ""),
        ("writes-stopped", "", "See `counterfoil entities verify`.", "retry 7"),
    ],
)
def test_the_likely_command(cause, field, remedy, said):
    """By cause, with the nearest name where there is one, quoted for a shell."""
    assert cures.likely(7, cause, field, remedy, fixable=True) == said


def test_what_is_in_xero_or_was_never_a_record_is_not_fixed_here():
    """No command pretends to."""
    assert cures.likely(7, "broken-json", "", "Write one JSON object per line.", fixable=False) == ""
