"""Checks of an agent: whether a run can train, save, load and resume it.

It plays bsuite's Catch for some steps, with the network and the batch size of its
settings, and with a warm-up of about one batch. What it has to provide is described in
`acme_moe.agents.Agent`, `acme_moe.agents.config` and `acme_moe.agents.builder`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from acme_moe import agents, diagnostics, learning
from acme_moe.agents import acting
from acme_moe.agents.config import AgentConfig, OnlineAgentConfig
from acme_moe.checks import Result, attempt, require
from acme_moe.learning import objectives
from acme_moe.networks.outputs import map_examples
from acme_moe.runs.assembly import make_environment, params_spec
from acme_moe.runs.check_session import Session, on_catch
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.config import config_json, from_config_dict
from acme_moe.runs.episodes import evaluate
from acme_moe.runs.run_config import OfflineRunConfig, OnlineRunConfig
from acme_moe.runs.spec import RunSpec
from acme_moe.runs.state import RunState

# Agent steps on Catch, beyond those that an agent's first item takes.
_STEPS = 120
_OFFLINE_METHODS = ("make_network", "make_policy", "make_actor", "make_learner")
_ONLINE_METHODS = (
    *("make_replay_tables", "make_dataset_iterator", "make_adder"),
    "make_vector_actor",
)
_TOLERANCE = 1e-5


def check(agent: str, make_spec: Callable[[], RunSpec]) -> Iterator[Result]:
    """Checks an agent.

    Args:
      agent: the import path of an `acme_moe.agents.Agent`, or a name.
      make_spec: makes a run of the agent; called once its class of settings has
        passed.

    Yields:
      Results, in turn, up to a failure after which further checks make no sense.
    """
    made: list[Any] = []
    yield (result := attempt("settings", lambda: _settings(agent, make_spec, made)))
    if result.failed:
        return
    with contextlib.ExitStack() as stack:
        yield (result := attempt("builder", lambda: _builder(agent, made, stack)))
        if result.failed:
            return
        _, session = made
        for name, one in (
            ("network", _network),
            ("acting and items", _items),
            ("finite loss", _finite_loss),
            ("mixture's losses", _mixture_losses),
            ("parameters are trained", _trained),
            ("compiled once", _compiled_once),
            ("checkpoint", _checkpoint),
            ("evaluation", _evaluation),
            ("diagnostics", _diagnostics),
        ):
            yield (result := attempt(name, functools.partial(one, session)))
            if result.failed and one in (_items, _finite_loss):
                return
        yield attempt("cost", lambda: _cost(session), "note")


def _settings(agent: str, make_spec: Callable[[], RunSpec], made: list[Any]) -> str:
    """Checks the class of settings; appends a run on Catch with them to `made`."""
    settings = agents.config_class(agent)
    require(
        "__dataclass_fields__" in vars(settings),
        f"{settings.__name__} is not decorated as a dataclass",
    )
    base: type[Any] = AgentConfig
    run: type[Any] = OfflineRunConfig
    if issubclass(settings, OnlineAgentConfig):
        base, run = OnlineAgentConfig, OnlineRunConfig
    names, inherited, of_runs = (
        {field.name for field in dataclasses.fields(x)} for x in (settings, base, run)
    )
    both = ", ".join(sorted(names & of_runs))
    require(not both, f"fields that a run has already: {both}")
    spec = make_spec()
    again = from_config_dict(json.loads(config_json(spec)))
    require(again == spec, "config.json does not give them back as they were")
    made.append(on_catch(spec))
    own = ", ".join(sorted(names - inherited)) or "none"
    return f"{len(names)} fields; of its own: {own}"


def _builder(agent: str, made: list[Any], stack: contextlib.ExitStack) -> str:
    """Checks a builder's methods and items; appends a session with it to `made`."""
    (spec,) = made
    builder = agents.load_builder(agent, spec.agent)
    online = isinstance(spec.agent, OnlineAgentConfig)
    methods = _OFFLINE_METHODS + _ONLINE_METHODS * online
    missing = [name for name in methods if not callable(getattr(builder, name, None))]
    require(not missing, f"it has no {', '.join(missing)}")
    items = getattr(builder, "items", None)
    require(hasattr(items, "batch_type"), "its items have no batch_type")
    made.append(Session(spec, builder, stack))
    return f"{type(builder).__name__}, of {type(items).__name__.lower()}"


def _network(session: Session) -> str:
    environment_spec = session.parts.environment_spec
    own = session.spec.agent.make_network(environment_spec.actions.num_values)
    builders, settings = (
        params_spec(network, environment_spec.observations)
        for network in (session.parts.network, own)
    )
    require(
        builders == settings,
        "the builder's make_network has other parameters than the settings' "
        "make_network, which acme_moe.load and acme-moe watch call",
    )
    count = sum(math.prod(x.shape) for x in jax.tree.leaves(builders))
    return f"{count:,} parameters"


def _items(session: Session) -> str:
    settings = session.spec.agent
    session.connect()
    first = getattr(settings, "steps_to_first_item", settings.n_step)
    steps = first + _STEPS
    episodes = sum(len(session.loop.step()) for _ in range(steps))
    count = session.stored()
    require(count > 0, f"nothing in replay after {steps} steps, {episodes} episodes")
    sample = next(session.batches)
    require(isinstance(sample, learning.Sample), f"{type(sample).__name__}, no Sample")
    session.batches.held = sample
    size = settings.batch_size * settings.sgd_steps_per_call
    for path, leaf in jax.tree_util.tree_leaves_with_path(sample.transitions):
        name = jax.tree_util.keystr(path)
        require(leaf.shape[:1] == (size,), f"{name} is {leaf.shape} of {size} items")
        require(bool(np.isfinite(leaf).all()), f"{name} is not finite")
    return f"{count} of {steps} steps, {episodes} episodes of Catch"


