"""Trains a small agent, and shows what came of it; see `acme_moe.cli.demo`."""

import sys

from acme_moe.cli.demo import main

if __name__ == "__main__":
    sys.exit(main())
