"""Who runs this process, as far as the operating system knows: the one place that asks it.

Called by app. Asked of the system's own table of users, not of the environment: $USER says what anybody writes there.
What acts for somebody else (a schedule, an API key, a console user) hands its own Actor to app instead.
"""

import os
import pwd
import socket

from counterfoil.model.actor import Actor


def of_this_process() -> Actor:
    """The real user of this process at this host: "user@host"; "uid-1000@host" where the user has no name."""
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user id without a name
        user = f"uid-{uid}"
    return Actor("person", f"{user}@{socket.gethostname()}")
