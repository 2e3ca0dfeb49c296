"""What a difference between two looks at a document means: "invoice.paid", "contact.merged".

`naming` says it, `words` is the table of rules, `fields` which fields differ: these are pure, and import model alone.
`recording` keeps what was named; called by the rest of mirror. May import what mirror may.
"""
