"""`python -m counterfoil`: the same as the installed script."""

import sys

from counterfoil import cli

if __name__ == "__main__":
    sys.exit(cli.main())
