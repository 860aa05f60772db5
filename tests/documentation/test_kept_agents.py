"""The trained agents that are kept with the results can be loaded and played."""

import pytest

import acme_moe
from acme_moe.runs.trained import find_checkpoint
from tests.programs import ROOT

AGENTS = ROOT / "docs" / "results" / "minatar" / "agents"
ARMS = (
    "dqn-baseline",
    "dqn-soft_moe",
    "dqn-gap",
    "dqn-mean_over_tokens",
    "dqn-soft_moe_1_expert",
    "dqn-top1_moe",
    "dqn-soft_moe_epsilon_1e_8",
)


def test_each_is_whole_and_says_how_it_was_evaluated():
    agents = sorted(AGENTS.glob("*/*"))
    assert {path.parent.name for path in agents} == set(ARMS)
    assert len(agents) == len(ARMS) * 5
    for path in agents:
        spec, checkpoint = find_checkpoint(path)
        assert spec.run.game == path.name
        assert checkpoint.counts["agent_steps"] == spec.run.max_agent_steps == 500_000
        assert checkpoint.counts["evaluation_return_mean"] > 0


# A random player scores 2.6 and 0.4 on average, of 20 games.
CHANCE = {"SpaceInvaders": 8, "Asterix": 4}


@pytest.mark.parametrize("arm", ARMS)
def test_one_of_each_arm_plays_better_than_chance(arm):
    # Top1-MoE's first seed has not learnt SpaceInvaders.
    game = "Asterix" if arm == "dqn-top1_moe" else "SpaceInvaders"
    agent = acme_moe.load(AGENTS / arm / game, seed=1)
    environment = agent.make_environment(seed=1)
    timestep, total = environment.reset(), 0.0
    for _ in range(600):
        timestep = environment.step(agent.act(timestep.observation))
        total += timestep.reward
        # No reward of these games is negative.
        if total > CHANCE[game] or timestep.last():
            break
    assert total > CHANCE[game]
