"""Xero's webhooks: events of every write, signed and delivered to the addresses that apps gave (facts 6).

What: `events` makes events of committed changes, `payload` their bytes and signatures, `subscriptions` keeps who wants
what and what is still to be delivered, `sender` delivers. Who calls it: `door` notes each commit, `control` and `pages`
show and change subscriptions, `server` starts the sender. May not import: `resources`, `identity`, `control`, `pages`.
"""
