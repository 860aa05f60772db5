"""The process of one node; its supervisor starts it.

python -m acme_moe.experiments.distributed.child NODE WORKDIR TOKEN PARENT < FUNCTION
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import cloudpickle
from gym_notices import notices

from acme_moe.experiments.distributed import state, supervisor

# Seconds that a node may take to end by itself once the run is over.
_PATIENCE = 4.0
_PR_SET_PDEATHSIG = 1


def main(name: str, workdir: Path, token: str, parent: int) -> int:
    """Runs the node's function, and returns the exit status."""
    # Nobody would start it again, or end it, if its supervisor were gone.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return 1
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
    threading.Thread(
        target=_end_with_the_run, args=(workdir, token), daemon=True
    ).start()
    print(f"--- {name} starts, process {os.getpid()}", flush=True)
    # Acme imports gym, and gym prints that it is no longer maintained.
    notices.notices.clear()
    function = cloudpickle.load(sys.stdin.buffer)
    from acme_moe.experiments.checkpoints import DamagedCheckpointError
    from acme_moe.experiments.distributed.rpc import RunEndedError
    from acme_moe.offline.files import DatasetError

    try:
        function()
    except RunEndedError:
        return 0
    except (FloatingPointError, DamagedCheckpointError, DatasetError) as error:
        # Another try would end in the same way.
        print(f"error: {error}", flush=True)
        return supervisor.FATAL
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end_with_the_run(workdir: Path, token: str) -> None:
    """Ends the process if it still waits for something when the run is over."""
    while not state.ended(workdir, token):
        time.sleep(0.5)
    time.sleep(_PATIENCE)
    os._exit(0)


if __name__ == "__main__":
    _, name, workdir, token, parent = sys.argv
    status = main(name, Path(workdir), token, int(parent))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of Reverb, TensorFlow and Courier need not be waited for.
    os._exit(status)
