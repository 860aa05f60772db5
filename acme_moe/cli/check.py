"""Checks a part: an encoder, tokenizer, mixture, layer without one, head or loss.

    acme-moe check my_package.routing:ExpertChoice --config.network.moe_options.top_k=2
    acme-moe check gap --kind=dense

A part of the library goes by its name, and --kind says what it is. The part is checked
by itself, with inputs as it has them in the network of --config; its cost is that of
the whole network, beside the one with a part of the library in its place. What is asked
of it stands in acme_moe/networks/interfaces.py.
"""

import sys
from collections.abc import Sequence

from absl import flags

from acme_moe.cli.console import fail, parse_flags

_KINDS = ["encoder", "tokenizer", "dense", "moe", "head", "loss"]


def main(argv: Sequence[str] | None = None) -> int:
    """Checks, prints a table, and returns 1 if something fails."""
    kind_flag = flags.DEFINE_enum(
        "kind",
        None,
        _KINDS,
        "What the part is, where its parameters do not tell, or a name of the library.",
    )
    config_flag = flags.DEFINE_string(
        "config", "dqn_atari", "Of a run whose network it stands in; see train."
    )
    workdir = flags.DEFINE_string(
        "workdir", None, "Folder of a run whose network it is, in place of --config."
    )
    program, *rest = parse_flags(argv, __doc__, known_only=True)
    if not rest or rest[0].startswith("-"):
        fail("part: is missing; its import path, such as my_package.routing:Mine")
    path, *fields = rest
    source = config_flag.value
    if workdir.value is not None:
        source = f"{workdir.value}/config.json"

    from acme_moe import registry
    from acme_moe.cli import run_flags
    from acme_moe.networks import checking
    from acme_moe.runs import config as config_lib

    try:
        kind = kind_flag.value
        if registry.is_path(path):
            kind = kind or checking.infer_kind(registry.load(path))
        if kind is None:
            fail(f"--kind: is missing; one of {', '.join(_KINDS)}")
        field = "loss" if kind == "loss" else f"network.{kind}"
        # Where a layer without a mixture is checked, there is none.
        without = ["--config.network.moe=none"] if kind == "dense" else []
        config = run_flags.set_fields(
            config_lib.load_config(source),
            [program, *without, f"--config.{field}={path}", *fields],
        )
        spec = config_lib.from_config_dict(config)
    except (ImportError, ValueError) as error:
        fail(error)
    print(f"{path}, {kind} of a network of {source}")
    failures = 0
    for result in checking.check(kind, path, spec.agent.network):
        failures += result.outcome == "FAILED"
        print(f"{result.outcome:<7} {result.name:<26} {result.detail}", flush=True)
    print("all is as it should be" if not failures else f"failed: {failures}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
