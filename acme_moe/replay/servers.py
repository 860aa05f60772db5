"""Several replay servers, used as one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import reverb
from absl import logging

from acme_moe.replay.draws import Draw, TableSampler, weight_exponent

# Seconds after which a server that does not answer counts as away, until it does.
_PATIENCE = 1.0
# Seconds that what a server was found to hold is relied on without a look at it.
_STALE_AFTER = 1.0
# Seconds between two looks where all servers are away or empty.
_ASK_AGAIN = 0.01

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _Line(Generic[Question, Answer]):
    """Calls to one server from a thread of their own, as it may keep them waiting.

    Attributes:
      busy: whether a call is under way.
    """

    def __init__(self, call: Callable[[Question], Answer]) -> None:
        self.busy = False
        self._call = call
        self._questions: queue.SimpleQueue[Question] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer | BaseException] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="replay-server", daemon=True).start()

    def _work(self) -> None:
        while True:
            question = self._questions.get()
            try:
                self._answers.put(self._call(question))
            except BaseException as error:
                self._answers.put(error)

    def send(self, question: Question) -> None:
        """Begins a call; none may be under way."""
        self.busy = True
        self._questions.put(question)

    def receive(self, timeout: float) -> Answer | None:
        """Returns the answer of the call under way, None if there is none in time."""
        try:
            answer = (
                self._answers.get(timeout=timeout)
                if timeout > 0
                else (self._answers.get_nowait())
            )
        except queue.Empty:
            return None
        self.busy = False
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _ask(
    questions: Mapping[_Line[Question, Answer], Question],
) -> dict[_Line[Question, Answer], Answer]:
    """Asks all servers at once; returns the answers of those that are not away."""
    for line, question in questions.items():
        line.send(question)
    deadline = time.monotonic() + _PATIENCE
    answers = {line: line.receive(deadline - time.monotonic()) for line in questions}
    return {line: x for line, x in answers.items() if x is not None}


class ProportionalSampler:
    """Draws from several servers as if all that they hold were in one.

    How many items of a batch come from which server is drawn from a multinomial
    distribution over the servers' shares of the mass (see `Draw.mass`). Every draw
    tells the mass of its server, so the shares are those of the batch before. A
    server that none of a second's items came from is looked at by drawing one more,
    which nobody gets; so shares are out of date by that second at most.

    A server that is empty or away is waited for a second once, and then passed over
    until it has answered; what it answers late is dropped.
    """

    def __init__(self, samplers: Sequence[Callable[[int], Draw]]) -> None:
        """Starts a thread for each server.

        Args:
          samplers: draws from one server each; may take for ever.
        """
        self._lines = [_Line(sampler) for sampler in samplers]
        self._masses = dict.fromkeys(self._lines, 0.0)
        self._looked_at = dict.fromkeys(self._lines, -np.inf)
        self._rng = np.random.default_rng()

    def __call__(self, size: int) -> Draw:
        """Draws `size` items, in random order; waits while no server has any.

        Returns:
          The items, with their probabilities among those of all servers.
        """
        parts: list[Draw] = []
        missing = size
        while missing:
            present = self._present()
            if not present:
                time.sleep(_ASK_AGAIN)
                continue
            masses = np.array([self._masses[line] for line in present])
            shares = masses / masses.sum()
            counts = self._rng.multinomial(missing, shares)
            asked = dict(zip(present, counts.tolist(), strict=True))
            draws = self._draw({line: n for line, n in asked.items() if n})
            for line, share in zip(present, shares, strict=True):
                if line in draws:
                    draw = draws[line]
                    scaled = share * draw.probabilities
                    parts.append(draw._replace(probabilities=scaled))
                    missing -= len(draw.keys)
        return self._joined(parts)

    def _present(self) -> list[_Line[int, Draw]]:
        """The servers whose mass is known."""
        for line in self._lines:
            if line.busy and (late := line.receive(0.0)) is not None:
                self._note(line, late)
        since = time.monotonic() - _STALE_AFTER
        self._draw(
            {
                line: 1
                for line in self._lines
                if not line.busy and self._looked_at[line] <= since
            }
        )
        return [line for line in self._lines if not line.busy]

    def _draw(
        self, counts: Mapping[_Line[int, Draw], int]
    ) -> dict[_Line[int, Draw], Draw]:
        draws = _ask(counts)
        for line, draw in draws.items():
            self._note(line, draw)
        return draws

    def _note(self, line: _Line[int, Draw], draw: Draw) -> None:
        self._masses[line] = draw.mass
        self._looked_at[line] = time.monotonic()

    def _joined(self, parts: Sequence[Draw]) -> Draw:
        """One draw of all; in random order, as a batch may be cut into several."""
        keys = np.concatenate([part.keys for part in parts])
        order = self._rng.permutation(len(keys))
        return Draw(
            keys[order],
            np.concatenate([part.probabilities for part in parts])[order],
            [
                np.concatenate(columns)[order]
                for columns in zip(*(part.columns for part in parts), strict=True)
            ],
            sum(self._masses[line] for line in self._lines if not line.busy),
        )


class ReplayServers:
    """What a learner asks of a `reverb.Client`, asked of several servers.

    A builder's `make_dataset_iterator` and `make_learner` take it for a client: it
    is sampled from through `make_sampler`, and priorities are written through it.
    """

    def __init__(self, clients: Sequence[reverb.Client]) -> None:
        """Keeps the clients, one for each server, at least one."""
        self.clients = tuple(clients)
        self._lines = [_Line(_priority_setter(client)) for client in self.clients]

    def mutate_priorities(self, table: str, updates: Mapping[int, float]) -> None:
        """Sets priorities, each on the server that holds the item.

        All servers are told all of them: a server ignores keys that it does not
        have, as it must for items that it has dropped. One that is away is waited
        for a second once, and misses what it is not told.
        """
        for line in self._lines:
            if line.busy:
                line.receive(0.0)
        _ask({x: (table, dict(updates)) for x in self._lines if not x.busy})
        away = sum(line.busy for line in self._lines)
        if away:
            logging.log_every_n_seconds(
                logging.WARNING, "priorities are lost: %d replay servers away", 10, away
            )


def _priority_setter(
    client: reverb.Client,
) -> Callable[[tuple[str, dict[int, float]]], bool]:
    def set_priorities(question: tuple[str, dict[int, float]]) -> bool:
        try:
            client.mutate_priorities(*question)
        except (reverb.ReverbError, RuntimeError) as error:
            logging.warning("priorities are lost: %s", error)
        return True

    return set_priorities


def make_sampler(
    client: reverb.Client | ReplayServers, table: str
) -> tuple[Callable[[int], Draw], Any]:
    """Makes what draws items of a table with a signature.

    Args:
      client: of the server or servers; the first is waited for.
      table: to draw from.

    Returns:
      A function that draws so many items, and the signature, whose leaves their
      columns are.
    """
    clients = client.clients if isinstance(client, ReplayServers) else (client,)
    info = clients[0].server_info()[table]
    exponent = weight_exponent(info)
    samplers = [TableSampler(one, table, exponent) for one in clients]
    if len(samplers) == 1:
        return samplers[0], info.signature
    return ProportionalSampler(samplers), info.signature
