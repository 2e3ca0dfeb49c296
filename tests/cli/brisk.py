"""`counterfoil` in whose service a process that died is missed after three seconds instead of thirty. Run as a script."""

import sys

import msgspec

from counterfoil import cli
from counterfoil.app.serving import Serving, serving

ALIVE_S = 1.0
SWEEP_S = 1.0

if __name__ == "__main__":
    brisk = msgspec.structs.replace(serving.PACE, alive_s=ALIVE_S, sweep_s=SWEEP_S)
    Serving.__init__.__kwdefaults__["pace"] = brisk
    sys.exit(cli.main())
