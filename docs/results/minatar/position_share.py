"""Prints how much of what Soft MoE gives the head differs by the token's position.

The head reads a vector of 16 for each of 64 tokens. If the layer were a mean over the
feature map, the 64 would be the same. Printed is the share of the variance over
observations that is left when the mean of the 64 is taken away; 0 for a mean.

    python docs/results/minatar/position_share.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import acme_moe

_AGENTS = Path(__file__).parent / "agents"
_NUM_TOKENS = 64
_OBSERVATIONS = 300


def _features(agent: acme_moe.TrainedAgent, *, greedy: bool) -> Iterator[np.ndarray]:
    """Yields `[tokens, D]` for each of the first observations of games."""
    environment = agent.make_environment(seed=1)
    draw = np.random.default_rng(1)
    timestep = environment.reset()
    for _ in range(_OBSERVATIONS):
        choice = agent.choose(timestep.observation)
        yield choice.features.reshape(_NUM_TOKENS, -1)
        random = int(draw.integers(len(choice.q_values)))
        timestep = environment.step(choice.action if greedy else random)


def _share(features: np.ndarray) -> float:
    """Computes the share of `[observations, tokens, D]` that differs by position."""
    varying = features - features.mean(axis=0)
    return 1 - _NUM_TOKENS * np.sum(varying.mean(axis=1) ** 2) / np.sum(varying**2)


def main() -> None:
    """Prints a row for each agent: random play, and its own."""
    for arm in ("dqn-soft_moe", "dqn-soft_moe_epsilon_1e_8"):
        for path in sorted((_AGENTS / arm).iterdir()):
            agent = acme_moe.load(path)
            shares = (
                _share(np.stack(list(_features(agent, greedy=greedy))))
                for greedy in (False, True)
            )
            print(arm, path.name, *(f"{share:.2f}" for share in shares))


if __name__ == "__main__":
    main()
