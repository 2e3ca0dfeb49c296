"""What of Xero's published operations this sandbox plays: asked of the code itself, never written by hand.

What: `operations.json` lists every operation of Xero's OpenAPI files (16.1.0); `probing` calls each on books of its own
and sees what is answered and which parameters are looked at; `page` tells it in Markdown. Who calls it: `control` for
GET /_sandbox/coverage, and the test that writes docs/sandbox-coverage.md. May not import: `control`, `door`, `pages`.
"""

from counterfoil.sandbox.coverage.page import markdown
from counterfoil.sandbox.coverage.probing import coverage

__all__ = ["coverage", "markdown"]
