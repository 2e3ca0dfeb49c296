"""The only door to Xero: transport, answers, elements, paging, pacing, identity and one file per resource.

Called by access, mirror, posting and app. May import runtime, store, settings, model and errors; the HTTP library is
imported by transport alone. Nothing here decides what to post or when: it says truthfully what happened to a request.
"""
