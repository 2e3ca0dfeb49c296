"""What this process's calls came to, by kind of answer: counted for meters, kept in memory, beside every call.

Called by transport; read by service for /metrics. What all processes call together is metered in the database
(metering); this tells more of the answers, and starts anew with the process. xero-facts §2.2.
"""

from collections import Counter
from typing import Final

CLASSES: Final = ("2xx", "3xx", "4xx", "429", "5xx", "none")  # none: no whole answer came
LIMITS: Final = ("minute", "day", "app", "concurrent")


class Tally:
    """Calls of one process. `answers` by CLASSES, `refusals` (429) by LIMITS."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    def count(self, status: int | None, problem: str | None) -> None:
        """One call ended. `status` None: without a whole answer. `problem`: what X-Rate-Limit-Problem said."""
        if status is None:
            self.answers["none"] += 1
        elif status == 429:
            self.answers["429"] += 1
            self.refusals[limit_of(problem)] += 1
        else:
            self.answers[f"{min(max(status // 100, 2), 5)}xx"] += 1


def limit_of(problem: str | None) -> str:
    """Which limit a 429 speaks of. Nothing: too many at once; Xero sends no Retry-After then either."""
    said = (problem or "").lower()
    return next((name for name in ("app", "day", "minute") if name in said), "concurrent")
