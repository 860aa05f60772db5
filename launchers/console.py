"""What every launcher does at its start, and where it is told what will not do."""

import os
import sys
from typing import NoReturn

from absl import logging
from gym_notices import notices


def fail(message: str) -> NoReturn:
    """Ends the program with a message and the exit status of a usage error."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def be_quiet() -> None:
    """Silences what libraries say at their import."""
    # TensorFlow is only Reverb's transport here; its start-up remarks say nothing.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.set_verbosity(logging.WARNING)
    # Acme imports gym, and gym prints that it is no longer maintained.
    notices.notices.clear()
