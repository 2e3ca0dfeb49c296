"""Xero's identity server: authorize, token, revocation, discovery, keys, and the list of connections.

What: OAuth 2.0 with PKCE and secrets, rotation with a grace of 30 minutes, signed tokens (facts 1). Who calls it:
`server` mounts its routes, `gate` reads access tokens through `keys`. May not import: `resources`, `control`, `pages`
(the consent page is handed in by `server`).
"""
