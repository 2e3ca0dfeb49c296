"""What the keys of tables of the configuration may be called. Called by tables and receivers."""

from typing import Annotated, Final

import msgspec

from counterfoil.model.text import END

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + END
_RULE: Final = {"rule": "Letters, digits, dots, dashes and underscores; it begins with a letter or a digit."}
Key = Annotated[str, msgspec.Meta(pattern=NAME, extra=_RULE)]
