"""`where` and `order`: what they select, and what Xero refuses."""

import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.sandbox import where

CONTACT = "5cc8cf28-567e-4d43-b287-687cfcaec47c"
INVOICE = {
    "Type": "ACCREC",
    "InvoiceID": "0c9fce3e-a111-4d99-803a-62cf3f40e633",
    "InvoiceNumber": "INV-0042",
    "Status": "AUTHORISED",
    "Date": "/Date(1782604800000+0000)/",  # 28 June 2026
    "UpdatedDateUTC": "/Date(1789378199321+0000)/",  # 14 September 2026 09:29:59.321
    "AmountDue": Decimal("541.25"),
    "SentToContact": True,
    "Contact": {"ContactID": CONTACT, "Name": "Café Zoë & Söhne"},
}


@pytest.mark.parametrize(
    "query",
    [
        'Status=="AUTHORISED"',
        'status="authorised"',
        'Type=="ACCREC" AND Status!="VOIDED"',
        'Type=="ACCPAY"||InvoiceNumber=="inv-0042"',
        'Type=="ACCPAY" OR (Status=="AUTHORISED" && AmountDue>500)',
        f'Contact.ContactID==Guid("{CONTACT.upper()}")',
        f'Contact.ContactID = guid("{CONTACT}")',
        'InvoiceId==Guid("0c9fce3e-a111-4d99-803a-62cf3f40e633")',
        'Contact.Name=="CAFÉ ZOË & SÖHNE"',
        'Contact.Name.Contains("zoë")',
        'InvoiceNumber.StartsWith("inv-") and InvoiceNumber.EndsWith("42")',
        'Contact.Name.ToLower().Contains("café")',
        'Contact.Name.ToUpper()=="CAFÉ ZOË & SÖHNE"',
        "Date>=DateTime(2026,6,28) AND Date<DateTime(2026, 06, 29)",
        'Date == DateTime.Parse("2026-06-28")',
        'UpdatedDateUTC > DateTime.Parse("2026-09-14T09:29:59")',
        'UpdatedDateUTC < DateTime.Parse("2026-09-14T21:30:00+12:00")',
        "UpdatedDateUTC <= DateTime(2026,9,14,9,30,0)",
        "AmountDue>=541.25 AND AmountDue<=541.25 AND AmountDue>-1",
        "SentToContact==true",
        "SentToContact",
        "!(SentToContact==false)",
        "Reference==null",
        "InvoiceNumber != null",
        'Reference==null || Reference.Contains("x")',
        "DueDate==null",
    ],
)
def test_a_query_that_selects_the_invoice(query):
    """Operators, case, parentheses, ids, dates, methods and null guards, each in a form that people send."""
    assert where.compile_where(query, "Invoices")(INVOICE) is True


