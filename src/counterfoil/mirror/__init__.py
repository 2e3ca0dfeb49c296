"""Our copy of a tenant's documents: catch up, whole documents, index, polling, drift; reference data.

Called by posting and app. May import access, xero, store and model; never posting, which hands in how a mark is
recognised. There is one write path into the mirror (applying): what Xero answered, read by key and never by page number
alone (design §3.5).
"""
