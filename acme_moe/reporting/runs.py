"""Reads run folders."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from acme_moe import files
from acme_moe.environments import AtariConfig

UNITS = ("frames", "updates")
"""What a run's length is counted in: `updates` if it learns from fixed data."""

_MIXTURES = {
    "expert_choice": "Expert choice",
    "soft": "Soft MoE",
    "top1": "Top1-MoE",
}
_DENSE_LAYERS = {
    "gap": "GAP",
    "simplicial_v1": "Simplicial V1",
    "simplicial_v2": "Simplicial V2",
    "token_mean": "Mean over tokens",
    "token_sum": "Sum over tokens",
}
_T = TypeVar("_T")


class BrokenRunError(ValueError):
    """A run folder lacks a file, or holds one that cannot be read."""


@dataclasses.dataclass(frozen=True)
class Episode:
    """A row of `scores.csv`.

    Attributes:
      agent_steps: agent steps of the run when the episode ended.
      learner_steps: updates by then.
      kind: `training` or `evaluation`.
      episode_return: undiscounted, of unclipped rewards.
      episode_length: number of agent steps.
      human_normalized_score: 0 for random play, 1 for the human's; nan where the
        suite has no reference scores.
      wall_seconds: time into the run when the episode ended; nan if not recorded.
    """

    agent_steps: int
    learner_steps: int
    kind: str
    episode_return: float
    episode_length: int
    human_normalized_score: float
    wall_seconds: float = math.nan


@dataclasses.dataclass(frozen=True)
class Run:
    """The contents of a run folder.

    Attributes:
      path: the folder.
      config: what `config.json` holds.
      summary: what `summary.json` holds.
      episodes: the rows of `scores.csv`, in order.
      diagnostics: the columns of `diagnostics.csv`; empty without that file.
      distributed: what `distributed.json` holds; empty for a single-process run.
    """

    path: Path
    config: dict[str, Any]
    summary: dict[str, Any]
    episodes: tuple[Episode, ...]
    diagnostics: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict)
    distributed: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def suite(self) -> str:
        """The suite of the run's game, `atari` where the run names none."""
        return self.config.get("environment", {}).get("name", "atari")

    @property
    def unit(self) -> str:
        """Tells what the run's length is counted in, one of `UNITS`."""
        offline = "num_iterations" in self.config or "dataset" in self.config
        return "updates" if offline else "frames"

    @property
    def frame_skip(self) -> int:
        """Frames of an agent step; 1 where the length is counted in updates."""
        if self.unit == "updates":
            return 1
        default = AtariConfig.frame_skip if self.suite == "atari" else 1
        return self.config.get("environment", {}).get("frame_skip", default)

    def position(self, episode: Episode) -> int:
        """Returns the agent steps by an episode's end, or the updates if offline."""
        return episode.learner_steps if self.unit == "updates" else episode.agent_steps


def describe(run: Run) -> str:
    """Describes the agent and its penultimate layer in a few words."""
    network = run.config.get("network", {})
    moe = network.get("moe", "unknown")
    layer = layer_name(moe, network.get("dense"), flat="dense")
    layer = layer or (network["dense"] if moe == "none" else moe)
    if moe != "none" and "num_experts" in network:
        layer += f", {network['num_experts']} experts"
    encoder = f" ({network['encoder']})" if "encoder" in network else ""
    return f"{run.summary['agent']} with {layer}{encoder}"


def layer_name(moe: Any, dense: Any, *, flat: str) -> str | None:
    """Names the penultimate layer of a network.

    Args:
      moe: the setting `network.moe`.
      dense: the setting `network.dense`, which counts without a mixture; None where the
        run's version had none.
      flat: the name of a dense layer on the flattened features.

    Returns:
      The name; None for a layer of another package.
    """
    if moe != "none":
        return _MIXTURES.get(moe)
    return flat if dense in (None, "flatten") else _DENSE_LAYERS.get(dense)


def read_run(path: Path) -> Run:
    """Reads a run folder.

    Raises:
      BrokenRunError: names the file that is missing or damaged.
    """
    diagnostics, distributed = path / "diagnostics.csv", path / "distributed.json"
    return Run(
        path,
        _read_json(path / "config.json"),
        _read_summary(path / "summary.json"),
        _read_episodes(path / "scores.csv"),
        _read_diagnostics(diagnostics) if diagnostics.exists() else {},
        _read_json(distributed) if distributed.exists() else {},
    )


def _read_diagnostics(path: Path) -> Mapping[str, Sequence[float]]:
    columns = _read_columns(path)
    # Its name in runs of earlier versions.
    if "actor_steps" in columns:
        columns["agent_steps"] = columns.pop("actor_steps")
    return columns


def _read_summary(path: Path) -> dict[str, Any]:
    summary = _read_json(path)
    for name in ("agent", "game", "seed"):
        if name not in summary:
            raise BrokenRunError(f"{path}: lacks the run's {name}")
    return summary


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return files.read_json(path)
    except FileNotFoundError:
        raise _lacks(path) from None
    except ValueError as error:
        raise BrokenRunError(str(error)) from error


def _read_episodes(path: Path) -> tuple[Episode, ...]:
    columns: dict[str, Callable[[str], Any]] = {
        "agent_steps": int,
        "learner_steps": int,
        "kind": str,
        "episode_return": float,
        "episode_length": int,
        "human_normalized_score": lambda text: float(text or math.nan),
    }

    def episode(row: Mapping[str, str]) -> Episode:
        values = [parse(row[name]) for name, parse in columns.items()]
        # Earlier runs have no wall times.
        values.append(float(row.get("wall_seconds") or math.nan))
        return Episode(*values)

    _, episodes = _read_csv(path, episode, needed=columns)
    return tuple(episodes)


def _read_columns(path: Path) -> dict[str, list[float]]:
    """Reads a CSV file of numbers, by column."""

    def numbers(row: Mapping[str, str]) -> dict[str, float]:
        # A version or a mixture before, or after, did not measure all of them.
        return {name: float(value or "nan") for name, value in row.items()}

    header, rows = _read_csv(path, numbers)
    return {name: [row[name] for row in rows] for name in header}


def _read_csv(
    path: Path, parse: Callable[[Mapping[str, str]], _T], needed: Iterable[str] = ()
) -> tuple[list[str], list[_T]]:
    """Reads the header and the parsed rows of a CSV file."""
    text = _read_text(path)
    if "\0" in text:
        raise BrokenRunError(f"{path}: is damaged, there are zeros in it")
    lines = csv.reader(text.splitlines())
    header = next(lines, [])
    missing = [name for name in needed if name not in header]
    if missing:
        raise BrokenRunError(
            f"{path}: {', '.join(missing)} is not among the names of its columns"
        )
    rows = []
    for line in lines:
        try:
            rows.append(parse(dict(zip(header, line, strict=True))))
        except ValueError as error:
            raise BrokenRunError(f"{path}: line {lines.line_num} is damaged") from error
    return header, rows


def _lacks(path: Path) -> BrokenRunError:
    return BrokenRunError(f"{path.parent}: is no run folder, it has no {path.name}")


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise _lacks(path) from None
    except UnicodeDecodeError as error:
        raise BrokenRunError(f"{path}: is not text") from error
