"""The state of acting, saved so that a resumed run continues exactly from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from acme_moe.agents.vector_actor import VectorActor
from acme_moe.environments.remembered import RememberedEnvironments
from acme_moe.replay import EpisodeAdder
from acme_moe.runs import arrays
from acme_moe.runs.checkpoint import OtherStateError, SavedActing
from acme_moe.runs.episodes import VectorEnvironmentLoop

_ENVIRONMENTS = "environments/"
_ACTOR = "actor"


@dataclasses.dataclass(frozen=True)
class Acting:
    """The parts of acting that have a state.

    Attributes:
      environments: the environments that the agent acts in.
      actor: the agent's actor.
      adders: one for each environment, each to a replay in the process.
      loop: steps the environments.
      origin: position of the run that the environments' seeds are drawn from.
    """

    environments: RememberedEnvironments
    actor: VectorActor
    adders: Sequence[EpisodeAdder]
    loop: VectorEnvironmentLoop
    origin: int

    def save(self) -> SavedActing | None:
        """Returns the state; None before the first step."""
        if any(timestep is None for timestep in self.environments.timesteps):
            return None
        environments = self.environments.state()
        return SavedActing(
            {
                **{_ENVIRONMENTS + name: x for name, x in environments.items()},
                **arrays.flatten(self.actor.state(), _ACTOR),
            },
            {
                "origin": self.origin,
                "adders": [adder.state() for adder in self.adders],
                **self.loop.state(),
            },
        )

    def restore(self, saved: SavedActing, where: object) -> None:
        """Restores a saved state.

        Args:
          saved: as `save` returned it.
          where: what the state was read from, for messages.

        Raises:
          OtherStateError: if the state does not fit this run.
          NotDeterministicError: if an environment that plays its actions again ends
            up with another observation.
        """
        spec = self.actor.state_spec()
        try:
            state = arrays.unflatten(spec, saved.arrays, where, _ACTOR)
        except ValueError as error:
            raise OtherStateError(
                f"{error}; accepted: the state of this version's policy"
            ) from error
        self.actor.restore(state)
        for adder, of_adder in zip(
            self.adders, saved.description["adders"], strict=True
        ):
            adder.restore(of_adder)
        environments = {
            name.removeprefix(_ENVIRONMENTS): x
            for name, x in saved.arrays.items()
            if name.startswith(_ENVIRONMENTS)
        }
        pending = self.environments.restore(environments)
        self.loop.restore(saved.description, self.environments.timesteps, pending)
