"""Checks a part of a network, a loss, an agent or an environment.

    acme-moe check my_package.routing:ExpertChoice --config.network.moe_options.top_k=2
    acme-moe check my_package.agents:MY_AGENT --config.network.encoder=nature_cnn
    acme-moe check my_package.games:corridor --config.environment.length=7
    acme-moe check gap --kind=dense

A part of the library is given by its name, with --kind. A part of a network is checked
alone, with inputs as it gets them in the network of --config; the cost that is shown is
that of the whole network, next to the cost with a part of the library in its place. An
agent plays bsuite's Catch and learns from it; an environment is played at random. What
they have to provide is described in acme_moe/networks/interfaces.py,
acme_moe/agents/__init__.py and acme_moe/environments/suite.py.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from acme_moe.cli.console import fail, parse_flags, show

if TYPE_CHECKING:
    from acme_moe.checks import Result
    from acme_moe.runs.spec import RunSpec

_PARTS = ("encoder", "tokenizer", "dense", "moe", "head")
_FIELDS = {
    **{kind: f"network.{kind}" for kind in _PARTS},
    "loss": "loss",
    "agent": "agent",
    "environment": "environment.name",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Checks, prints a table, and returns 1 if something fails."""
    kind_flag = flags.DEFINE_enum(
        "kind",
        None,
        list(_FIELDS),
        "What is checked; needed for names of the library, and for whatever does not "
        "show it by its parameters.",
    )
    config_flag = flags.DEFINE_string(
        "config",
        None,
        "The run in which it is used, as for train; without it dqn_atari, for an agent "
        "its own defaults.",
    )
    workdir = flags.DEFINE_string(
        "workdir", None, "Folder of a run whose config is used, in place of --config."
    )
    program, *rest = parse_flags(argv, __doc__, known_only=True)
    paths = [word for word in rest if not word.startswith("-")]
    if len(paths) != 1:
        fail(
            f"part: {' '.join(paths) or 'nothing'!r} is not accepted; one import path, "
            "such as my_package.routing:Mine, and fields as --config.FIELD=VALUE"
        )
    (path,) = paths
    fields = [word for word in rest if word != path]
    source = config_flag.value
    if workdir.value is not None:
        source = f"{workdir.value}/config.json"

    from acme_moe import loss_settings, registry
    from acme_moe.cli import config_fields
    from acme_moe.runs import config as config_lib

    def make_spec() -> RunSpec:
        if source is not None:
            config = config_lib.load_config(source)
        elif kind == "agent":
            defaults = config_lib.from_config_dict({"agent": path})
            config = config_lib.to_config_dict(defaults)
        else:
            config = config_lib.load_config("dqn_atari")
        named = [f"--config.{_FIELDS[kind]}={path}"]
        if kind == "dense":
            # It is there only where there is no mixture.
            named.append("--config.network.moe=none")
        # A loss of categories needs some; as many as C51 has.
        without_atoms = kind == "loss" and config.network.num_atoms is None
        if without_atoms and loss_settings.is_classification(path):
            named.append("--config.network.num_atoms=51")
        config = config_fields.set_fields(config, [program, *named, *fields])
        return config_lib.from_config_dict(config)

    try:
        kind = kind_flag.value or ""
        if registry.is_path(path):
            kind = kind or _infer_kind(registry.load(path)) or ""
        if not kind:
            fail(f"--kind: is missing; one of {', '.join(_FIELDS)}")
        # An agent's settings are checked before they are used.
        spec = None if kind == "agent" else make_spec()
        results = _check(kind, path, spec, make_spec)
    except (ImportError, ValueError) as error:
        fail(error)
    show(f"{path}, {kind} of a run" + (f" of {source}" if source else ""))
    failures = 0
    for result in results:
        failures += result.failed
        show(f"{result.outcome:<7} {result.name:<26} {result.detail}")
    show("all is as it should be" if not failures else f"failed: {failures}")
    return 1 if failures else 0


def _infer_kind(what: Any) -> str | None:
    """Returns the kind of what an import path names; None if that does not tell."""
    from acme_moe.agents import Agent
    from acme_moe.environments.suite import Suite
    from acme_moe.networks import check_part

    if isinstance(what, Agent):
        return "agent"
    if isinstance(what, Suite):
        return "environment"
    if not callable(what):
        return None
    names = list(inspect.signature(what).parameters)
    if names[:2] == ["game", "seed"]:
        return "environment"
    return check_part.infer_kind(what)


def _check(
    kind: str, path: str, spec: RunSpec | None, make_spec: Callable[[], RunSpec]
) -> Iterator[Result]:
    """Yields the results of the checks of a kind."""
    if spec is None:
        from acme_moe.runs import check_agent

        return check_agent.check(path, make_spec)
    if kind == "environment":
        from acme_moe.runs import check_environment

        return check_environment.check(spec)
    from acme_moe import loss_settings
    from acme_moe.networks import check_part

    network = spec.agent.network
    if kind == "loss":
        options = getattr(spec.agent, "loss_options", loss_settings.NO_OPTIONS)
        return check_part.check(kind, path, network, loss_options=options)

    from acme_moe.runs.assembly import environment_spec

    environments = environment_spec(spec)
    observations: Any = environments.observations
    if spec.agent.wants_action_and_reward:
        observations = observations.observation
    return check_part.check(
        kind,
        path,
        network,
        check_part.observation_shape(network, observations),
        environments.actions.num_values,
    )


if __name__ == "__main__":
    sys.exit(main())
