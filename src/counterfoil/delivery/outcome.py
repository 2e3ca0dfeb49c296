"""How a message or a change fails, said alike by every way of sending. Called by whatever delivers, and by outlets."""


class NotDelivered(Exception):
    """A target did not take a message. Its words hold no address, header, body or secret.

    `may_have_arrived`: nobody knows whether the target has it all the same. `target_is_down`: any other message would
    have failed alike, so that nothing is sent there for a while. `retry_after_s`: the target itself said when to come again.
    """

    def __init__(
        self,
        reason: str,
        *,
        may_have_arrived: bool = False,
        target_is_down: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_arrived = may_have_arrived
        self.target_is_down = target_is_down
        self.retry_after_s = retry_after_s


class NeverDelivered(NotDelivered):
    """The target can never take this change, however often it is tried: a dead letter at once. Others it may take."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, target_is_down=False)


class Unsubscribed(NotDelivered):
    """The target wants nothing more of us at all: the feed ends until a person begins it again."""
