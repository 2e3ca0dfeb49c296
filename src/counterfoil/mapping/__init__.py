"""Rows become records: text, columns and expressions, as a flow's table says.

Called by app.py. Pure: may import settings, model and errors; no clock, no network, no database, no source.
"""
