"""A Dutch company in Xero's Global edition: BTW as custom rates, year end in December; called by `charts.chart("NL")`.

The Global edition has four system rates and no tax returns, so no ReportTaxType; every national rate is the user's own
with a code TAX001 and on (facts 5.3). Assumed: its OUTPUT and INPUT stand at 0 % and a rate of the user's own fits
every account.
"""

from counterfoil.sandbox.charts import rows
from counterfoil.sandbox.charts.chart import Chart


def chart() -> Chart:
    """The Dutch chart; new lists at each call."""
    return Chart(
        organisation=rows.organisation(
            "Grachtenhuis BV",
            version="GLOBAL",
            country="NL",
            base_currency="EUR",
            registration="61234567",
            tax_number="NL854123456B01",
            year_end=(31, 12),
            sales_tax=("ACCRUALS", "QUARTERLY"),
            timezone="WEUROPESTANDARDTIME",
            street=("Herengracht 281", "Amsterdam", "Noord-Holland", "1016 BL"),
            phone=("31", "20", "555 0172"),
            terms={
                "Bills": {"Day": 30, "Type": "DAYSAFTERBILLDATE"},
                "Sales": {"Day": 30, "Type": "DAYSAFTERBILLDATE"},
            },
        ),
        accounts=_accounts(),
        tax_rates=_tax_rates(),
        currencies=rows.currencies("EUR", "GBP", "USD"),
        tracking=[
            rows.tracking_category("Region", "North", "South", "East", "West", archived=("Benelux",)),
            rows.tracking_category("Department", "Groothandel", "Winkel", "Online", archived=("Catalogus",)),
        ],
    )


def _accounts() -> list[rows.Row]:
    account, bank = rows.account, rows.bank
    return [
        bank("090", "Business Bank Account", "NL91ABNA0417164300", "EUR"),
        bank("091", "Business Savings Account", "NL69ABNA0417164301", "EUR"),
        bank("092", "Company Credit Card", "5412751234123456", "EUR", type="CREDITCARD"),
        account("200", "Sales", "REVENUE", "TAX001", "Income from any normal business activity"),
        account("210", "Sales of Books and Food", "REVENUE", "TAX002", "Goods at the reduced rate"),
        account("215", "Export Sales", "REVENUE", "TAX003", "Goods sold and sent outside the Netherlands"),
        account("220", "Shipping Income", "REVENUE", "TAX001", "Delivery charged to customers"),
        account("260", "Other Revenue", "REVENUE", "TAX001", "Income outside the normal run of the business"),
        account("270", "Interest Income", "OTHERINCOME", "NONE", "Interest earned on bank balances"),
        account("290", "Market Stall Sales", "REVENUE", "TAX001", "Closed with the stall", status="ARCHIVED"),
        account("310", "Cost of Goods Sold", "DIRECTCOSTS", "TAX001", "Cost of the goods that were sold"),
        account("400", "Advertising", "OVERHEADS", "TAX001", "Campaigns, print and design"),
        account("404", "Bank Fees", "OVERHEADS", "NONE", "Charged by the bank and card acquirers"),
        account("412", "Accountant and Legal", "OVERHEADS", "TAX001"),
        account("416", "Depreciation", "DEPRECIATN", "NONE"),
        account("425", "Freight & Courier", "EXPENSE", "TAX001", "Delivery to customers", claimable=True),
        account("429", "General Expenses", "EXPENSE", "TAX001", claimable=True),
        account("433", "Insurance", "OVERHEADS", "NONE"),
        account("445", "Energy", "OVERHEADS", "TAX001"),
        account("453", "Office Expenses", "EXPENSE", "TAX001", claimable=True),
        account("469", "Rent", "OVERHEADS", "TAX001"),
        account("477", "Salaries", "OVERHEADS", "NONE"),
        account("478", "Pension Contributions", "OVERHEADS", "NONE"),
        account("493", "Travel", "EXPENSE", "TAX002", claimable=True),
        account("497", "Bank Revaluations", "EXPENSE", "NONE", system="BANKCURRENCYGAIN"),
        account("498", "Unrealised Currency Gains", "EXPENSE", "NONE", system="UNREALISEDCURRENCYGAIN"),
        account("499", "Realised Currency Gains", "EXPENSE", "NONE", system="REALISEDCURRENCYGAIN"),
        account("610", "Accounts Receivable", "CURRENT", "NONE", "Owed by customers", system="DEBTORS"),
        account("620", "Prepayments", "CURRENT", "NONE", "Paid before it is due"),
        account("630", "Inventory", "INVENTORY", "NONE", "Goods held for sale"),
        account("710", "Office Equipment", "FIXED", "TAX001"),
        account("711", "Depreciation of Office Equipment", "FIXED", "NONE"),
        account("800", "Accounts Payable", "CURRLIAB", "NONE", "Owed to suppliers", system="CREDITORS"),
        account("801", "Unpaid Expense Claims", "CURRLIAB", "NONE", system="UNPAIDEXPCLM"),
        account("820", "Sales Tax", "CURRLIAB", "NONE", "BTW owed to or by the Belastingdienst", system="GST"),
        account("825", "Payroll Tax Payable", "CURRLIAB", "NONE"),
        account("835", "Shareholder Current Account", "CURRLIAB", "NONE", payable=True),
        account("840", "Historical Adjustment", "CURRLIAB", "NONE", system="HISTORICAL"),
        account("860", "Rounding", "CURRLIAB", "NONE", "Cents that rounding leaves over", system="ROUNDING"),
        account("877", "Tracking Transfers", "CURRLIAB", "NONE", system="TRACKINGTRANSFERS"),
        account("900", "Loan", "TERMLIAB", "NONE"),
        account("950", "Share Capital", "EQUITY", "NONE"),
        account("960", "Retained Earnings", "EQUITY", "NONE", system="RETAINEDEARNINGS"),
    ]


def _tax_rates() -> list[rows.Row]:
    def tax(
        tax_type: str,
        name: str,
        percent: str,
        applies_to: str = "AEXLR",
        component: str = "BTW",
        *,
        status: str = "ACTIVE",
    ) -> rows.Row:
        return rows.tax_rate(tax_type, name, percent, applies_to, component=component, report=None, status=status)

    return [
        tax("TAX003", "0% BTW (export)", "0"),
        tax("TAX006", "19% BTW", "19", status="DELETED"),
        tax("TAX001", "21% BTW", "21"),
        tax("TAX005", "6% BTW", "6", status="DELETED"),
        tax("TAX002", "9% BTW", "9"),
        tax("TAX004", "BTW verlegd", "0"),
        tax("GSTONIMPORTS", "Sales Tax on Imports", "0", "L", "Sales Tax"),
        tax("NONE", "Tax Exempt", "0", "AEXLR", "Tax Exempt"),
        tax("INPUT", "Tax on Purchases", "0", "AEXL", "Sales Tax"),
        tax("OUTPUT", "Tax on Sales", "0", "AELR", "Sales Tax"),
    ]
