"""What all tables share. Called by the other modules of this folder.

SCHEMA_VERSION changes with any table of a released version, with a step in store/migrations.
"""

import sqlalchemy as sa

SCHEMA_VERSION = 6

tables = sa.MetaData()
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