@pytest.mark.parametrize(
    "query",
    [
        'Status=="PAID"',
        'Status=="AUTHORISED" AND Type=="ACCPAY"',
        'Reference!=null && Reference.Contains("x")',
        "Contact.ContactNumber!=null",
        "AmountDue<541.25",
        "Date>DateTime(2026,6,28)",
        "DueDate<DateTime(2099,1,1)",
        "DueDate>=DateTime(1999,1,1)",
        "false",
    ],
)
def test_a_query_that_leaves_the_invoice_out(query):
    """False conditions, and comparisons with null, which are never true except for equality."""
    assert where.compile_where(query, "Invoices")(INVOICE) is False


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Expression expected"),
        ("()", "Expression expected"),
        ("Status==", "Expression expected"),
        ('Status=="A" AND', "Expression expected"),
        ('(Status=="A"', "')' or operator expected"),
        ('Status=="A', "Unterminated string literal"),
        ('Contact.Name=="say ""hi"""', "Syntax error"),
        ('Contact.Name=="say \\"hi\\""', "Syntax error"),
        ("Status=='A'", "Syntax error"),
        ('Status=="A" Type=="B"', "Syntax error"),
        ('IsCustomer=="true"', "Operator '==' incompatible with operand types 'Boolean?' and 'String'"),
        ("Status==1", "Operator '==' incompatible with operand types 'String' and 'Int32'"),
        ('Date>="2026-06-28"', "Operator '>=' incompatible with operand types 'DateTime?' and 'String'"),
        (f'InvoiceID=="{CONTACT}"', "Operator '==' incompatible with operand types 'Guid?' and 'String'"),
        ('Status AND Type=="A"', "Operator '&&' incompatible with operand types 'String' and 'Boolean'"),
        ("!Status", "Operator '!' incompatible with operand type 'String'"),
        ("Status", "Expression of type 'Boolean' expected"),
        ('Colour=="red"', "No property or field 'Colour' exists"),
        ("Status.Length", "No property or field 'Length' exists in type 'String'"),
        ('Status.Matches("A")', "No applicable method 'Matches' exists in type 'String'"),
        ('AmountDue.Contains("1")', "No applicable method 'Contains' exists in type 'Decimal?'"),
        ('InvoiceID==Guid("7")', "Guid should contain 32 digits with 4 dashes"),
        ("Date==DateTime(2026,13,1)", "Year, Month, and Day parameters describe an un-representable DateTime."),
        (f"Date==DateTime(2026,1,{9**40})", "Year, Month, and Day parameters describe an un-representable DateTime."),
        ('Date==DateTime.Parse("soon")', "String was not recognized as a valid DateTime."),
        ("Date==DateTime.Now", "Only DateTime(year, month, day) and DateTime.Parse are known"),
    ],
)
def test_a_bad_query_is_refused_before_any_record_is_read(query, message):
    """What cannot be parsed or compared is refused with Xero's words where they are known."""
    with pytest.raises(where.QueryParse) as refusal:
        where.compile_where(query)
    assert refusal.value.message == message


def test_a_method_called_on_null_fails_without_a_guard():
    """A nullable field needs `!= null` in front of a method."""
    with pytest.raises(where.QueryParse):
        where.compile_where('Reference.Contains("x")')(INVOICE)


@pytest.mark.parametrize(
    "query",
    [
        "(" * 7000,
        "!" * 7000 + "true",
        "Status" + ".ToLower()" * 700 + '=="a"',
        "Date!=null&&" * 9000 + "true",
    ],
)
def test_a_query_made_to_exhaust_the_stack_is_refused(query):
    """Length and nesting are bounded."""
    with pytest.raises(where.QueryParse):
        where.compile_where(query)


def test_a_long_flat_query_is_fine():
    """Hundreds of alternatives need no depth."""
    query = "||".join(f'InvoiceNumber=="INV-{n:04}"' for n in range(250))
    assert where.compile_where(query, "Invoices")(INVOICE) is True


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text):
    """No text makes anything but a test or a QueryParse."""
    with contextlib.suppress(where.QueryParse):
        where.compile_where(text)


@given(
    st.lists(st.sampled_from(['Status=="A"', "(", ")", "&&", "||", "!", "Date", "==", "null", ".Contains", '"x"', ","]))
)
def test_any_row_of_tokens_is_parsed_or_refused(tokens):
    """The same for text that is nearly a query, and for the record that it meets."""
    with contextlib.suppress(where.QueryParse):
        where.compile_where(" ".join(tokens))(INVOICE)


def _ordered(text, records):
    order = where.compile_order(text, "Invoices")
    return [record["InvoiceNumber"] for record in sorted(records, key=order.key, reverse=order.reverse)]


ROWS = [
    {"InvoiceNumber": "b", "Date": date(2026, 1, 2), "Total": Decimal(5), "Contact": {"Name": "Zed"}},
    {"InvoiceNumber": "A", "Date": date(2026, 1, 2), "Total": Decimal(9), "Contact": {"Name": "amy"}},
    {"InvoiceNumber": "c", "UpdatedDateUTC": datetime(2026, 1, 1, tzinfo=UTC), "Contact": {"Name": "Bea"}},
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("InvoiceNumber", ["A", "b", "c"]),
        ("invoicenumber DESC", ["c", "b", "A"]),
        ("Contact.Name ASC", ["A", "c", "b"]),
        ("Total", ["c", "b", "A"]),
        ("Date DESC, Total ASC", ["b", "A", "c"]),
        ("Date, Total desc", ["c", "A", "b"]),
        ("Date", ["c", "b", "A"]),
    ],
)
def test_order_sorts_without_case_and_with_nulls_first(text, expected):
    """One field or several, each its own way; equal rows keep their order."""
    assert _ordered(text, ROWS) == expected


