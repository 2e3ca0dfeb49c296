"""What the story needs of other folders."""

from tests.delivery.certificates import certificate, trusted

__all__ = ["certificate", "trusted"]
