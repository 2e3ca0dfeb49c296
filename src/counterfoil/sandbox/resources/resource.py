"""What every resource file declares, and the few things that all of them do.

Called by the files of this folder and by `resources` itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.sandbox.answers import Answer, Call


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: the names it answers to in a path, the scope it needs, and its handler.

    The handler gets GET, PUT, POST and DELETE alike and raises `answers.Refusal` for what ends the whole request.
    """

    plural: str
    singular: str
    scope: str
    handle: Callable[[Call], Answer]