@pytest.mark.parametrize("text", ["", "Colour", "Date SIDEWAYS", "Date,", "Date DESC ASC"])
def test_a_bad_order_is_refused(text):
    """An unknown field or direction is a QueryParse."""
    with pytest.raises(where.QueryParse):
        where.compile_order(text)


@pytest.mark.parametrize(
    ("plural", "query"),
    [
        ("Contacts", 'Name=="x"'),
        ("Contacts", "IsCustomer==true"),
        ("BankTransactions", 'BankAccount.Code=="090" AND Contact.ContactID==null'),
        ("Payments", 'Invoice.InvoiceID==null AND PaymentType=="ACCRECPAYMENT"'),
        ("ManualJournals", 'Narration.Contains("x")'),
        ("Accounts", 'Class=="ASSET" AND EnablePaymentsToAccount==true'),
        ("PurchaseOrders", "DeliveryDate>DateTime(2026,1,1)"),
        ("", 'Narration!=null OR InvoiceNumber=="x"'),
    ],
)
def test_every_list_has_its_own_published_fields(plural, query):
    """Also inside its objects; a list that is not named has all of them."""
    where.compile_where(query, plural)


@pytest.mark.parametrize(
    ("plural", "query", "field"),
    [
        ("Contacts", 'InvoiceNumber=="x"', "InvoiceNumber"),
        ("Invoices", "IsCustomer==true", "IsCustomer"),
        ("Invoices", 'Contact.Narration=="x"', "Narration"),
        ("Payments", "AmountDue>0", "AmountDue"),
    ],
)
def test_a_field_of_another_list_is_refused(plural, query, field):
    """As one that does not exist."""
    with pytest.raises(where.QueryParse) as refusal:
        where.compile_where(query, plural)
    assert refusal.value.message == f"No property or field '{field}' exists"


@pytest.mark.parametrize("query", ["LineItems==LineItems", "Contact==Contact", "LineItems.Count()>1", "Contact"])
def test_lists_and_objects_are_no_values(query):
    """They compare with nothing but null."""
    with pytest.raises(where.QueryParse):
        where.compile_where(query, "Invoices")
    assert where.compile_where("Contact!=null AND LineItems==null", "Invoices")(INVOICE)


@pytest.mark.parametrize(
    ("plural", "query", "expected"),
    [
        ("Invoices", 'Status=="PAID" AND Date>=DateTime(2026,1,1) AND AmountDue>0', True),
        ("Invoices", 'Contact.Name=="x"', True),
        ("Invoices", 'Contact.Name.StartsWith("x")', False),
        ("Invoices", 'Status!="PAID"', False),
        ("Invoices", 'InvoiceNumber>"x"', False),
        ("Invoices", "Total>5", False),
        ("Invoices", f'InvoiceID==Guid("{CONTACT}") OR InvoiceID==Guid("{CONTACT}")', True),
        ("Invoices", 'Status=="PAID" OR Status=="DRAFT"', False),
        ("Invoices", "SentToContact", False),
        ("Contacts", 'Name=="x" AND EmailAddress=="y"', True),
        ("Contacts", 'FirstName=="x"', False),
        ("Accounts", 'Name=="x"', False),
    ],
)
def test_what_is_optimised(plural, query, expected):
    """The fields, operators and alternatives that Xero names."""
    assert where.compile_where(query, plural).is_optimised is expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [("UpdatedDateUTC ASC, InvoiceID", True), ("Date DESC", True), ("Total", False), ("Date, Total", False)],
)
def test_which_order_is_optimised(order, expected):
    """All of its fields must be."""
    assert where.compile_order(order, "Invoices").is_optimised is expected


def test_a_summary_cannot_be_filtered_by_what_it_drops():
    """HasAttachments of invoices, IsCustomer of contacts."""
    for plural, query in (("Invoices", "HasAttachments==true"), ("Contacts", "IsCustomer==true")):
        where.compile_where(query, plural)
        with pytest.raises(where.QueryParse):
            where.compile_where(query, plural, where.SUMMARY_DROPS[plural])
