"""Items, quotes, orders, repeating invoices, groups and settings written through the SDK (facts 5.2 to 5.7, 5.17 to 5.19)."""

from datetime import date
from decimal import Decimal

import pytest
from xero_python.accounting import (
    Contact,
    ContactGroup,
    ContactGroups,
    Contacts,
    Invoice,
    Item,
    Items,
    LineItem,
    Purchase,
    PurchaseOrder,
    PurchaseOrders,
    Quote,
    QuoteLineAmountTypes,
    Quotes,
    QuoteStatusCodes,
    RepeatingInvoice,
    RepeatingInvoices,
    Schedule,
    TaxComponent,
    TaxRate,
    TaxRates,
    TrackingCategory,
    TrackingOption,
)
from xero_python.exceptions import BadRequestException

from tests.conformance import foreign


def refusal(call):
    with pytest.raises(BadRequestException) as refused:
        call()
    return foreign.messages(refused.value.error_data["Elements"][0])


def test_an_item_is_sold(xero, contact, number):
    """Created, found by id, refused twice, on a line, updated by its code, deleted."""
    sales = Purchase(unit_price=Decimal("7.50"), account_code="200", tax_type="ZERORATEDOUTPUT")
    item = Item(code=number, name="Tea", description="Green tea", sales_details=sales)
    (made,) = xero.api.create_items(xero.tenant, Items(items=[item])).items
    assert refusal(lambda: xero.api.create_items(xero.tenant, Items(items=[item]))) == [
        f"Price List Item with Code '{number}' already exists"
    ]
    sold = Invoice(
        type="ACCREC", contact=Contact(contact_id=contact), line_items=[LineItem(item_code=number, quantity=2)]
    )
    (invoice,) = xero.created(sold)
    assert (foreign.amount(invoice.total), invoice.line_items[0].item.name) == (15, "Tea")
    update = Items(items=[Item(code=number, name="Better tea")])
    (changed,) = xero.api.update_or_create_items(xero.tenant, update).items
    assert (changed.item_id, changed.name) == (made.item_id, "Better tea")
    listed = xero.api.get_items(xero.tenant, where=f'Code=="{number}"').items
    assert [each.item_id for each in listed] == [made.item_id]
    xero.api.delete_item(xero.tenant, made.item_id)
    assert xero.api.get_items(xero.tenant, where=f'Code=="{number}"').items == []


def test_the_stock_of_a_tracked_item_is_counted(xero, contact, number):
    """Bought and sold through the SDK: quantity and cost pool follow, and what is not there is not sold."""
    item = Item(
        code=number, inventory_asset_account_code="630",
        purchase_details=Purchase(unit_price=Decimal(4), cogs_account_code="310", tax_type="INPUT2"),
        sales_details=Purchase(unit_price=Decimal(9), account_code="200", tax_type="OUTPUT2"),
    )  # fmt: skip
    (made,) = xero.api.create_items(xero.tenant, Items(items=[item])).items
    assert (made.is_tracked_as_inventory, foreign.amount(made.quantity_on_hand)) == (True, 0)

    def traded(type, quantity):
        line = LineItem(item_code=number, description="Tea", quantity=Decimal(quantity))
        (document,) = xero.created(xero.invoice(contact, line, type=type))
        return document.line_items[0].account_code

    assert traded("ACCPAY", 10) == "630"
    assert traded("ACCREC", 4) == "200"
    (counted,) = xero.api.get_item(xero.tenant, made.item_id).items
    assert (foreign.amount(counted.quantity_on_hand), foreign.amount(counted.total_cost_pool)) == (6, 24)
    assert refusal(lambda: traded("ACCREC", 7)) == ["Insufficient stock. Items are eligible for backorder."]


def test_a_quote_is_sent_and_accepted(xero, contact, number):
    """Upper-case line amounts, a date of its own form, filters by number."""
    quote = Quote(
        contact=Contact(contact_id=contact), date=date(2026, 11, 1), expiry_date=date(2026, 11, 20), quote_number=number,
        line_items=[foreign.line()], line_amount_types=QuoteLineAmountTypes.EXCLUSIVE, title="Tea for all",
    )  # fmt: skip
    (made,) = xero.api.create_quotes(xero.tenant, Quotes(quotes=[quote])).quotes
    assert (made.status, made.date, foreign.amount(made.total)) == (QuoteStatusCodes.DRAFT, date(2026, 11, 1), 10)
    for status in (QuoteStatusCodes.SENT, QuoteStatusCodes.ACCEPTED):
        update = Quote(
            quote_id=made.quote_id, status=status, contact=Contact(contact_id=contact), date=date(2026, 11, 1)
        )
        (made,) = xero.api.update_or_create_quotes(xero.tenant, Quotes(quotes=[update])).quotes
    assert made.status == QuoteStatusCodes.ACCEPTED
    assert [each.quote_id for each in xero.api.get_quotes(xero.tenant, quote_number=number).quotes] == [made.quote_id]
    assert xero.api.get_quote(xero.tenant, made.quote_id).quotes[0].title == "Tea for all"


