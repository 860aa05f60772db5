"""A search: which settings of an agent are tried, and the runs that try them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acme_moe import fields, files, validation
from acme_moe.studies.plan import make_plan
from acme_moe.studies.planned_runs import PlannedRun, expand
from acme_moe.studies.scales import Scale
from acme_moe.studies.study import Arm, Study, StudyAgent

if TYPE_CHECKING:
    import optuna


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
    """What is varied of an agent, and on which games.

    What `suggest` returns wins over the settings of a scale (see
    `acme_moe.studies.scales`), and these over `settings`.

    Attributes:
      name: `dqn_soft_moe`.
      agent: what is trained.
      suggest: `(trial: optuna.Trial) -> settings` of the agent's config that the trial
        takes, `{"learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-3)}`.
        It may raise `optuna.TrialPruned` for a choice that is not worth a run.
      games: games of every trial.
      num_seeds: runs of a trial on a game, with seeds from 0.
      settings: settings that all trials share.
      sampler: sampler of Optuna; None for its default, the tree-structured Parzen
        estimator.

    Raises:
      ValueError: names the field with a bad value, and what is accepted.
    """

    name: str
    agent: StudyAgent
    suggest: Callable[[optuna.Trial], Mapping[str, Any]]
    games: tuple[str, ...]
    num_seeds: int = 1
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sampler: Any = None

    def __post_init__(self) -> None:
        # `Study` has the same fields, and checks them.
        self._study({})

    def runs(
        self,
        number: int,
        settings: Mapping[str, Any],
        *,
        workdir: Path,
        scale: Scale,
        games: Sequence[str] | None = None,
        num_seeds: int | None = None,
        data: str | None = None,
    ) -> tuple[PlannedRun, ...]:
        """Returns the runs of a trial, `trial_0000/GAME/SEED`.

        Args:
          number: number of the trial, from 0.
          settings: settings that `suggest` gave it.
          workdir: folder of the search.
          scale: how large the runs are.
          games: games in place of the search's; see `acme_moe.studies.plan.make_plan`.
          num_seeds: runs on a game, in place of the search's.
          data: where the fixed data are; see `acme_moe.studies.planned_runs.expand`.

        Raises:
          ValueError: if the search has no such game, or data are missing.
        """
        study = self._study(settings)
        plan = make_plan(study, scale, games=games, num_seeds=num_seeds)
        (arm,) = plan.arms
        arm = dataclasses.replace(arm, name=f"trial_{number:04d}")
        return expand(dataclasses.replace(plan, arms=(arm,)), workdir, data)

    def best_run(
        self, settings: Mapping[str, Any], tried: Sequence[PlannedRun]
    ) -> PlannedRun:
        """Returns a run at the agent's own size, with what a trial was given.

        Args:
          settings: settings of the trial.
          tried: the runs of any trial. This run is on one of their games, or on its
            data, and with the seed after theirs, which had no part in the choice.
        """
        last = tried[-1].settings
        where = {k: v for k, v in last.items() if k in ("game", "dataset.path")}
        return PlannedRun(
            name="best",
            arm="best",
            command=self.agent.command,
            config=self.agent.config,
            settings={
                **fields.merged(self.settings, settings),
                **where,
                "seed": last["seed"] + 1,
            },
        )

    def _study(self, settings: Mapping[str, Any]) -> Study:
        label = self.agent.label
        arm = Arm(panel=label, series="Trial", agent=self.agent, settings=settings)
        return Study(
            name=self.name,
            title=self.name,
            games=self.games,
            num_seeds=self.num_seeds,
            settings=self.settings,
            arms=(arm,),
        )


def load_search(name: str) -> Search:
    """Returns the search of a `.py` file with a `get_search`.

    Raises:
      ValueError: if it is no such file.
    """
    path = Path(name)
    if path.suffix != ".py" or not path.exists():
        raise validation.not_accepted(
            "search", name, "the path of a .py file with get_search"
        )
    search = files.load_function(path, "get_search", field="search")()
    if not isinstance(search, Search):
        raise ValueError(f"search: {path} gives {type(search).__name__}, not a Search")
    return search
