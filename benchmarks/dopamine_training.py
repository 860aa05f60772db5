"""dopamine-rl's Rainbow with Soft MoE, playing and learning.

The worker that `benchmarks/training.py` starts, in an interpreter which has dopamine-rl
4.1.2, flax, gin-config, optax, gymnasium, ale-py, opencv and snappy. A request
`{"encoder": ..., "game": ..., "steps": ...}` is answered after as many agent steps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from dopamine_process import serve
from dopamine_release import ENCODERS


@functools.cache
def make_agent(encoder: str, game: str) -> Callable[[], None]:
    """Returns a function that takes an agent step, with an update at every fourth."""
    from dopamine.discrete_domains import atari_lib
    from dopamine.labs.moes.agents import full_rainbow_moe_agent
    from dopamine.labs.moes.architectures import networks  # noqa: F401 - gin's names

    environment = atari_lib.create_atari_environment(game, sticky_actions=True)
    # gin is what gives these two their settings in dopamine.
    import gin

    gin.parse_config(
        f"""
        JaxFullRainbowAgent.network = @FullRainbowMoENetwork
        JaxFullRainbowAgent.num_updates_per_train_step = 1
        FullRainbowMoENetwork.moe_type = 'SOFTMOE'
        FullRainbowMoENetwork.num_experts = 8
        FullRainbowMoENetwork.encoder_type = '{ENCODERS[encoder]}'
        FullRainbowMoENetwork.nn_scale = 1
        JaxDQNAgent.min_replay_history = 200
        JaxDQNAgent.update_period = 4
        JaxDQNAgent.update_horizon = 3
        PrioritizedSamplingDistribution.max_capacity = 20000
        ReplayBuffer.max_capacity = 20000
        ReplayBuffer.batch_size = 32
        """
    )
    agent: Any = full_rainbow_moe_agent.JaxFullRainbowMoEAgent(
        num_actions=environment.action_space.n
    )
    action = agent.begin_episode(environment.reset())

    def step() -> None:
        nonlocal action
        observation, reward, over, _ = environment.step(action)
        if over:
            agent.end_episode(reward)
            action = agent.begin_episode(environment.reset())
        else:
            action = agent.step(reward, observation)

    return step


def play(request: Mapping[str, Any]) -> None:
    """Takes the agent steps that are asked for."""
    step = make_agent(request["encoder"], request["game"])
    for _ in range(request["steps"]):
        step()


if __name__ == "__main__":
    serve(play)
