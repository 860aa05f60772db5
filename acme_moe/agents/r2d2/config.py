"""Settings of R2D2."""

from __future__ import annotations

import dataclasses

from typing_extensions import Self

from acme_moe import validation
from acme_moe.agents.config import OnlineAgentConfig
from acme_moe.networks import (
    NetworkConfig,
    RecurrentNetwork,
    make_recurrent_network,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class R2D2Config(OnlineAgentConfig):
    """Settings of R2D2.

    The defaults are those of Acme's `R2D2Config`, with two exceptions. Learning rate,
    warm-up and evaluation, which do not depend on the shorter sequences of Acme's Atari
    example, are those of that example. Batch size, Adam's epsilon and the size of
    replay are those of the other agents here. With this replay ratio each sequence is
    sampled four times on average, as in `R2D2Config`: 8 steps are learnt from for each
    step taken, as many as in DQN with its ratio of 0.25. The target's period is Acme's
    2,500 updates.

    Sizes of replay count agent steps, as they do everywhere; the table itself holds one
    sequence for each `sequence_period` of these.

    Attributes:
      lstm_size: units of the LSTM.
      head_width: units of the hidden layer in each dueling stream after the LSTM, or
        of the one hidden layer of a head without streams.
      burn_in_length: steps before those that are learnt from, which only warm up the
        LSTM's state.
      trace_length: steps of a sequence that are learnt from.
      sequence_period: steps between the starts of two successive sequences, which
        overlap by the rest of `trace_length`.
      priority_exponent: sequences are sampled in proportion to this power of their
        priority. A new one has priority 1, as in Acme.
      importance_exponent: exponent of the weights that correct for this sampling.
      max_priority_weight: weight of a sequence's largest absolute error in its
        priority; the mean has the rest.
      max_abs_reward: None by default: as in Acme, values are rescaled instead.
      epsilon: lowest exploration of an episode.
      max_epsilon: highest exploration of an episode, once the decay is over.
      num_epsilons: number of values, evenly spaced in their logarithms, from which an
        episode's exploration is sampled; with 1 it is always `epsilon`.
      epsilon_decay_steps: 1 by default: as in Acme, nothing decays. After the warm-up,
        in which actions are random, each episode has its own epsilon.
      observe_action_and_reward: whether a run's environment adds the previous action
        and reward to each observation, for the LSTM. The builder itself takes the
        observations that it is given.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
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
            # R2D2's loss is one of values, which need not lie within a support.
            if (value := getattr(self.network, name)) is not None:
                raise validation.not_accepted(
                    f"network.{name}", value, "None with R2D2"
                )
        for name in ("lstm_size", "head_width", "trace_length", "num_epsilons"):
            validation.at_least(name, getattr(self, name), 1)
        for name in ("burn_in_length", "priority_exponent"):
            validation.at_least(name, getattr(self, name), 0)
        # So that some sequence_period is accepted.
        validation.at_least(
            "trace_length", self.trace_length, self.burn_in_length, "burn_in_length"
        )
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
    def max_steps_per_stored_step(self) -> float:
        """That of episodes of `trace_length` steps, each of which is one sequence."""
        return self.trace_length / self.sequence_period

    @property
    def wants_action_and_reward(self) -> bool:
        """True if observations should include the previous action and reward."""
        return self.observe_action_and_reward
