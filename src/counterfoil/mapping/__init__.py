"""Rows become records: text, columns and expressions, as a flow's table says.

Called by app.py. Pure: may import settings, model and errors; no clock, no network, no database, no source.
`compile_flow` is asked when the configuration is loaded, its Mapper for each record.
"""

from counterfoil.mapping.compiling import compile_flow
from counterfoil.mapping.mapper import MappedRecord, Mapper
from counterfoil.mapping.mistakes import Mistake

__all__ = ["MappedRecord", "Mapper", "Mistake", "compile_flow"]
