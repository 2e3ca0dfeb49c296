"""Where one person's text stands in the tables and how it is taken out; and what a purge takes away.

Called by app/privacy. Each module knows some tables; every function is one short transaction or a part of one, and tells how
far it came. May import store/ and model/.
"""
