"""Draws figures and tables of what came out of runs; see `acme_moe.cli.report`."""

import sys

from acme_moe.cli.report import main

if __name__ == "__main__":
    sys.exit(main())