def _finite_loss(session: Session) -> str:
    session.learner.step()
    session.learner.check()
    loss = session.learner.loss
    session.learner.save()
    return f"{loss:.3g} at the first update"


def _mixture_losses(session: Session) -> str:
    """Checks that the objective adds what the mixture of its network adds to a loss."""
    network, config = session.parts.network, session.spec.agent.network

    def added(params: Any, observation: Any, key: jax.Array) -> dict[str, jax.Array]:
        state = acting.initial_state(network, key)
        decision = acting.decide(
            network, params, 0.0, observation, state, evaluation=False
        )
        batch = map_examples(lambda x: x[None], decision.output)
        return objectives.mixture_losses(config, batch, key)

    names = jax.eval_shape(
        added,
        session.learner.state.params,
        session.parts.environment_spec.observations,
        jax.random.PRNGKey(0),
    )
    logged = {name for row in session.logger.data for name in row}
    missing = [name for name in names if name not in logged]
    require(
        not missing,
        f"the objective's metrics lack {', '.join(missing)}, which "
        "learning.add_mixture_losses adds to them and to the loss",
    )
    return ", ".join(names) or "none in this network"


def _trained(session: Session) -> str:
    before = session.learner.save()
    session.learner.step()
    after = session.learner.save()
    per_call = session.spec.agent.sgd_steps_per_call
    taken = int(after.steps) - int(before.steps)
    require(taken == per_call, f"an update counts {taken} steps, not {per_call}")
    moved = [
        bool(np.any(one != other))
        for one, other in zip(
            jax.tree.leaves(before.params), jax.tree.leaves(after.params), strict=True
        )
    ]
    require(any(moved), "an update changes none of them")
    return f"{sum(moved)} of {len(moved)} arrays change in an update"


def _compiled_once(session: Session) -> str:
    lowered = _lowered()
    learner = session.learner
    session.batches.held = None
    for updates in (2, 4):
        before = len(lowered)
        for _ in range(updates):
            learner.step()
            session.loop.step()
            session.actor.update(wait=True)
    learner.check()
    compiled = len(lowered) - before
    require(not compiled, f"{compiled} programs more in updates 5 to 8")
    return "in 8 updates and as many actions"


@functools.cache
def _lowered() -> list[str]:
    """Returns a list that grows by an entry for each program that is compiled."""
    found: list[str] = []

    def listen(event: str, duration_secs: float, **_: Any) -> None:
        del duration_secs
        # Recorded before JAX looks in its cache, so cached programs count too.
        if event == "/jax/core/compile/jaxpr_to_mlir_module_duration":
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return found


def _checkpoint(session: Session) -> str:
    one, batches = session.learner, session.batches
    batches.held = next(batches)
    other = session.make_learner(seed=1)
    saved = one.save()
    counts = dataclasses.asdict(RunState(learner_steps=int(saved.steps)))
    with tempfile.TemporaryDirectory() as folder:
        found = Checkpoints(Path(folder), kept=1).save(1, saved, counts, [])
        other.restore(found.load_state(other.save()))
    _require_same(saved, other.save(), "what is restored is not what was saved")
    one.step()
    other.step()
    _require_same(
        one.save().params,
        other.save().params,
        "the update after it is another: something that counts is not in the state",
    )
    return "a learner that is restored goes on as the one that was saved"


def _require_same(one: Any, other: Any, problem: str) -> None:
    far = [
        float(np.max(np.abs(np.asarray(x, np.float64) - np.asarray(y, np.float64))))
        for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
        if np.size(x)
    ]
    require(max(far) <= _TOLERANCE, f"{problem} (by {max(far):.1e})")


def _evaluation(session: Session) -> str:
    evaluator = session.parts.make_evaluator(jax.random.PRNGKey(2), session.learner)
    environment = make_environment(session.spec, 1, evaluation=True)
    with contextlib.closing(environment):
        results = evaluate(environment, evaluator, 5)
    mean = np.mean([result.episode_return for result in results])
    return f"5 episodes, mean return {mean:g}"


def _diagnostics(session: Session) -> str:
    if not callable(getattr(session.parts.builder, "make_diagnostics", None)):
        return "none: runs of it cannot have diagnostics.every"
    measure = session.parts.builder.make_diagnostics(
        session.parts.network,
        session.parts.environment_spec,
        diagnostics.DiagnosticsConfig(),
    )
    state, sample = session.learner.state, next(session.batches)
    values = jax.eval_shape(
        measure,
        state.params,
        state.target_params,
        jax.random.PRNGKey(3),
        sample.transitions,
        sample.probabilities,
    )
    wrong = [name for name, value in values.items() if value.shape]
    require(not wrong, f"more than one number: {', '.join(wrong)}")
    return f"{len(values)} numbers"


def _cost(session: Session) -> str:
    learner, seconds = session.learner, []
    for _ in range(5):
        start = time.perf_counter()
        learner.step()
        jax.block_until_ready(learner.state)
        seconds.append(time.perf_counter() - start)
    agent = session.spec.agent
    return (
        f"{min(seconds) * 1e3:.0f} ms for a call of {agent.sgd_steps_per_call} updates "
        f"of {agent.batch_size} items, on Catch"
    )
