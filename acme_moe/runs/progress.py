"""The progress bar of a run."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence

import tqdm
import tqdm.utils

from acme_moe.runs.spec import RunSpec
from acme_moe.runs.state import RunState


class Progress:
    """Position, speeds, last return, loss and the time left, in one line.

    On a terminal the line is redrawn in place; elsewhere, as in a log file, one is
    written every half minute. No run depends on it: where it cannot be written, as on a
    full disk, it is left out.
    """

    def __init__(self, spec: RunSpec, state: RunState) -> None:
        """Draws an empty bar.

        Args:
          spec: the run, whose game is the bar's name.
          state: state of the run so far.
        """
        # The bar already shows the speed of what it counts.
        self._shows_update_speed = spec.steps_key != "learner_steps"
        self._terminal = sys.stderr.isatty()
        self._every = 0.5 if self._terminal else 30.0
        self._bar = tqdm.tqdm(
            desc=spec.run.game,
            file=_BestEffort(sys.stderr),
            total=spec.length,
            initial=spec.position(state),
            dynamic_ncols=self._terminal,
            ncols=None if self._terminal else 160,
            ascii=None if self._terminal else True,
            # Every update is drawn: `due` decides when there is one.
            mininterval=0,
            miniters=0,
            smoothing=0.1,
            bar_format=(
                "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} "
                + spec.unit
                + " [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"
            ),
            unit=f" {spec.unit}",
        )
        self._last_drawn = time.monotonic()
        self._drawn_updates = state.learner_steps
        self._last_return: float | None = None
        self._evaluation: str | None = None
        self._speed_and_loss: list[str] = []
        self._details: list[str] = []

    def episode(self, episode_return: float) -> None:
        """Takes note of a training episode's return."""
        self._last_return = episode_return

    def evaluation(self, text: str) -> None:
        """Shows how far an evaluation is, or its result."""
        self._evaluation = text
        self._set_postfix()
        if self._terminal:
            self._bar.refresh()

    def due(self) -> bool:
        """Returns whether it is time to draw again."""
        return time.monotonic() - self._last_drawn >= self._every

    def draw(
        self,
        position: int,
        updates: int,
        loss: float | None,
        details: Sequence[str] = (),
    ) -> None:
        """Draws the present state.

        Args:
          position: position of the run, in what the bar counts.
          updates: number of updates so far.
          loss: loss of the last update, None before the first.
          details: what else the line shows.
        """
        now = time.monotonic()
        speed = (updates - self._drawn_updates) / max(now - self._last_drawn, 1e-9)
        if loss is not None:
            self._speed_and_loss = [f"loss {loss:.4f}"]
            if self._shows_update_speed:
                self._speed_and_loss.insert(0, f"{speed:.1f} updates/s")
        self._details = list(details)
        self._set_postfix()
        self._bar.update(position - self._bar.n)
        if not (self._terminal or self._bar.disable):
            self._bar.fp.write("\n")
        self._last_drawn = now
        self._drawn_updates = updates

    def _set_postfix(self) -> None:
        parts = [*self._speed_and_loss, *self._details]
        if self._last_return is not None:
            parts.append(f"return {self._last_return:g}")
        if self._evaluation is not None:
            parts.append(self._evaluation)
        self._bar.set_postfix_str(", ".join(parts), refresh=False)

    def close(self) -> None:
        """Leaves the last line as it stands."""
        self._bar.close()


class _BestEffort(tqdm.utils.ObjectWrapper):
    """A stream that leaves out what it cannot write."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._wrapped.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._wrapped.flush()
