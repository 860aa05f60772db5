"""The trials of a search: Optuna's study in a file, and the runs of each trial.

Optuna is imported here only, and comes with the extra `optuna`.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import tabulate
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from acme_moe import validation
from acme_moe.studies.derived import run_spec
from acme_moe.studies.planned_runs import PlannedRun
from acme_moe.studies.search import Search
from acme_moe.studies.state import comparable, read_state, read_summary

FILE_NAME = "optuna.log"
_SETTINGS = "settings"
_ASKED = "asked"
_MEASURES = ("evaluation_human_normalized_score", "evaluation_return_mean")

# (number of a trial, its settings) -> its runs
MakeRuns = Callable[[int, Mapping[str, Any]], Sequence[PlannedRun]]


def open_study(search: Search, workdir: Path, asked: Mapping[str, Any]) -> optuna.Study:
    """Returns the Optuna study of a folder, which is made where it is missing.

    Args:
      search: the search, which may choose the sampler.
      workdir: the search's folder; it exists.
      asked: what all trials share, in JSON's types.

    Raises:
      ValueError: if the folder's trials share something else, and so do not compare.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(workdir / FILE_NAME))),
        study_name="search",
        direction="maximize",
        sampler=search.sampler,
        load_if_exists=True,
    )
    wanted = _comparable(json.loads(json.dumps(asked)))
    there = _comparable(study.user_attrs.get(_ASKED, {}))
    if not there:
        study.set_user_attr(_ASKED, wanted)
    elif there != wanted:
        field = next(name for name in wanted if there.get(name) != wanted[name])
        raise ValueError(
            f"workdir: {workdir} holds trials of {field} {there.get(field)!r}; the "
            f"same, or another folder for {field} {wanted[field]!r}"
        )
    return study


