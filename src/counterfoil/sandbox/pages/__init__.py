"""Pages: what a person sees of the sandbox in a browser: organisations, documents, the request log and the consent.

Who calls it: `server` adds `routes(world)`; `identity` answers with `consent_page` and `refused_page`. They only read
the world. May not import: anything of ours outside the sandbox.

Plain HTML with one stylesheet and no script; everything that comes from the ledger is escaped by the templates, and a
Content-Security-Policy forbids whatever they do not need themselves.
"""

from counterfoil.sandbox.pages.consent import consent_page, refused_page
from counterfoil.sandbox.pages.views import routes

__all__ = ["consent_page", "refused_page", "routes"]
