"""The people at Xero's side: who they are, and what they are asked to consent to.

Called by `world`, `identity` and `pages`.
"""

from dataclasses import dataclass

from counterfoil.sandbox.books import Books


@dataclass(frozen=True, slots=True)
class User:
    """A person at Xero; `login_hint=` in an authorize request picks one by e-mail address, else Alex."""

    user_id: str
    email: str
    given_name: str
    family_name: str


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """What the consent page shows.

    It posts a form to `action`: `consent` (= id), `decision` (allow | cancel) and one `tenant` field for each chosen
    tenant id (a radio button when `one_only`, else a checkbox). `blocked` says of some tenants why they cannot be chosen.
    """

    id: str
    action: str
    app_name: str
    user: User
    scopes: tuple[str, ...]
    organisations: tuple[Books, ...]
    one_only: bool
    blocked: dict[str, str]
