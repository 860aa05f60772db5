"""Runs a study; see `acme_moe.cli.sweep`."""

import sys

from acme_moe.cli.sweep import main

if __name__ == "__main__":
    sys.exit(main())
