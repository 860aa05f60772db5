"""Trains an agent on fixed data of a game; see `acme_moe.cli.train_offline`."""

import sys

from acme_moe.cli.train_offline import main

if __name__ == "__main__":
    sys.exit(main())
