"""Xero's events in: whose a delivery is (signature), what it says (payload), and that it is durable (inbox).

Called by service (the door) and by app (the check that plays Xero). May import store, runtime, model and errors; never the HTTP
library, the web framework, or anything that asks Xero. An event carries no data into our books: it says where to look.
"""
