"""A British company: VAT at 20 %, 5 % and nothing, year end in March; called by `charts.chart("GB")`.

Tax codes and the classes of account they fit are those of Xero's TaxRates page (facts 5.3). Assumed, because no
source tells it: a reverse charge shows 20 % and charges nothing, as the customer accounts for that VAT.
"""

from counterfoil.sandbox.charts import rows
from counterfoil.sandbox.charts.chart import Chart


def chart() -> Chart:
    """The British chart; new lists at each call."""
    return Chart(
        organisation=rows.organisation(
            "Fernhill Trading Ltd",
            version="UK",
            country="GB",
            base_currency="GBP",
            registration="09876543",
            tax_number="GB123456789",
            year_end=(31, 3),
            sales_tax=("ACCRUALS", "QUARTERLY1"),
            timezone="GMTSTANDARDTIME",
            street=("14 Fernhill Road", "Leeds", "West Yorkshire", "LS1 4AP"),
            phone=("44", "113", "496 0142"),
            terms={
                "Bills": {"Day": 30, "Type": "DAYSAFTERBILLDATE"},
                "Sales": {"Day": 14, "Type": "DAYSAFTERBILLDATE"},
            },
        ),
        accounts=_accounts(),
        tax_rates=_tax_rates(),
        currencies=rows.currencies("GBP", "EUR", "USD"),
        tracking=[
            rows.tracking_category("Region", "North", "South", "East", "West", archived=("Overseas",)),
            rows.tracking_category("Department", "Wholesale", "Retail", "Online", archived=("Catalogue",)),
        ],
    )


def _accounts() -> list[rows.Row]:
    account, bank = rows.account, rows.bank
    return [
        bank("090", "Business Bank Account", "20456712345678", "GBP"),
        bank("091", "Business Savings Account", "20456787654321", "GBP"),
        bank("092", "Euro Account", "20456733445566", "EUR"),
        account("200", "Sales", "REVENUE", "OUTPUT2", "Income from any normal business activity"),
        account("210", "Export Sales", "REVENUE", "ZERORATEDOUTPUT", "Goods sold and sent abroad"),
        account("220", "Shipping Income", "REVENUE", "OUTPUT2", "Delivery charged to customers"),
        account("260", "Other Revenue", "REVENUE", "OUTPUT2", "Income outside the normal run of the business"),
        account("270", "Interest Income", "OTHERINCOME", "NONE", "Interest earned on bank balances"),
        account("290", "Mail Order Sales", "REVENUE", "OUTPUT2", "Closed with the catalogue", status="ARCHIVED"),
        account("310", "Cost of Goods Sold", "DIRECTCOSTS", "INPUT2", "Cost of the goods that were sold"),
        account("320", "Direct Wages", "DIRECTCOSTS", "NONE", "Pay of those who make or pick the goods"),
        account("400", "Advertising & Marketing", "OVERHEADS", "INPUT2", "Campaigns, print and design"),
        account("401", "Audit & Accountancy Fees", "OVERHEADS", "INPUT2"),
        account("404", "Bank Fees", "OVERHEADS", "NONE", "Charged by the bank and card acquirers"),
        account("416", "Depreciation Expense", "DEPRECIATN", "NONE"),
        account("425", "Postage, Freight & Courier", "OVERHEADS", "INPUT2", "Delivery to customers", claimable=True),
        account("429", "General Expenses", "OVERHEADS", "INPUT2", claimable=True),
        account("433", "Insurance", "OVERHEADS", "EXEMPTINPUT"),
        account("445", "Light, Power, Heating", "OVERHEADS", "RRINPUT"),
        account("461", "Printing & Stationery", "OVERHEADS", "INPUT2", claimable=True),
        account("463", "IT Software and Consumables", "OVERHEADS", "INPUT2", claimable=True),
        account("469", "Rent", "OVERHEADS", "INPUT2"),
        account("477", "Salaries", "OVERHEADS", "NONE"),
        account("482", "Pensions Costs", "OVERHEADS", "NONE"),
        account("493", "Travel - National", "EXPENSE", "ZERORATEDINPUT", claimable=True),
        account("497", "Bank Revaluations", "EXPENSE", "NONE", system="BANKCURRENCYGAIN"),
        account("498", "Unrealised Currency Gains", "EXPENSE", "NONE", system="UNREALISEDCURRENCYGAIN"),
        account("499", "Realised Currency Gains", "EXPENSE", "NONE", system="REALISEDCURRENCYGAIN"),
        account("610", "Accounts Receivable", "CURRENT", "NONE", "Owed by customers", system="DEBTORS"),
        account("620", "Prepayments", "CURRENT", "NONE", "Paid before it is due"),
        account("630", "Stock", "INVENTORY", "NONE", "Goods held for sale"),
        account("640", "Card Takings", "CURRENT", "NONE", "Paid by card, not yet on the bank account", payable=True),
        account("710", "Office Equipment", "FIXED", "CAPEXINPUT2"),
        account("711", "Depreciation of Office Equipment", "FIXED", "NONE"),
        account("800", "Accounts Payable", "CURRLIAB", "NONE", "Owed to suppliers", system="CREDITORS"),
        account("801", "Unpaid Expense Claims", "CURRLIAB", "NONE", system="UNPAIDEXPCLM"),
        account("820", "VAT", "CURRLIAB", "NONE", "Owed to or by HMRC", system="GST"),
        account("825", "PAYE Payable", "CURRLIAB", "NONE"),
        account("830", "Gift Cards Outstanding", "CURRLIAB", "NONE", "Sold and not yet spent"),
        account("835", "Directors' Loan Account", "CURRLIAB", "NONE", payable=True),
        account("840", "Historical Adjustment", "CURRLIAB", "NONE", system="HISTORICAL"),
        account("860", "Rounding", "CURRLIAB", "NONE", "Cents that rounding leaves over", system="ROUNDING"),
        account("877", "Tracking Transfers", "CURRLIAB", "NONE", system="TRACKINGTRANSFERS"),
        account("900", "Bank Loan", "TERMLIAB", "NONE"),
        account("950", "Capital - Ordinary Shares", "EQUITY", "NONE"),
        account("960", "Retained Earnings", "EQUITY", "NONE", system="RETAINEDEARNINGS"),
    ]


