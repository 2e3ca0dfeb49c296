"""One file per Xero resource: its calls, their wire names and their cost.

Called by access, mirror and posting. May import xero's other modules, model and errors; resources never import each
other.
"""
