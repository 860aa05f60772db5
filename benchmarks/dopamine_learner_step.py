"""One training step of dopamine-rl's Rainbow with a mixture of experts, timed.

The worker that `benchmarks/learner_step.py` starts, in an interpreter which has
dopamine-rl 4.1.2, flax, gin-config, optax and the same JAX. A request is
`{"encoder": ..., "moe": ..., ...}`, its answer the seconds of each step.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from dopamine_process import serve
from dopamine_release import ENCODERS, MOES


@functools.cache
def make_step(
    encoder: str, actions: int, moe: str, experts: int, batch: int
) -> Callable[[], None]:
    """Returns a function that takes a step and waits for it."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from dopamine.labs.moes.agents import full_rainbow_moe_agent
    from dopamine.labs.moes.architectures import networks

    network = networks.FullRainbowMoENetwork(
        num_actions=actions,
        num_atoms=51,
        num_experts=experts,
        moe_type=MOES[moe],
        scale_hidden_layer=moe == "wide",
        encoder_type=ENCODERS[encoder],
        nn_scale=1,  # Not its default 1.0, which makes a float of Impala's channels.
    )
    rng = np.random.default_rng(0)
    support = jnp.linspace(-10.0, 10.0, 51)
    states, next_states = (
        rng.integers(0, 256, (batch, 84, 84, 4), np.uint8) for _ in range(2)
    )
    key = jax.random.PRNGKey(0)
    params = network.init(key, states[0], support=support, key=key)
    optimizer = optax.adam(6.25e-5, eps=1.5e-4)
    carried = {
        "online_params": params,
        "optimizer_state": optimizer.init(params),
        "rng": key,
    }

    def step() -> None:
        nonlocal carried
        result = full_rainbow_moe_agent.train(
            network,
            carried["online_params"],
            params,
            optimizer,
            carried["optimizer_state"],
            states,
            rng.integers(0, actions, batch),
            next_states,
            rng.normal(size=batch).astype(np.float32),
            np.zeros(batch, np.float32),
            np.ones(batch, np.float32),
            support,
            0.99**3,
            True,
            True,
            False,
            carried["rng"],
            False,
            False,
        )
        jax.block_until_ready(result["online_params"])
        # Priorities come back to the host, as dopamine's agent has them.
        np.sqrt(np.asarray(result["td_loss"]) + 1e-10)
        carried = {name: result[name] for name in carried}

    return step


def take_steps(request: Mapping[str, Any]) -> list[float]:
    """Returns the seconds of each step; none where dopamine cannot take them."""
    seconds = []
    try:
        step = make_step(
            *(request["encoder"], request["actions"], request["moe"]),
            *(request["experts"], request["batch"]),
        )
        for _ in range(request["steps"]):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
    except UnboundLocalError as error:
        # 4.1.2's dense Rainbow uses a variable that only its mixtures set.
        print(f"dopamine cannot run {request['moe']}: {error}", file=sys.stderr)
    return seconds


if __name__ == "__main__":
    serve(take_steps)
