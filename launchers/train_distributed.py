"""Trains an agent in many processes; see `acme_moe.cli.train_distributed`."""

import sys

from acme_moe.cli.train_distributed import main

if __name__ == "__main__":
    sys.exit(main())
