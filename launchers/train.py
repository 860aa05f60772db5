"""Trains an agent on a game in one process; see `acme_moe.cli.train`."""

import sys

from acme_moe.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
