"""Checks a part, a loss, an agent or an environment; see `acme_moe.cli.check`."""

import sys

from acme_moe.cli.check import main

if __name__ == "__main__":
    sys.exit(main())
