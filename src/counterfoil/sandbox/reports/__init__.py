"""Xero's reports from the journals: trial balance, profit and loss, balance sheet, bank summary, ageing by contact.

What: one file per report, each a function of a call that returns the report in Xero's shape, every cell text (facts
5.21). Who calls it: `resources.reports`. May not import: `resources`' handlers, `door`, `control`, `identity`, `pages`.

Assumed, where no source tells: without dates a trial balance is of today, the others of the current month; signs are
those that a reader expects on each side; accounts that never moved are left out.
"""
