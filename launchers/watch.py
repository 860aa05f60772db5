"""Records a video of an agent at play; see `acme_moe.cli.watch`."""

import sys

from acme_moe.cli.watch import main

if __name__ == "__main__":
    sys.exit(main())
