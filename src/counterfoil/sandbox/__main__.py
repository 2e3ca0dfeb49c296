"""`python -m counterfoil.sandbox`: the sandbox without the rest of the package. Exit 2 for what cannot be started."""

import sys

from counterfoil.sandbox import server

if __name__ == "__main__":
    sys.exit(server.run(sys.argv[1:]))
