"""How a message fails, said alike by every way of sending. Called by notifying, webhook, mail and program."""


class NotDelivered(Exception):
    """A target did not take a message. Its words hold no address, header, body or secret.

    `may_have_arrived`: nobody knows whether the target has it all the same. `target_is_down`: any other message would
    have failed alike, so that nothing is sent there for a while.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool = False, target_is_down: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_arrived = may_have_arrived
        self.target_is_down = target_is_down
