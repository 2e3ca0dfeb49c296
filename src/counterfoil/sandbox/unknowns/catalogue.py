"""The switches for what could not be established about Xero, each with its point of facts 11 and its safer reading.

Called by `chosen` and by the tests, which hold the list to the facts. The first choice of each is the safer one: what a
client may count on least, so that a client that works with it works with the other readings, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

POINTS: Final = 18  # how many facts 11 has


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """One thing that is not known. `choices`: each reading and what it plays, the safer one first.

    `point`: its number in facts 11; 0 for what another section of the facts calls uncertain, which `section` names. `option`: the field of `Options` that it starts from, with the value there that each
    choice stands for; empty for a switch that the command line has not.
    """

    name: str
    point: int
    what: str
    choices: Mapping[str, str]
    section: str = ""
    option: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> str:
        """Where the facts say that it is not known."""
        return self.section or f"11.{self.point}"

    @property
    def safer(self) -> str:
        """The default."""
        return next(iter(self.choices))


def _flag(option: str, off: str, on: str) -> dict[str, Any]:
    """The option that is a flag: off is the first reading, on the second."""
    return {"option": option, "values": {off: False, on: True}}


ALL: Final = (
    Unknown(
        name="payment-events",
        point=1,
        what="Whether PAYMENT events are sent yet, and whether they and those of overpayments have `data`",
        choices={
            "with-data": "sent, with a `data` that is inferred from that of prepayments: every reader meets it",
            "without-data": "sent, without `data`; those of overpayments, too",
            "none": "payments make no events",
        },
    ),
    Unknown(
        name="limit-windows",
        point=4,
        what="Whether the minute and the day are truly fixed windows",
        choices={"fixed": "fixed, with an offset for each tenant", "rolling": "each call is free again by itself"},
        **_flag("rolling_limits", "fixed", "rolling"),
    ),
    Unknown(
        name="rate-limit-problem",
        point=4,
        what="What X-Rate-Limit-Problem says for the concurrent limit and the app's minute",
        choices={
            "named": "concurrent and appminute, by analogy with what was seen",
            "absent": "no such header for these two",
        },
    ),
    Unknown(
        name="rate-limit-body",
        point=4,
        what="Whether a 429 ever has a body",
        choices={"empty": "none, as was seen", "problem": "a problem object in JSON, as third parties quote it"},
    ),
    Unknown(
        name="intent-series",
        point=5,
        what="How many requests an intent to receive has, in which order, and how many are signed well",
        choices={
            "mixed": "four in any order, one or two of them signed well",
            "bad-first": "one signed almost well, then one signed well",
            "long": "eight in any order, one of them signed well",
        },
    ),
    Unknown(
        name="webhook-answers",
        point=5,
        what="How strict Xero is about bodies and cookies in answers to webhooks",
        choices={"strict": "neither may be there", "lenient": "both may"},
        **_flag("lenient_webhooks", "strict", "lenient"),
    ),
    Unknown(
        name="refused-batch",
        point=6,
        what="What a batch refused with summarizeErrors=true leaves behind",
        choices={"saves-nothing": "nothing is saved", "keeps-good": "its good elements are saved, and nobody says so"},
        **_flag("summarize_keeps_good", "saves-nothing", "keeps-good"),
    ),
    Unknown(
        name="idempotency-in-flight",
        point=7,
        what="What a second request gets whose first, with the same key, still runs",
        choices={
            "process": "it is carried out as if it had no key",
            "wait": "it waits for the first one's answer and gets it",
            "refuse": "400",
        },
        option="idempotency_concurrent",
        values={"process": "process", "wait": "wait", "refuse": "refuse"},
    ),
    Unknown(
        name="idempotency-mismatch",
        point=7,
        what="Where the sentence stands that a key was used with a different request",
        choices={"message": "in the Message of the error", "elements": "in the ValidationErrors of one element"},
    ),
    Unknown(
        name="role-refusal",
        point=8,
        what="The Detail of the 403 for a user whose role does not allow it",
        choices={
            "AuthorizationUnsuccessful": "that of a missing scope",
            "AuthenticationUnsuccessful": "that of an organisation that is not connected",
        },
    ),
    Unknown(
        name="refused-scope",
        point=8,
        what="How the consent ends for a scope that the app may not have, such as Journals below the Advanced tier",
        choices={"page": "an error page of Xero's", "redirect": "back to the app, with invalid_scope"},
        option="invalid_scope",
        values={"page": "page", "redirect": "redirect"},
    ),
    Unknown(
        name="full-cap",
        point=8,
        what="How the consent ends beyond a cap on connections",
        choices={"page": "an error page of Xero's", "redirect": "back to the app, with access_denied"},
        option="full_cap",
        values={"page": "page", "redirect": "redirect"},
    ),
    Unknown(
        name="texts",
        point=9,
        what="The exact sentences about over-allocation, allocation to another contact or currency, tracking limits, "
        "reconciled payments and transactions, non-payable accounts, archived contacts and transfers between currencies",
        choices={"ours": "sentences of our own", "other": "other sentences of our own, for clients that read them"},
    ),
    Unknown(
        name="reconciled-deletion",
        point=9,
        what="Whether a reconciled payment or transaction can be deleted through the API",
        choices={"refused": "400", "allowed": "it can"},
        **_flag("reconciled_payments_go", "refused", "allowed"),
    ),
    Unknown(
        name="past-the-end",
        point=10,
        what="What a page past the end is",
        choices={"empty": "200 without elements", "refused": "400: requested page does not exist"},
    ),
    Unknown(
        name="modified-since",
        point=10,
        what="Whether If-Modified-Since includes its own second",
        choices={"inclusive": "it does", "exclusive": "it does not"},
        **_flag("modified_since_exclusive", "inclusive", "exclusive"),
    ),
    Unknown(
        name="modified-since-rfc1123",
        point=10,
        what="Whether If-Modified-Since may be an RFC 1123 date",
        choices={"ignored": "it is ignored: everything is listed", "accepted": "it is read"},
    ),
    Unknown(
        name="half-cents",
        point=11,
        what="How an exact half cent is rounded",
        choices={"away-from-zero": "away from zero", "to-even": "to the even cent"},
    ),
    Unknown(
        name="discounted-inclusive",
        point=11,
        what="From what the tax in an inclusive line with a discount is taken",
        choices={"rounded-line": "from the line as it was rounded", "exact-line": "from the line before it is rounded"},
    ),
    Unknown(
        name="currency-rate",
        point=11,
        what="The direction of CurrencyRate",
        choices={
            "foreign-per-base": "amount / CurrencyRate is the base amount",
            "base-per-foreign": "amount x CurrencyRate is the base amount",
        },
    ),
    Unknown(
        name="broad-scopes-end",
        point=13,
        what="The day from which broad scopes are dead",
        choices={"2027-09-13": "as the changelog says", "2027-09-27": "as the blog says"},
        option="broad_scopes_end",
    ),
    Unknown(
        name="classic-expenses-scope",
        point=13,
        what="Whether there is a scope accounting.classicexpenses for ExpenseClaims and Receipts",
        choices={
            "absent": "nobody can ask for it: only broad scopes open these resources",
            "granted": "any app may ask for it",
        },
    ),
    Unknown(
        name="optimised-fields",
        point=14,
        what="Which filters and orders are optimised of Payments, BankTransactions, ManualJournals and PurchaseOrders",
        choices={
            "none": "none: beyond --high-volume-rows each filter and order is refused",
            "likely": "what is named by weak sources, and the like for the other two",
        },
    ),
    Unknown(
        name="paid-documents",
        point=15,
        what="Whether paying or crediting a document sends an event of that document",
        choices={"told": "an UPDATE of it", "silent": "nothing"},
        **_flag("silent_payments", "told", "silent"),
    ),
    Unknown(
        name="own-writes",
        point=15,
        what="Whether an app is sent events of what it wrote itself",
        choices={"told": "it is: it must know its own echo", "silent": "it is not"},
    ),
    Unknown(
        name="access-denied",
        point=17,
        what="What a cancelled consent is",
        choices={"redirect": "back to the app, with access_denied", "page": "an error page, and the app hears nothing"},
    ),
    Unknown(
        name="jwks-path",
        point=17,
        what="Where the keys of tokens are; the discovery document says it in either case",
        choices={
            "/.well-known/openid-configuration/jwks": "below the discovery document",
            "/.well-known/jwks": "beside it",
        },
    ),
    Unknown(
        name="token-audience",
        point=17,
        what="The aud of an access token",
        choices={"resources": "the issuer's /resources", "absent": "none"},
    ),
    Unknown(
        name="due-date",
        point=0,
        section="5.8",
        what="Whether an approved invoice must have a due date",
        choices={"required": "without one it is refused", "defaulted": "without one it is due on its own date"},
    ),
    Unknown(
        name="reconnection",
        point=0,
        section="10.4",
        what="Whether a connection keeps its id when an organisation is connected again",
        choices={"keeps-id": "it does, and its date of creation", "new-id": "only its date of creation"},
    ),
)

OUTSIDE: Final[Mapping[int, str]] = {
    2: "The Account Data API is not played: neither path nor endpoints are known.",
    3: "Bank Feeds are not played.",
    12: "How Xero charges for egress changes no answer; the meter (/_sandbox/usage) counts answers to writes apart.",
    16: "There are no statement lines here that a reconciled transaction could be matched with: IsReconciled is a flag.",
    17: "How long Xero's servers try before they give up: the faults slow, 503 and reset play any such time.",
    18: "The full texts of Xero's pages: what follows from them is in the other points.",
}
