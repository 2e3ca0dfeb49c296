"""The sample company's day: 400 sales for three entities and the configuration that posts them to the sandbox.

Called by `init`, `demo` and tests. May import settings, model and errors; knows the sandbox's charts only by their
codes. Deterministic: the same seed and day give the same bytes. Files: customers (who buys), goods (what, at which
tax), day (the sales), bad (the dozen that are wrong), files (what is written to a folder).
"""
