"""Pages: what a person sees of the sandbox in a browser: organisations, documents, requests, limits and the consent.

Who calls it: `server` adds `routes(world, screen)`; `identity` answers with `consent_page` and `refused_page`. They only
read the world, but for two buttons: a person disconnects an app, and has an intent to receive sent. May not import: anything of ours outside the sandbox.

Plain HTML with one stylesheet, and one script that keeps the front page up to date; everything that comes from the ledger is escaped by the templates, and a
Content-Security-Policy forbids whatever they do not need themselves.
"""

from counterfoil.sandbox.pages.consent import consent_page, refused_page
from counterfoil.sandbox.pages.views import Screen, routes

__all__ = ["Screen", "consent_page", "refused_page", "routes"]
