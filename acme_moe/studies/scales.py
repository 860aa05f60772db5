"""The sizes at which a study is run: the paper's, and two that end sooner."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """A size of a study: what is cut from it.

    Attributes:
      name: its name.
      games: games of the study that are kept; None keeps all.
      num_seeds: the most seeds that are kept; None keeps the study's number.
      online: settings of runs that act, over the study's own.
      offline: settings of runs that learn from fixed data.
      if_set: settings that replace the study's own; those that it does not set are
        left out.
      recording: settings, added to `online`, of the runs that record data for offline
        runs if no data are given.
    """

    name: str
    games: tuple[str, ...] | None = None
    num_seeds: int | None = None
    online: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    offline: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    if_set: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    recording: Mapping[str, Any] | None = None


# The kinds of layers and numbers of experts stay, their sizes shrink; games are cut off
# after 50 agent steps. Shows that a study runs, and nothing about its question.
_TINY = {
    "network.impala_width": 0.25,
    "network.expert_width": 16,
    "batch_size": 8,
    "evaluation_episodes": 1,
    "environment.max_episode_steps": 50,
}

SCALES = {
    scale.name: scale
    for scale in (
        Scale(
            name="smoke",
            games=("Asterix",),
            num_seeds=1,
            online={
                **_TINY,
                "max_agent_steps": 160,
                "min_replay_size": 60,
                "max_replay_size": 1_000,
                "epsilon_decay_steps": 100,
                "evaluation_every": 80,
                "final_evaluation_episodes": 1,
            },
            offline={**_TINY, "num_iterations": 2, "updates_per_iteration": 10},
            if_set={
                "diagnostics.every": 80,
                "pruning.start": 20,
                "pruning.end": 80,
                "pruning.period": 4,
            },
            recording={"max_agent_steps": 400},
        ),
        Scale(
            name="small",
            games=("Asterix", "Breakout", "Pong", "SpaceInvaders"),
            num_seeds=2,
            online={
                "max_agent_steps": 100_000,
                "min_replay_size": 2_000,
                "max_replay_size": 100_000,
                "epsilon_decay_steps": 10_000,
                "evaluation_every": 10_000,
                "final_evaluation_episodes": 30,
            },
            offline={"num_iterations": 10, "updates_per_iteration": 2_500},
            if_set={
                "diagnostics.every": 10_000,
                "pruning.start": 20_000,
                "pruning.end": 80_000,
                "pruning.period": 400,
            },
            recording={"max_agent_steps": 200_000, "max_replay_size": 200_000},
        ),
        Scale(name="paper"),
    )
}
"""By name: `smoke`, `small` and `paper`, which changes nothing."""
