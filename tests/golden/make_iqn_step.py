"""Makes `iqn_step.npz`: a training step of dopamine's implicit quantile agent.

Run with an interpreter that has dopamine-rl 4.1.2:

    python tests/golden/make_iqn_step.py tests/golden/iqn_step.npz

The parameters are not in the file, which would be most of it: `draw` makes them, there
and in the test, by dopamine's names. The file has a batch, the levels that dopamine
drew for it, the Q-values of the states at those levels, the loss, and how far a step of
plain gradient descent with a rate of 1 moves two arrays.
"""

import pathlib
import sys
from collections.abc import Mapping, Sequence

import numpy as np

SIZE, ACTIONS, BATCH, QUANTILES, EMBEDDING, GAMMA = 16, 3, 4, 5, 6, 0.9
SHAPES: Mapping[str, tuple[int, ...]] = {
    "Conv_0/kernel": (8, 8, 4, 32),
    "Conv_0/bias": (32,),
    "Conv_1/kernel": (4, 4, 32, 64),
    "Conv_1/bias": (64,),
    "Conv_2/kernel": (3, 3, 64, 64),
    "Conv_2/bias": (64,),
    "Dense_0/kernel": (EMBEDDING, 256),
    "Dense_0/bias": (256,),
    "Dense_1/kernel": (256, 512),
    "Dense_1/bias": (512,),
    "Dense_2/kernel": (512, ACTIONS),
    "Dense_2/bias": (ACTIONS,),
}


def draw(seed: int) -> dict[str, np.ndarray]:
    """Draws parameters, uniform with the variance of a layer's inputs."""
    rng = np.random.default_rng(seed)
    return {
        name: scale * (2 * rng.random(shape) - 1).astype(np.float32)
        for name, shape in SHAPES.items()
        for scale in (np.float32(1.7 / np.sqrt(np.prod(shape[:-1]) or 1) / 2),)
    }


def nested(flat: Mapping[str, np.ndarray]) -> dict[str, dict[str, dict[str, object]]]:
    """Returns parameters as Flax nests them."""
    params: dict[str, dict[str, object]] = {}
    for name, value in flat.items():
        layer, array = name.split("/")
        params.setdefault(layer, {})[array] = value
    return {"params": params}


def main(path: pathlib.Path) -> None:
    """Writes the file."""
    # What dopamine needs for Atari alone.
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))
    import dopamine_release

    sys.meta_path.insert(0, dopamine_release.StandIns())

    import jax
    import optax
    from dopamine.jax import networks
    from dopamine.jax.agents.implicit_quantile import implicit_quantile_agent as agent

    network = networks.ImplicitQuantileNetwork(ACTIONS, EMBEDDING)
    online, target = nested(draw(0)), nested(draw(1))
    rng = np.random.default_rng(2)
    states, next_states = (
        rng.integers(0, 256, (BATCH, SIZE, SIZE, 4)).astype(np.uint8) for _ in range(2)
    )
    actions = rng.integers(0, ACTIONS, BATCH).astype(np.int32)
    rewards = rng.choice([-1.0, 0.0, 1.0], BATCH).astype(np.float32)
    terminals = np.array([0, 1, 0, 0], np.uint8)
    key = jax.random.PRNGKey(3)
    optimizer = optax.sgd(1.0)
    _, _, moved, loss = agent.train(
        *(network, online, target, optimizer, optimizer.init(online)),
        *(states, actions, next_states, rewards, terminals),
        *(QUANTILES, QUANTILES, QUANTILES, GAMMA, False, 1.0, key),
    )

    # As `train` splits its key.
    key, target_key = jax.random.split(key)
    _, online_key = jax.random.split(key)
    arrays = {}

    def levels(keys: Sequence[jax.Array]) -> np.ndarray:
        drawn = [jax.random.uniform(k, [QUANTILES, 1])[:, 0] for k in keys]
        return np.stack(drawn)

    online_keys = jax.random.split(online_key, BATCH)
    selector, evaluator = [], []
    for one in jax.random.split(target_key, BATCH):
        _, first, second = jax.random.split(one, 3)
        selector.append(first)
        evaluator.append(second)
    arrays["levels"] = levels(online_keys)
    arrays["selector_levels"] = levels(selector)
    arrays["target_levels"] = levels(evaluator)
    outputs = [
        network.apply(online, state, num_quantiles=QUANTILES, rng=k)
        for state, k in zip(states, online_keys, strict=True)
    ]
    np.testing.assert_array_equal(
        arrays["levels"], np.stack([x.quantiles[:, 0] for x in outputs])
    )
    arrays["quantile_values"] = np.stack([x.quantile_values for x in outputs])
    for name in ("Dense_0/bias", "Dense_2/kernel"):
        layer, array = name.split("/")
        before = online["params"][layer][array]
        arrays[f"moved/{name}"] = moved["params"][layer][array] - before
    np.savez_compressed(
        path,
        states=states,
        actions=actions,
        next_states=next_states,
        rewards=rewards,
        terminals=terminals,
        loss=loss,
        **arrays,
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