def _comparable(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what trials share, less the settings that may differ between them."""
    return {
        name: comparable(value) if name == _SETTINGS else value
        for name, value in asked.items()
    }


class Trials:
    """Asks Optuna for trials, and tells it what their runs came to.

    Optuna is told of a trial once all of its runs have ended: its value is the mean of
    their final evaluations, and it has failed if one of them has. A trial with a run
    that was stopped or killed stays open, and the next search begins with its runs.
    """

    def __init__(
        self,
        study: optuna.Study,
        search: Search,
        make_runs: MakeRuns,
        workdir: Path,
        *,
        num_trials: int,
    ) -> None:
        """Asks for nothing yet.

        Args:
          study: study of the folder, as `open_study` returns it.
          search: suggests the settings of trials.
          make_runs: returns the runs of a trial.
          workdir: the search's folder.
          num_trials: most trials, those of earlier searches included.
        """
        self._study = study
        self._search = search
        self._make_runs = make_runs
        self._workdir = workdir
        self._num_trials = num_trials
        # A sampler that has no more to suggest, such as that of a grid, ends Optuna's
        # own loop so; outside that loop it would be an error.
        stoppable: Any = study
        stoppable.stop = self._note_exhausted
        is_exhausted = getattr(study.sampler, "is_exhausted", lambda _: False)
        self._exhausted: bool = is_exhausted(study)
        self._interrupted = []
        for trial in study.get_trials(states=(TrialState.RUNNING,)):
            if _SETTINGS in trial.user_attrs:
                self._interrupted.append(trial)
            else:  # Killed before it had any.
                self._end(trial.number)
        self._open: dict[int, Sequence[PlannedRun]] = {}
        self.error: Exception | None = None
        """What is wrong with `suggest` or its settings; nothing is asked for then."""

    @property
    def num_told(self) -> int:
        """How many trials have ended, whether well or not."""
        return sum(trial.state.is_finished() for trial in self._study.trials)

    @property
    def all_told(self) -> bool:
        """Whether as many have ended as were asked for, or as the sampler has."""
        num = len(self._study.trials) if self._exhausted else self._num_trials
        return self.num_told >= num

    def more(self, left: Sequence[PlannedRun]) -> Sequence[PlannedRun]:
        """Returns the runs of another trial, none if there is no other.

        Runs that are `left` have not ended.
        """
        self.tell(left)
        while self.error is None:
            if self._interrupted:
                trial = self._interrupted.pop(0)
                number, settings = trial.number, trial.user_attrs[_SETTINGS]
            elif not self._exhausted and len(self._study.trials) < self._num_trials:
                number, settings = self._ask()
            else:
                break
            if settings is None:
                continue
            try:
                runs = self._make_runs(number, settings)
                for run in runs:
                    run_spec(run.config, run.settings)
            except ValueError as error:
                self._end(number)
                self.error = error
                break
            self._open[number] = runs
            return runs
        return ()

    def tell(self, left: Sequence[PlannedRun], *, stopped: bool = False) -> None:
        """Tells Optuna of the trials that have ended.

        Args:
          left: runs that have not ended.
          stopped: whether runs were told to stop, so that none of them has failed.
        """
        names = {run.name for run in left}
        for number, runs in list(self._open.items()):
            if any(run.name in names for run in runs):
                continue
            states = [read_state(run, self._workdir) for run in runs]
            if all(state.finished for state in states):
                self._end(number, mean_score(runs, self._workdir))
            elif not stopped and any(state.state == "failed" for state in states):
                self._end(number)
            else:
                continue
            del self._open[number]

    def _note_exhausted(self) -> None:
        self._exhausted = True

    def _end(self, number: int, score: float = math.nan) -> None:
        """Tells Optuna that a trial has ended; one without a score has failed."""
        if math.isfinite(score):
            self._study.tell(number, score)
        else:
            self._study.tell(number, state=TrialState.FAIL)

    def _ask(self) -> tuple[int, Mapping[str, Any] | None]:
        """Returns a new trial's number and its settings, None if it ended at once."""
        trial = self._study.ask()
        try:
            settings = _storable(dict(self._search.suggest(trial)))
        except optuna.TrialPruned:
            self._study.tell(trial.number, state=TrialState.PRUNED)
        except Exception as error:
            # Kept until the runs that are under way have ended.
            self._end(trial.number)
            self.error = error
        else:
            trial.set_user_attr(_SETTINGS, settings)
            return trial.number, settings
        return trial.number, None


def _storable(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings of a trial, all of which Optuna's record can hold.

    Raises:
      ValueError: names one that it cannot, such as a number of NumPy's.
    """
    for name, value in settings.items():
        try:
            json.dumps({name: value})
        except (TypeError, ValueError) as error:
            raise validation.not_accepted(
                name, value, f"a value of JSON's types ({error})"
            ) from error
    return settings


def mean_score(runs: Sequence[PlannedRun], workdir: Path) -> float:
    """Returns the mean of runs' final evaluations.

    Human-normalised where every game has a human score, else returns.

    Args:
      runs: finished ones; those that only record data do not count.
      workdir: the folder of the search.

    Returns:
      The mean; nan where a run has none.
    """
    needed = {run.needs for run in runs}
    summaries = [read_summary(workdir / r.name) for r in runs if r.name not in needed]
    for measure in _MEASURES:
        scores = [x[measure] for x in summaries if x.get(measure) is not None]
        if len(scores) == len(summaries):
            return statistics.fmean(scores)
    return math.nan


def best_settings(study: optuna.Study) -> Mapping[str, Any] | None:
    """Returns the settings of the best trial, None where none is complete."""
    best = _best_first(study)
    return best[0].user_attrs[_SETTINGS] if best else None


def table(study: optuna.Study) -> str:
    """Returns the ten best trials, a row each, and how many there are of each state."""
    best = _best_first(study)[:10]
    names = list(dict.fromkeys(name for t in best for name in t.user_attrs[_SETTINGS]))
    cells = [
        [
            f"trial_{trial.number:04d}",
            f"{trial.value:.4g}",
            *(_short(trial.user_attrs[_SETTINGS].get(name, "")) for name in names),
        ]
        for trial in best
    ]
    counts = [
        f"{len(study.get_trials(states=(state,)))} {word}"
        for state, word in (
            (TrialState.COMPLETE, "complete"),
            (TrialState.FAIL, "failed"),
            (TrialState.PRUNED, "pruned"),
            (TrialState.RUNNING, "to be resumed"),
        )
    ]
    lines = [f"{len(study.trials)} trials: {', '.join(counts)}"]
    if cells:
        header = ("trial", "score", *names)
        lines.insert(
            0, tabulate.tabulate(cells, header, tablefmt="plain", disable_numparse=True)
        )
    return "\n".join(lines)


def _best_first(study: optuna.Study) -> list[FrozenTrial]:
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    return sorted(complete, key=lambda trial: trial.value or 0.0, reverse=True)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
