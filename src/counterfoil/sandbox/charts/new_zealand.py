"""A New Zealand company: GST at 15 %, year end in March; called by `charts.chart("NZ")`.

The tax rates are those of the recorded demo company (facts, Appendix C), with the classes of account of facts 5.3.
"""

from counterfoil.sandbox.charts import rows
from counterfoil.sandbox.charts.chart import Chart


def chart() -> Chart:
    """The New Zealand chart; new lists at each call."""
    return Chart(
        organisation=rows.organisation(
            "Kōwhai Holdings Ltd",
            version="NZ",
            country="NZ",
            base_currency="NZD",
            registration="9429041234567",
            tax_number="101-234-567",
            year_end=(31, 3),
            sales_tax=("PAYMENTS", "TWOMONTHS"),
            timezone="NEWZEALANDSTANDARDTIME",
            street=("8 Kōwhai Lane", "Wellington", "Te Aro", "6011"),
            phone=("64", "04", "555 0193"),
            terms={
                "Bills": {"Day": 20, "Type": "OFFOLLOWINGMONTH"},
                "Sales": {"Day": 20, "Type": "OFFOLLOWINGMONTH"},
            },
        ),
        accounts=_accounts(),
        tax_rates=_tax_rates(),
        currencies=rows.currencies("NZD", "AUD", "USD"),
        tracking=[
            rows.tracking_category("Region", "North", "South", "East", "West", archived=("Chatham Islands",)),
            rows.tracking_category("Department", "Wholesale", "Retail", "Online", archived=("Field Days",)),
        ],
    )


def _accounts() -> list[rows.Row]:
    account, bank = rows.account, rows.bank
    return [
        bank("090", "Business Bank Account", "0205680123456000", "NZD"),
        bank("091", "Business Savings Account", "0205680123456025", "NZD"),
        bank("092", "Australian Dollar Account", "0205680777888050", "AUD"),
        account("200", "Sales", "REVENUE", "OUTPUT2", "Income from any normal business activity"),
        account("210", "Export Sales", "REVENUE", "ZERORATED", "Goods sold and sent abroad"),
        account("220", "Shipping Income", "REVENUE", "OUTPUT2", "Delivery charged to customers"),
        account("260", "Other Revenue", "REVENUE", "OUTPUT2", "Income outside the normal run of the business"),
        account("270", "Interest Income", "OTHERINCOME", "NONE", "Interest earned on bank balances"),
        account("290", "Field Day Sales", "REVENUE", "OUTPUT2", "Closed with the field days", status="ARCHIVED"),
        account("310", "Cost of Goods Sold", "DIRECTCOSTS", "INPUT2", "Cost of the goods that were sold"),
        account("400", "Advertising", "EXPENSE", "INPUT2", "Campaigns, print and design"),
        account("401", "ACC Levies", "EXPENSE", "INPUT2"),
        account("404", "Bank Fees", "EXPENSE", "NONE", "Charged by the bank and card acquirers"),
        account("412", "Consulting & Accounting", "EXPENSE", "INPUT2"),
        account("416", "Depreciation", "DEPRECIATN", "NONE"),
        account("425", "Freight & Courier", "EXPENSE", "INPUT2", "Delivery to customers", claimable=True),
        account("429", "General Expenses", "EXPENSE", "INPUT2", claimable=True),
        account("433", "Insurance", "EXPENSE", "INPUT2"),
        account("445", "Light, Power, Heating", "EXPENSE", "INPUT2"),
        account("453", "Office Expenses", "EXPENSE", "INPUT2", claimable=True),
        account("469", "Rent", "OVERHEADS", "INPUT2"),
        account("477", "Salaries", "EXPENSE", "NONE"),
        account("478", "KiwiSaver Employer Contributions", "EXPENSE", "NONE"),
        account("493", "Travel - National", "EXPENSE", "INPUT2", claimable=True),
        account("497", "Bank Revaluations", "EXPENSE", "NONE", system="BANKCURRENCYGAIN"),
        account("498", "Unrealised Currency Gains", "EXPENSE", "NONE", system="UNREALISEDCURRENCYGAIN"),
        account("499", "Realised Currency Gains", "EXPENSE", "NONE", system="REALISEDCURRENCYGAIN"),
        account("610", "Accounts Receivable", "CURRENT", "NONE", "Owed by customers", system="DEBTORS"),
        account("620", "Prepayments", "CURRENT", "NONE", "Paid before it is due"),
        account("630", "Inventory", "INVENTORY", "NONE", "Goods held for sale"),
        account("710", "Office Equipment", "FIXED", "INPUT2"),
        account("711", "Depreciation of Office Equipment", "FIXED", "NONE"),
        account("800", "Accounts Payable", "CURRLIAB", "NONE", "Owed to suppliers", system="CREDITORS"),
        account("801", "Unpaid Expense Claims", "CURRLIAB", "NONE", system="UNPAIDEXPCLM"),
        account("820", "GST", "CURRLIAB", "NONE", "Owed to or by Inland Revenue", system="GST"),
        account("825", "PAYE Payable", "CURRLIAB", "NONE"),
        account("840", "Historical Adjustment", "CURRLIAB", "NONE", system="HISTORICAL"),
        account("860", "Rounding", "CURRLIAB", "NONE", "Cents that rounding leaves over", system="ROUNDING"),
        account("877", "Tracking Transfers", "CURRLIAB", "NONE", system="TRACKINGTRANSFERS"),
        account("881", "Owner A Funds Introduced", "EQUITY", "NONE", payable=True),
        account("900", "Loan", "TERMLIAB", "NONE"),
        account("960", "Retained Earnings", "EQUITY", "NONE", system="RETAINEDEARNINGS"),
        account("970", "Owner A Share Capital", "EQUITY", "NONE"),
    ]


def _tax_rates() -> list[rows.Row]:
    def gst(
        tax_type: str, name: str, percent: str, applies_to: str, report: str, *, status: str = "ACTIVE"
    ) -> rows.Row:
        return rows.tax_rate(tax_type, name, percent, applies_to, component="GST", report=report, status=status)

    return [
        gst("INPUT", "12.5% GST on Expenses", "12.5", "AEXL", "INPUT", status="DELETED"),
        gst("OUTPUT", "12.5% GST on Income", "12.5", "AELR", "OUTPUT", status="DELETED"),
        gst("INPUT2", "15% GST on Expenses", "15", "AEXL", "INPUT"),
        gst("OUTPUT2", "15% GST on Income", "15", "AELR", "OUTPUT"),
        gst("GSTONIMPORTS", "GST on Imports", "0", "AEL", "GSTONIMPORTS"),
        gst("NONE", "No GST", "0", "AEXLR", "NONE"),
        gst("ZERORATED", "Zero Rated", "0", "LR", "OUTPUT"),
    ]
