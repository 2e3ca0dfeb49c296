"""The environment that programs which we start are given: ours, without the secrets that it holds for us.

Called by whoever starts one: access/key_command, cli (the browser, the demo). delivery/program gives less still.
Variables that a configuration names itself (`${NAME}`) are the user's and are handed on.
"""

import os
from collections.abc import Mapping, MutableMapping

from counterfoil.settings import tables


def without_secrets(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A copy of the environment without COUNTERFOIL_<TABLE>__<KEY> of any key that is declared secret."""
    secret = {f"COUNTERFOIL_{table}__{key}".upper() for table, key in tables.secrets()}
    return {name: value for name, value in environ.items() if name.upper() not in secret}


def forget_overrides(environ: MutableMapping[str, str] = os.environ) -> None:
    """Take every COUNTERFOIL_… out of this process's environment: what it does concerns a configuration of its own."""
    for name in [name for name in environ if name.upper().startswith("COUNTERFOIL_")]:
        del environ[name]
