"""Settings of R2D2."""

from __future__ import annotations

import dataclasses

from typing_extensions import Self

from acme_moe import validation
from acme_moe.agents.config import ValueAgentConfig
from acme_moe.networks import (
    NetworkConfig,
    RecurrentNetwork,
    make_recurrent_network,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class R2D2Config(ValueAgentConfig):
    """Settings of R2D2.

    The values are those of Acme's `R2D2Config`; of its example for Atari where they do
    not depend on its shorter sequences (learning rate, warm-up, evaluation); and of the
    other agents for the batch size, Adam's epsilon and the replay's size. The replay
    ratio samples each sequence four times on average, as `R2D2Config` does: 8 steps are
    learnt from for each one taken, as many as DQN's at its ratio of 0.25. The target's
    period is Acme's 2,500 updates.

    Sizes of replay count agent steps as everywhere; the table itself holds one sequence
    for each `sequence_period` of them.

    Attributes:
      lstm_size: units of the LSTM.
      head_width: units of the hidden layer in each dueling stream after the LSTM, or
        of the one hidden layer of a head without streams.
      burn_in_length: steps before those that are learnt from, which only warm up the
        LSTM's state.
      trace_length: steps of a sequence that are learnt from.
      sequence_period: steps between the starts of two sequences; sequences overlap by
        the rest of `trace_length`.
      priority_exponent: sequences are sampled in proportion to this power of their
        priority. A new one has priority 1, as in Acme.
      importance_exponent: of the weights that correct for it.
      max_priority_weight: of a sequence's largest absolute error in its priority; the
        mean has the rest.
      max_abs_reward: as in Acme, rewards are not clipped but values are rescaled.
      epsilon: the least exploration of an episode.
      max_epsilon: the most exploration of an episode, once it has decayed.
      num_epsilons: number of values, evenly spaced in their logarithms, that an
        episode's exploration is sampled from; with 1 it is always `epsilon`.
      epsilon_decay_steps: as in Acme nothing decays: after the warm-up, in which
        actions are random, each episode has its own epsilon.
      observe_action_and_reward: whether a run's environment adds the previous action
        and reward to each observation, for the LSTM. The builder itself takes the
        observations that it is given.
    """

    network: NetworkConfig = dataclasses.field(
        default_factory=lambda: NetworkConfig(dueling=True)
    )
    replay_ratio: float = 0.003125
    min_replay_size: int = 200_000
    n_step: int = 5
    discount: float = 0.997
    max_abs_reward: float | None = None
    learning_rate: float = 1e-4
    target_update_period: int = 800_000
    epsilon: float = 0.001
    epsilon_decay_steps: int = 1

    lstm_size: int = 512
    head_width: int = 512
    burn_in_length: int = 40
    trace_length: int = 80
    sequence_period: int = 40
    priority_exponent: float = 0.9
    importance_exponent: float = 0.6
    max_priority_weight: float = 0.9
    max_epsilon: float = 0.1
    num_epsilons: int = 256
    observe_action_and_reward: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("num_atoms", "num_quantiles"):
            # Its loss is of values, which need not lie within a support.
            if (value := getattr(self.network, name)) is not None:
                raise validation.not_accepted(
                    f"network.{name}", value, "None with R2D2"
                )
        for name in ("lstm_size", "head_width", "trace_length", "num_epsilons"):
            validation.at_least(name, getattr(self, name), 1)
        for name in ("burn_in_length", "priority_exponent"):
            validation.at_least(name, getattr(self, name), 0)
        for name in ("importance_exponent", "max_priority_weight"):
            validation.between(name, getattr(self, name), 0, 1)
        # A burn-in lies in its episode or before it, and no step is skipped.
        validation.between(
            "sequence_period",
            self.sequence_period,
            max(self.burn_in_length, 1),
            self.trace_length,
        )
        validation.above("epsilon", self.epsilon, 0)
        validation.between("max_epsilon", self.max_epsilon, self.epsilon, 1)

    def make_network(self, num_actions: int) -> RecurrentNetwork:
        """Makes the agent's network, for its builder and for `acme_moe.load`."""
        return make_recurrent_network(
            self.network, num_actions, self.lstm_size, self.head_width
        )

    def with_epsilon(self, epsilon: float) -> Self:
        """Returns the settings with one epsilon for all of an actor's episodes.

        Kapturowski et al. (2019).
        """
        return dataclasses.replace(
            self, epsilon=epsilon, max_epsilon=epsilon, num_epsilons=1
        )

    @property
    def steps_to_first_item(self) -> int:
        """Agent steps in one environment after which replay has at least one item."""
        return self.trace_length

    @property
    def most_steps_per_counted_step(self) -> float:
        """As in an episode of `trace_length` steps, which is a single sequence."""
        return self.trace_length / self.sequence_period

    @property
    def wants_action_and_reward(self) -> bool:
        """True if observations should include the previous action and reward."""
        return self.observe_action_and_reward
