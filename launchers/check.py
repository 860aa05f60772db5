r"""Checks a part of one's own: an encoder, tokenizer, mixture, head or loss.

    python launchers/check.py my_package.routing:ExpertChoice

It prints a table, and exits with 1 where something is not as the interface asks.
"""

import sys

from acme_moe.cli.check import main

if __name__ == "__main__":
    sys.exit(main())
