"""Searches for settings; see `acme_moe.cli.search`."""

import sys

from acme_moe.cli.search import main

if __name__ == "__main__":
    sys.exit(main())
