"""The HTTP API: `/v1/…` for programs with a key, and `/schema`, which says all of it.

Called by service.open_door. A module of routes is one file here that declares each route with `registry.get` or
`registry.post` and stands in application.MODULES; it calls functions of app/ and decides nothing. May import app and what
is below it and the rest of service/, never cli. Every request passes gate (host, key, sizes, times), then the framework
(path, parameters, body), then registry's own check of rights and entity, before a route sees it.
"""
