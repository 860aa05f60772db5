"""The program `acme-moe`: names the commands, and runs one of them."""

import importlib
import sys

from acme_moe import validation
from acme_moe.cli.console import fail

COMMANDS = {
    "train": "trains an agent on a game, in one process",
    "train_distributed": "trains an agent in many processes",
    "train_offline": "trains an agent on fixed data",
    "sweep": "runs a study, such as a figure of the paper",
    "search": "searches for settings of an agent, with Optuna",
    "report": "draws figures and tables of what came out of runs",
    "watch": "records a video of an agent at play",
    "check": "checks a part, a loss, an agent or an environment of your own",
    "demo": "trains a small agent for five minutes, and shows what came of it",
}

# Top-level modules of the extra `agents` and of what is installed beside it; the pure
# parts do without.
_OF_AGENTS = {
    "PIL",
    "acme",
    "ale_py",
    "cloudpickle",
    "cv2",
    "gym",
    "jinja2",
    "launchpad",
    "matplotlib",
    "ml_collections",
    "pandas",
    "portpicker",
    "psutil",
    "reverb",
    "rliable",
    "tensorboard",
    "tensorflow",
    "tqdm",
}
# As docs/install.md has it, which also says why no resolver takes the last two.
INSTALL = (
    "pip install './acme_moe-VERSION-py3-none-any.whl[agents]'",
    "pip install --no-deps dm-acme==0.4.0 tensorflow-cpu==2.12.0",
)


def main() -> int:
    """Runs the command that the first argument names; returns the exit status."""
    program, *arguments = sys.argv
    name = arguments[0] if arguments else "--help"
    if name in ("--help", "-h", "help"):
        print("usage: acme-moe COMMAND --FLAG=VALUE ...\n\ncommands:")
        for listed, what in COMMANDS.items():
            print(f"  {listed:<18} {what}")
        print("\nacme-moe COMMAND --help lists a command's flags.")
        return 0 if arguments else 2
    try:
        validation.one_of("command", name, COMMANDS)
    except ValueError as error:
        fail(error)
    try:
        command = importlib.import_module(f"acme_moe.cli.{name}")
        status: int = command.main([program, *arguments[1:]])
    except ModuleNotFoundError as error:
        missing, *_ = str(error.name).split(".")
        if missing not in _OF_AGENTS:
            raise
        fail(
            f"{name} needs {missing!r}, which is not installed. With Python 3.10:\n"
            + "\n".join(f"  {line}" for line in INSTALL)
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