def _tax_rates() -> list[rows.Row]:
    def vat(
        tax_type: str,
        name: str,
        percent: str,
        applies_to: str,
        report: str,
        *,
        effective: str | None = None,
        status: str = "ACTIVE",
    ) -> rows.Row:
        return rows.tax_rate(
            tax_type, name, percent, applies_to, component="VAT", report=report, effective=effective, status=status
        )

    return [
        vat("INPUT", "17.5% (VAT on Expenses)", "17.5", "AEXL", "INPUT", status="DELETED"),
        vat("OUTPUT", "17.5% (VAT on Income)", "17.5", "AELR", "OUTPUT", status="DELETED"),
        vat("CAPEXINPUT2", "20% (VAT on Capital Purchases)", "20", "A", "CAPITALEXPENSESINPUT"),
        vat("CAPEXOUTPUT2", "20% (VAT on Capital Sales)", "20", "A", "CAPITALSALESOUTPUT"),
        vat("INPUT2", "20% (VAT on Expenses)", "20", "AEXL", "INPUT"),
        vat("OUTPUT2", "20% (VAT on Income)", "20", "AELR", "OUTPUT"),
        vat("RRINPUT", "5% (VAT on Expenses)", "5", "AEXL", "INPUT"),
        vat("RROUTPUT", "5% (VAT on Income)", "5", "AELR", "OUTPUT"),
        vat(
            "DRCHARGESUPPLY20",
            "Domestic Reverse Charge @ 20% (VAT on Expenses)",
            "20",
            "AEXL",
            "DRCHARGESUPPLY",
            effective="0",
        ),
        vat("DRCHARGE20", "Domestic Reverse Charge @ 20% (VAT on Income)", "20", "AELR", "DRCHARGE", effective="0"),
        vat(
            "DRCHARGESUPPLY5",
            "Domestic Reverse Charge @ 5% (VAT on Expenses)",
            "5",
            "AEXL",
            "DRCHARGESUPPLY",
            effective="0",
        ),
        vat("DRCHARGE5", "Domestic Reverse Charge @ 5% (VAT on Income)", "5", "AELR", "DRCHARGE", effective="0"),
        vat("ECACQUISITIONS", "EC Acquisitions (20%)", "20", "AEXL", "ECACQUISITIONS", effective="0"),
        vat("ECZRACQUISITIONS", "EC Acquisitions (Zero Rated)", "0", "AEXL", "ECACQUISITIONS"),
        vat("EXEMPTINPUT", "Exempt Expenses", "0", "AEXL", "EXEMPTINPUT"),
        vat("EXEMPTOUTPUT", "Exempt Income", "0", "AELR", "EXEMPTOUTPUT"),
        vat("NONE", "No VAT", "0", "AEXLR", "NONE"),
        vat("REVERSECHARGES", "Reverse Charge Expenses (20%)", "20", "AEXL", "REVERSECHARGES", effective="0"),
        vat("GSTONIMPORTS", "VAT on Imports", "0", "L", "GSTONIMPORTS"),
        vat("ECZROUTPUT", "Zero Rated EC Goods Income", "0", "AELR", "ECOUTPUT"),
        vat("ECZROUTPUTSERVICES", "Zero Rated EC Services", "0", "AELR", "ECOUTPUTSERVICES"),
        vat("ZERORATEDINPUT", "Zero Rated Expenses", "0", "AEXL", "ZERORATEDINPUT"),
        vat("ZERORATEDOUTPUT", "Zero Rated Income", "0", "AELR", "ZERORATEDOUTPUT"),
    ]
