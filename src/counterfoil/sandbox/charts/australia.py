"""An Australian company: GST at 10 %, year end in June; called by `charts.chart("AU")`.

Tax codes and the classes of account they fit are those of Xero's TaxRates page (facts 5.3).
"""

from counterfoil.sandbox.charts import rows
from counterfoil.sandbox.charts.chart import Chart


def chart() -> Chart:
    """The Australian chart; new lists at each call."""
    return Chart(
        organisation=rows.organisation(
            "Wattle & Co Pty Ltd",
            version="AU",
            country="AU",
            base_currency="AUD",
            registration="123456789",
            tax_number="11 123 456 789",
            year_end=(30, 6),
            sales_tax=("ACCRUALS", "QUARTERLY"),
            timezone="AUSEASTERNSTANDARDTIME",
            street=("27 Wattle Street", "Fitzroy", "VIC", "3065"),
            phone=("61", "03", "5550 1842"),
            terms={
                "Bills": {"Day": 20, "Type": "OFFOLLOWINGMONTH"},
                "Sales": {"Day": 14, "Type": "DAYSAFTERBILLDATE"},
            },
        ),
        accounts=_accounts(),
        tax_rates=_tax_rates(),
        currencies=rows.currencies("AUD", "NZD", "USD"),
        tracking=[
            rows.tracking_category("Region", "North", "South", "East", "West", archived=("Tasmania",)),
            rows.tracking_category("Department", "Wholesale", "Retail", "Online", archived=("Markets",)),
        ],
    )


def _accounts() -> list[rows.Row]:
    account, bank = rows.account, rows.bank
    return [
        bank("090", "Business Bank Account", "083004123456789", "AUD", tax_type="BASEXCLUDED"),
        bank("091", "Business Savings Account", "083004987654321", "AUD", tax_type="BASEXCLUDED"),
        bank("092", "US Dollar Account", "083004555666777", "USD", tax_type="BASEXCLUDED"),
        account("200", "Sales", "REVENUE", "OUTPUT", "Income from any normal business activity"),
        account("210", "Export Sales", "REVENUE", "EXEMPTEXPORT", "Goods sold and sent abroad"),
        account("220", "Shipping Income", "REVENUE", "OUTPUT", "Delivery charged to customers"),
        account("260", "Other Revenue", "REVENUE", "OUTPUT", "Income outside the normal run of the business"),
        account("270", "Interest Income", "OTHERINCOME", "INPUTTAXED", "Interest earned on bank balances"),
        account("290", "Market Stall Sales", "REVENUE", "OUTPUT", "Closed with the stalls", status="ARCHIVED"),
        account("310", "Cost of Goods Sold", "DIRECTCOSTS", "INPUT", "Cost of the goods that were sold"),
        account("400", "Advertising", "EXPENSE", "INPUT", "Campaigns, print and design"),
        account("404", "Bank Fees", "EXPENSE", "EXEMPTEXPENSES", "Charged by the bank and card acquirers"),
        account("408", "Cleaning", "EXPENSE", "INPUT"),
        account("412", "Consulting & Accounting", "EXPENSE", "INPUT"),
        account("416", "Depreciation", "DEPRECIATN", "BASEXCLUDED"),
        account("425", "Freight & Courier", "EXPENSE", "INPUT", "Delivery to customers", claimable=True),
        account("429", "General Expenses", "EXPENSE", "INPUT", claimable=True),
        account("433", "Insurance", "EXPENSE", "INPUT"),
        account("445", "Light, Power, Heating", "EXPENSE", "INPUT"),
        account("453", "Office Expenses", "EXPENSE", "INPUT", claimable=True),
        account("469", "Rent", "OVERHEADS", "INPUT"),
        account("477", "Wages and Salaries", "EXPENSE", "BASEXCLUDED"),
        account("478", "Superannuation", "EXPENSE", "BASEXCLUDED"),
        account("493", "Travel - National", "EXPENSE", "INPUT", claimable=True),
        account("497", "Bank Revaluations", "EXPENSE", "BASEXCLUDED", system="BANKCURRENCYGAIN"),
        account("498", "Unrealised Currency Gains", "EXPENSE", "BASEXCLUDED", system="UNREALISEDCURRENCYGAIN"),
        account("499", "Realised Currency Gains", "EXPENSE", "BASEXCLUDED", system="REALISEDCURRENCYGAIN"),
        account("610", "Accounts Receivable", "CURRENT", "BASEXCLUDED", "Owed by customers", system="DEBTORS"),
        account("620", "Prepayments", "CURRENT", "BASEXCLUDED", "Paid before it is due"),
        account("630", "Inventory", "INVENTORY", "BASEXCLUDED", "Goods held for sale"),
        account("710", "Office Equipment", "FIXED", "CAPEXINPUT"),
        account("711", "Depreciation of Office Equipment", "FIXED", "BASEXCLUDED"),
        account("800", "Accounts Payable", "CURRLIAB", "BASEXCLUDED", "Owed to suppliers", system="CREDITORS"),
        account("801", "Unpaid Expense Claims", "CURRLIAB", "BASEXCLUDED", system="UNPAIDEXPCLM"),
        account("804", "Wages Payable - Payroll", "CURRLIAB", "BASEXCLUDED", system="WAGEPAYABLES"),
        account("820", "GST", "CURRLIAB", "BASEXCLUDED", "Owed to or by the ATO", system="GST"),
        account("825", "PAYG Withholdings Payable", "CURRLIAB", "BASEXCLUDED"),
        account("840", "Historical Adjustment", "CURRLIAB", "BASEXCLUDED", system="HISTORICAL"),
        account("860", "Rounding", "CURRLIAB", "BASEXCLUDED", "Cents that rounding leaves over", system="ROUNDING"),
        account("877", "Tracking Transfers", "CURRLIAB", "BASEXCLUDED", system="TRACKINGTRANSFERS"),
        account("881", "Owner A Funds Introduced", "EQUITY", "BASEXCLUDED", payable=True),
        account("900", "Loan", "TERMLIAB", "BASEXCLUDED"),
        account("960", "Retained Earnings", "EQUITY", "BASEXCLUDED", system="RETAINEDEARNINGS"),
        account("970", "Owner A Share Capital", "EQUITY", "BASEXCLUDED"),
    ]


def _tax_rates() -> list[rows.Row]:
    def gst(
        tax_type: str, name: str, percent: str, applies_to: str, report: str | None = None, *, status: str = "ACTIVE"
    ) -> rows.Row:
        return rows.tax_rate(
            tax_type, name, percent, applies_to, component="GST", report=report or tax_type, status=status
        )

    return [
        gst("BASEXCLUDED", "BAS Excluded", "0", "AEXLR"),
        gst("EXEMPTCAPITAL", "GST Free Capital", "0", "AEXL"),
        gst("EXEMPTEXPENSES", "GST Free Expenses", "0", "AEXL"),
        gst("EXEMPTEXPORT", "GST Free Exports", "0", "AELR"),
        gst("EXEMPTOUTPUT", "GST Free Income", "0", "AELR"),
        gst("CAPEXINPUT", "GST on Capital", "10", "AEXL"),
        gst("GSTONCAPIMPORTS", "GST on Capital Imports", "0", "L"),
        gst("INPUT", "GST on Expenses", "10", "AEXL"),
        gst("GSTONIMPORTS", "GST on Imports", "0", "L"),
        gst("OUTPUT", "GST on Income", "10", "AELR"),
        gst("INPUTTAXED", "Input Taxed", "0", "AEXLR"),
        gst("TAX001", "Luxury Car Tax", "33", "AELR", "OUTPUT", status="DELETED"),
    ]
