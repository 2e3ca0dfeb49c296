"""Changes out: so far notices, to webhooks, e-mail addresses and commands (design §5.3, [[notify]]).

Called by app after each command, and by the service. May import xero, runtime, store, settings, model and errors, and
of outside libraries the HTTP library (webhook alone); never access, which stands beside it: they meet in store/, where
whoever notices something writes it, or through app. `notifying` decides who gets what and when it is tried again;
`webhook`, `mail` and `program` carry one message to one target.
"""