def test_a_purchase_order_is_approved_and_found_by_number(xero, contact, number):
    """Four places, its number as a key."""
    line = foreign.line(unit="1.2345", quantity="100", account="429")
    order = PurchaseOrder(contact=Contact(contact_id=contact), purchase_order_number=number, line_items=[line])
    (made,) = xero.api.create_purchase_orders(xero.tenant, PurchaseOrders(purchase_orders=[order])).purchase_orders
    assert foreign.amount(made.sub_total) == Decimal("123.45")
    assert refusal(lambda: xero.api.create_purchase_orders(xero.tenant, PurchaseOrders(purchase_orders=[order]))) == [
        "Order number must be unique"
    ]
    update = PurchaseOrders(purchase_orders=[PurchaseOrder(status="AUTHORISED", sent_to_contact=True)])
    (changed,) = xero.api.update_purchase_order(xero.tenant, made.purchase_order_id, update).purchase_orders
    assert (changed.status, changed.sent_to_contact) == ("AUTHORISED", True)
    (found,) = xero.api.get_purchase_order_by_number(xero.tenant, number).purchase_orders
    assert found.purchase_order_id == made.purchase_order_id
    listed = xero.api.get_purchase_orders(xero.tenant, status="AUTHORISED", page=1)
    assert listed.pagination.item_count >= 1


def test_a_repeating_invoice_is_made_and_deleted(xero, contact):
    """With its schedule."""
    schedule = Schedule(
        period=1, unit="MONTHLY", due_date=10, due_date_type="OFFOLLOWINGMONTH", start_date=date(2026, 1, 31)
    )
    template = RepeatingInvoice(
        type="ACCREC",
        contact=Contact(contact_id=contact),
        schedule=schedule,
        line_items=[foreign.line()],
        status="DRAFT",
    )
    sent = RepeatingInvoices(repeating_invoices=[template])
    (made,) = xero.api.create_repeating_invoices(xero.tenant, sent).repeating_invoices
    assert (made.schedule.unit, foreign.amount(made.total)) == ("MONTHLY", 12)
    gone = RepeatingInvoices(repeating_invoices=[RepeatingInvoice(status="DELETED")])
    xero.api.update_repeating_invoice(xero.tenant, made.repeating_invoice_id, gone)
    (read,) = xero.api.get_repeating_invoice(xero.tenant, made.repeating_invoice_id).repeating_invoices
    assert read.status == "DELETED"


def test_a_group_of_contacts(xero, contact):
    """Made, filled, renamed, emptied, deleted."""
    name = f"Group {foreign.unique()}"
    groups = ContactGroups(contact_groups=[ContactGroup(name=name)])
    (made,) = xero.api.create_contact_group(xero.tenant, groups).contact_groups
    own_id = made.contact_group_id
    members = Contacts(contacts=[Contact(contact_id=contact)])
    xero.api.create_contact_group_contacts(xero.tenant, own_id, members)
    (read,) = xero.api.get_contact_group(xero.tenant, own_id).contact_groups
    assert [each.contact_id for each in read.contacts] == [contact]
    renamed = ContactGroups(contact_groups=[ContactGroup(name=f"{name} B")])
    assert xero.api.update_contact_group(xero.tenant, own_id, renamed).contact_groups[0].name == f"{name} B"
    xero.api.delete_contact_group_contact(xero.tenant, own_id, contact)
    xero.api.delete_contact_group_contacts(xero.tenant, own_id)
    gone = ContactGroups(contact_groups=[ContactGroup(status="DELETED")])
    xero.api.update_contact_group(xero.tenant, own_id, gone)
    assert own_id not in {each.contact_group_id for each in xero.api.get_contact_groups(xero.tenant).contact_groups}


def test_a_tax_rate_is_made_and_deleted(xero):
    """It gets a code of Xero's own."""
    rate = TaxRate(
        name=f"Rate {foreign.unique()}", report_tax_type="OUTPUT",
        tax_components=[TaxComponent(name="City", rate=2.25)],
    )  # fmt: skip
    (made,) = xero.api.create_tax_rates(xero.tenant, TaxRates(tax_rates=[rate])).tax_rates
    assert (made.tax_type[:3], str(made.effective_rate)) == ("TAX", "2.25")
    made.status = "DELETED"
    (gone,) = xero.api.update_tax_rate(xero.tenant, TaxRates(tax_rates=[made])).tax_rates
    assert (gone.tax_type, gone.status) == (made.tax_type, "DELETED")
    assert xero.api.get_tax_rate_by_tax_type(xero.tenant, made.tax_type).tax_rates[0].status == "DELETED"


def test_tracking_is_changed_through_the_sdk(xero):
    """An option is made, renamed and deleted; a category is renamed and back."""
    category = xero.api.get_tracking_categories(xero.tenants["AU"]).tracking_categories[1]
    tenant, own_id = xero.tenants["AU"], category.tracking_category_id
    (made,) = xero.api.create_tracking_options(tenant, own_id, TrackingOption(name=f"O{foreign.unique()}")).options
    renamed = TrackingOption(name=f"P{foreign.unique()}")
    changed = xero.api.update_tracking_options(tenant, own_id, made.tracking_option_id, renamed).options[0]
    assert changed.name == renamed.name
    gone = xero.api.delete_tracking_options(tenant, own_id, made.tracking_option_id).options[0]
    assert gone.status == "DELETED"
    for name in ("Renamed", category.name):
        update = TrackingCategory(name=name)
        assert xero.api.update_tracking_category(tenant, own_id, update).tracking_categories[0].name == name


def test_users_themes_and_online_invoices(xero, contact):
    """What is only read."""
    (user,) = xero.api.get_users(xero.tenant).users
    assert xero.api.get_user(xero.tenant, user.user_id).users[0].email_address == user.email_address
    (theme,) = xero.api.get_branding_themes(xero.tenant).branding_themes
    (made,) = xero.created(xero.invoice(contact))
    assert made.branding_theme_id == theme.branding_theme_id
    (online,) = xero.api.get_online_invoice(xero.tenant, made.invoice_id).online_invoices
    assert online.online_invoice_url.startswith("https://in.xero.com/")
