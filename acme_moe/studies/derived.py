"""The settings of an arm as a whole: widths at equal size or cost, and checks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from acme_moe import fields, files, validation
from acme_moe.options import Options
from acme_moe.studies.state import comparable
from acme_moe.studies.study import StudyAgent

if TYPE_CHECKING:
    from pathlib import Path

    from acme_moe.runs.spec import RunSpec
    from acme_moe.studies.plan import PlannedArm
    from acme_moe.studies.planned_runs import PlannedRun
    from acme_moe.studies.state import FolderState

UNITS = ("parameters", "flops")
_WIDTH = "network.expert_width"
# Sizes are linear in the width, so that two of them tell all others.
_TWO_WIDTHS = (64, 128)


@dataclasses.dataclass(frozen=True)
class EqualSize:
    """Gives an arm the width at which its network is as large as a reference's.

    The width is that of `network.expert_width`, in whole units, so that the sizes
    differ by at most half of what a unit adds. It is solved for the observations and
    actions of one game, the first that the arm has in its study; with another number of
    actions the heads differ. FLOPs are those of a forward pass, counted as `describe`
    counts them.

    Attributes:
      unit: what is equal, `parameters` or `flops`.
      reference: settings of the reference that replace the arm's.
    """

    unit: str
    reference: Mapping[str, Any]

    def __post_init__(self) -> None:
        validation.one_of("unit", self.unit, UNITS)
        object.__setattr__(self, "reference", Options(self.reference))

    def __call__(
        self, agent: StudyAgent, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Returns the width.

        Raises:
          ValueError: if a network of one unit is larger already.
        """
        wanted = self._size(agent, fields.merged(settings, self.reference))
        sizes = [self._size(agent, {**settings, _WIDTH: w}) for w in _TWO_WIDTHS]
        slope = (sizes[1] - sizes[0]) / (_TWO_WIDTHS[1] - _TWO_WIDTHS[0])
        width = round(_TWO_WIDTHS[0] + (wanted - sizes[0]) / slope)
        if width < 1:
            one = round(sizes[0] - (_TWO_WIDTHS[0] - 1) * slope)
            raise ValueError(
                f"{_WIDTH}: none gives {wanted:,} {self.unit}, {one:,} are needed for "
                f"one unit; a larger reference than {dict(self.reference)}"
            )
        return {_WIDTH: width}

    def _size(self, agent: StudyAgent, settings: Mapping[str, Any]) -> int:
        return _totals(agent.config, Options(settings))[UNITS.index(self.unit)]


@dataclasses.dataclass(frozen=True)
class OneExpert:
    """Replaces several experts by one that is as wide as all of them together.

    Attributes:
      num_experts: how many experts it is as wide as.
    """

    num_experts: int

    def __call__(
        self, agent: StudyAgent, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Returns the number of experts, 1, and its width."""
        width = run_spec(agent.config, settings).agent.network.expert_width
        return {"network.num_experts": 1, _WIDTH: self.num_experts * width}


@functools.cache
def _totals(config: str, settings: Options) -> tuple[int, int]:
    from acme_moe.runs.assembly import network_totals

    return network_totals(run_spec(config, settings))


def check_arms(arms: Iterable[PlannedArm]) -> None:
    """Refuses a plan with an arm whose runs would end at once.

    Raises:
      ValueError: names the arm and the setting.
    """
    from acme_moe.runs.spec import OfflineRunSpec

    for arm in arms:
        agent = arm.agent
        try:
            spec = run_spec(agent.config, {**arm.settings, "game": arm.games[0]})
        except ValueError as error:
            raise ValueError(f"arm {arm.name}: {error}") from error
        found = {
            "offline": isinstance(spec, OfflineRunSpec),
            "environment": spec.run.environment.name,
        }
        asked = {"offline": agent.offline, "environment": arm.suite}
        for name, value in found.items():
            if asked[name] != value:
                raise ValueError(
                    f"arm {arm.name}: agent.{name}: {asked[name]!r} is not accepted; "
                    f"{value!r}, as in {agent.config}"
                )


def check_config_files(
    runs: Iterable[PlannedRun], states: Mapping[str, FolderState], workdir: Path
) -> None:
    """Refuses a `.py` config that is not what finished runs were trained with.

    `read_state` compares only what the study sets itself. A stopped run would be
    refused by the command that resumes it; a finished one would stand beside runs with
    the file's settings as they are now.

    Args:
      runs: the planned runs.
      states: the state of each, by its name.
      workdir: the study's folder.

    Raises:
      ValueError: names the first such run, and the settings.
    """
    from acme_moe.runs.config import to_config_dict
    from acme_moe.runs.presets import PRESETS

    for run in runs:
        if run.config in PRESETS or not states[run.name].finished:
            continue
        config = to_config_dict(run_spec(run.config, run.settings)).to_dict()
        now = comparable(config)
        there = comparable(files.read_json(workdir / run.name / "config.json"))
        # A setting that only one of them has is of another version.
        different = fields.differences(there, now, now.keys() & there.keys())
        if different:
            raise ValueError(
                f"workdir: {run.name} has finished with other settings than those of "
                f"{run.config} ({'; '.join(different)}); another folder, or the "
                "settings as they were"
            )


def run_spec(config: str, settings: Mapping[str, Any]) -> RunSpec:
    """Returns the run of a preset or config file with some of its fields set.

    Raises:
      ValueError: names a field that is unknown, has a bad value, or makes the run too
        short (`RunSpec.check_length`).
    """
    # Imported here: it loads JAX, which a sweep that only shows its state does without.
    from acme_moe.runs import config as config_lib

    spec = config_lib.from_config_dict(config_lib.load_config(config, settings))
    spec.check_length()
    return spec
