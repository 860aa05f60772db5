"""A search for the settings of DQN with a Soft MoE on MinAtar.

    acme-moe search --search=examples/search_minatar.py --scale=small \
        --workdir=runs/search --trials=30 --parallel=2

This needs the extra `optuna`. To search for other settings, change `suggest`; settings
have the same names there as on the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acme_moe.studies import catalogue
from acme_moe.studies.search import Search

if TYPE_CHECKING:
    import optuna


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Returns the settings that a trial takes."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True),
        "network.num_experts": trial.suggest_categorical("num_experts", [2, 4, 8]),
        "network.capacity_factor": trial.suggest_float("capacity_factor", 0.5, 2.0),
    }


def get_search() -> Search:
    """Returns the search."""
    return Search(
        name="soft_moe_on_minatar",
        agent=catalogue.DQN_MINATAR,
        suggest=suggest,
        games=("Breakout", "Freeway"),
        num_seeds=2,
        settings={"network.moe": "soft"},
    )
