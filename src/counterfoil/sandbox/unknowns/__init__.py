"""What nobody could establish about Xero (facts 11): each such thing that a sandbox touches is a switch.

What: `catalogue` lists the switches, and the points of facts 11 that no switch can matter to, with the reason; `chosen`
holds what is played now; `texts` words differently what is our own sentence. Who calls it: `world` builds one `Unknowns`,
everything else asks it; `portal` shows and sets it under /_sandbox/unknowns. May not import: `door`, `control`, `pages`.
"""

from counterfoil.sandbox.unknowns.catalogue import ALL, OUTSIDE, Unknown
from counterfoil.sandbox.unknowns.chosen import Unknowns

__all__ = ["ALL", "OUTSIDE", "Unknown", "Unknowns"]
