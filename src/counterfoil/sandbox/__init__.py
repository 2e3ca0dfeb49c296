"""A Xero that runs on this machine: identity, ledgers, limits and faults, as close to the real one as is known.

What: its own process (`server.serve`, `python -m counterfoil.sandbox`), one origin for Xero's three hosts, a control
API under /_sandbox/ and plain pages. Who calls it: `cli` and tests start it; nobody imports it otherwise. May not
import: anything of ours outside this folder, so that it cannot inherit our mistakes.
"""
