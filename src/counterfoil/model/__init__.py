"""Xero's documents, our records, money and dates: typed, immutable, without I/O; and the Protocols of the ports.

Called by everybody. Imports nothing of ours but errors; never aiohttp, SQLAlchemy, asyncio, logging, time, random or
socket (the import contract `pure-core` holds it).
"""
