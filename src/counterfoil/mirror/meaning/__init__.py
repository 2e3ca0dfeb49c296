"""What a difference between two looks at a document means: "invoice.paid", "contact.merged". Pure.

`naming` is called by store/happenings' callers, `words` is the table of rules, `fields` says which fields differ. May
import model; no database, no network, no clock.
"""
