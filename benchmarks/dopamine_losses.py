"""Gradient steps of dopamine-rl's agents on given batches.

The worker that `benchmarks/losses.py` starts, in an interpreter which has dopamine-rl
4.1.2, flax, chex, gin-config, optax and the same JAX. For a request
`{"agent": ..., "moe": ..., "batches": FILE, "steps": FILE, ...}` it takes a step of the
release's own `train` on each of the batches, and writes the losses and the parameters
before and after, under their Flax names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from dopamine_process import serve
from dopamine_release import ENCODERS, MOES


def make_train(request: Mapping[str, Any]) -> tuple[Callable[..., Any], Any]:
    """Returns a training step, and the parameters and optimiser state to start from.

    The step is called with `(params, target_params, optimizer_state, rng, batch)`.
    """
    import jax
    import jax.numpy as jnp
    import optax
    from dopamine.labs.moes.agents import dqn_moe_agent, full_rainbow_moe_agent
    from dopamine.labs.moes.architectures import networks

    settings = {
        "num_actions": request["num_actions"],
        "num_experts": request["num_experts"],
        "expert_hidden_units": request["hidden"],
        "moe_type": MOES[request["moe"]],
        "nn_scale": 1,
    }
    encoder = ENCODERS[request["encoder"]]
    optimizer = optax.adam(request["learning_rate"], eps=request["adam_epsilon"])
    discount = request["cumulative_discount"]
    image = np.zeros(request["image"], np.uint8)
    key = jax.random.PRNGKey(0)
    network: Any
    if request["agent"] == "dqn":
        kinds = {"IMPALA": networks.ImpalaMoE, "CNN": networks.NatureDQNMoE}
        network = kinds[encoder](**settings)
        params = network.init(key, x=image, key=key)

        def train(params: Any, target: Any, state: Any, rng: Any, batch: Any) -> Any:
            return dqn_moe_agent.train(
                *(network, params, target, optimizer, state),
                *(batch["states"], batch["actions"], batch["next_states"]),
                *(batch["rewards"], batch["terminals"], discount, rng),
                *(False, False),
            )

    else:
        network = networks.FullRainbowMoENetwork(
            num_atoms=request["num_atoms"],
            noisy=False,
            encoder_type=encoder,
            **settings,
        )
        support = jnp.linspace(-request["vmax"], request["vmax"], request["num_atoms"])
        params = network.init(key, image, support=support, key=key)

        def train(params: Any, target: Any, state: Any, rng: Any, batch: Any) -> Any:
            return full_rainbow_moe_agent.train(
                *(network, params, target, optimizer, state),
                *(batch["states"], batch["actions"], batch["next_states"]),
                *(batch["rewards"], batch["terminals"], batch["loss_weights"]),
                *(support, discount, True, True, False, rng, False, False),
            )

    return train, (params, optimizer.init(params))


def take_steps(request: Mapping[str, Any]) -> None:
    """Takes the steps; writes the losses, and the parameters before and after."""
    import jax
    from flax import traverse_util

    with np.load(request["batches"]) as file:
        batches = dict(file)
    train, (params, state) = make_train(request)
    first, target, rng = params, params, jax.random.PRNGKey(1)
    losses = []
    for index in range(len(batches["actions"])):
        batch = {name: array[index] for name, array in batches.items()}
        result = train(params, target, state, rng, batch)
        params, state = result["online_params"], result["optimizer_state"]
        rng = result["rng"]
        losses.append(float(result["combined_loss"]))
        if (index + 1) % request["target_update_period"] == 0:
            target = params
    arrays = {"losses": np.array(losses)}
    for prefix, tree in (
        ("params", first),
        ("target_params", first),
        ("params_after", params),
    ):
        leaves = traverse_util.flatten_dict(tree["params"], sep="/")
        arrays |= {f"{prefix}/{name}": np.asarray(x) for name, x in leaves.items()}
    np.savez(request["steps"], **arrays)


if __name__ == "__main__":
    serve(take_steps)
