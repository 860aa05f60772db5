"""How a launcher ends that was called wrongly."""

import sys
from typing import NoReturn


def fail(message: str) -> NoReturn:
    """Ends the program with a message and the exit status of a usage error."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
