"""The consent page: who asks for what, which organisations, Allow or Cancel. Called by `identity`.

Implements facts 1.3 and 1.6: one organisation per consent, or several with Bulk Connections.
"""

from counterfoil.sandbox.pages import render, words
from counterfoil.sandbox.people import ConsentRequest


def consent_page(request: ConsentRequest) -> str:
    """The page for one consent request, as HTML; it posts the form that ConsentRequest describes. Changes nothing.

    The text carries its own Content-Security-Policy, since whoever answers with it knows no headers of pages.
    """
    return render.text(
        "consent.html",
        policy=render.CONSENT_POLICY,
        request=request,
        allows=words.scopes(request.scopes),
        countries=words.COUNTRIES,
    )


def refused_page(error: str, reason: str) -> str:
    """What a person sees, as HTML, when an app's request cannot be put to them at all: Xero's `error` and why."""
    return render.text("message.html", title=reason, message=f"Error: {error}")
