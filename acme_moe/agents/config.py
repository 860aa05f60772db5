"""Settings that all value-based agents share."""

from __future__ import annotations

import abc
import dataclasses
import functools
from fractions import Fraction
from typing import Any

from typing_extensions import Self

from acme_moe import validation
from acme_moe.loss_settings import complete_options
from acme_moe.networks import (
    Network,
    NetworkConfig,
    RecurrentNetwork,
    make_network,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PruningConfig:
    """Settings of gradual magnitude pruning: `acme_moe.learning.pruning.pruned`.

    The defaults are those of Obando-Ceron et al. (2024), section 3, for 50 M agent
    steps: pruning lasts from a fifth to four fifths of the run. The paper's sparsity is
    95 %, a `sparsity` of 0.95.

    Attributes:
      sparsity: share of each layer's weights that is zero in the end; 0 for no pruning.
      start: agent steps after the warm-up (with fixed data, updates) before pruning
        starts.
      end: agent steps (updates) after which `sparsity` is reached.
      period: agent steps (updates) between two choices of the weights to prune.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    sparsity: float = 0.0
    start: int = 10_000_000
    end: int = 40_000_000
    period: int = 4_000

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.between("sparsity", self.sparsity, 0, 1)
        validation.at_least("start", self.start, 0)
        validation.at_least("end", self.end, self.start + 1)
        validation.at_least("period", self.period, 1)

    def check_length(self, length: int) -> None:
        """Refuses a run that would end before pruning does.

        Args:
          length: length of the run, in agent steps after the warm-up (with fixed data,
            in updates).

        Raises:
          ValueError: if the run ends before `sparsity` is reached.
        """
        if self.sparsity and self.end > length:
            raise ValueError(
                f"pruning.end: {self.end} is not accepted; at most {length}, where the "
                f"run ends, or pruning.sparsity ({self.sparsity}) is not reached"
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AgentConfig(abc.ABC):
    """Settings of every agent, online or offline.

    Attributes:
      network: settings of the network.
      batch_size: transitions in an update; sequences with R2D2.
      n_step: steps that a transition spans.
      discount: discount per agent step.
      max_abs_reward: rewards are clipped to plus or minus this for learning; None for
        no clipping.
      learning_rate: Adam's learning rate.
      adam_epsilon: Adam's epsilon.
      target_update_period: agent steps (with fixed data, updates) between two copies
        to the target network.
      pruning: settings of the pruning of weights during training.
      evaluation_epsilon: exploration in evaluation episodes.
      sgd_steps_per_call: updates in one call to the device; more than one is faster if
        an update is short. In a run that acts, the realised replay ratio may then lag
        by up to that many updates. With prioritised replay, all batches of a call are
        drawn before the priorities of any of its updates are known.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    network: NetworkConfig = dataclasses.field(default_factory=NetworkConfig)
    batch_size: int = 32
    n_step: int = 1
    discount: float = 0.99
    max_abs_reward: float | None = 1.0
    learning_rate: float = 6.25e-5
    adam_epsilon: float = 1.5e-4
    target_update_period: int = 8_000
    pruning: PruningConfig = dataclasses.field(default_factory=PruningConfig)
    evaluation_epsilon: float = 0.001
    sgd_steps_per_call: int = 1

    def __post_init__(self) -> None:
        validation.check_types(self)
        for name in (
            "batch_size",
            "n_step",
            "target_update_period",
            "sgd_steps_per_call",
        ):
            validation.at_least(name, getattr(self, name), 1)
        for name in ("learning_rate", "adam_epsilon"):
            validation.above(name, getattr(self, name), 0)
        for name in ("discount", "evaluation_epsilon"):
            validation.between(name, getattr(self, name), 0, 1)
        if self.max_abs_reward is not None:
            validation.above("max_abs_reward", self.max_abs_reward, 0)
        if self.pruning.sparsity and self.network.phi == "fixed":
            raise validation.not_accepted(
                "network.phi", "fixed", "'learned' or 'redrawn' with pruning.sparsity"
            )

    def make_network(self, num_actions: int) -> Network | RecurrentNetwork:
        """Makes the agent's network, for its builder and for `acme_moe.load`."""
        return make_network(self.network, num_actions)

    @property
    def wants_action_and_reward(self) -> bool:
        """True if observations should include the previous action and reward."""
        return False

    @abc.abstractmethod
    def in_updates(self, length: int) -> int:
        """Returns a length in the agent's unit as updates, at least 1."""


def check_categorical(network: NetworkConfig) -> None:
    """Refuses a network without atoms, for an agent whose loss is C51's.

    Raises:
      ValueError: if it has none.
    """
    if network.num_atoms is None:
        raise ValueError(
            "network.num_atoms: None is not accepted; a number of atoms, such as 51"
        )


def set_complete_options(config: Any) -> None:
    """Sets `loss_options` to all options of the loss, in an agent's `__post_init__`.

    Raises:
      ValueError: if the loss does not take such options.
    """
    complete = complete_options(config.loss, config.loss_options)
    object.__setattr__(config, "loss_options", complete)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnlineAgentConfig(AgentConfig):
    """Settings of every agent that acts; the defaults are those of the paper's DQN.

    Periods and schedules count agent steps (one agent step is `frame_skip` frames),
    so they keep their meaning when the replay ratio changes.

    Attributes:
      replay_ratio: gradient updates per agent step.
      min_replay_size: transitions before learning and the decay of epsilon start.
      max_replay_size: transitions kept.
      epsilon: exploration at the end of its decay from 1.
      epsilon_decay_steps: agent steps that the decay takes.
      samples_per_insert_tolerance: share of `min_replay_size` by which agent steps may
        be ahead of the updates in a run of many processes; in Acme's own loops, where
        the replay table keeps the ratio, ahead or behind. With 0.01, the ratio is
        within 2 % once half as many steps as in the warm-up have followed it.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    replay_ratio: float = 0.25
    min_replay_size: int = 20_000
    max_replay_size: int = 1_000_000
    epsilon: float = 0.01
    epsilon_decay_steps: int = 250_000
    samples_per_insert_tolerance: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("min_replay_size", "epsilon_decay_steps"):
            validation.at_least(name, getattr(self, name), 1)
        for name in ("replay_ratio", "samples_per_insert_tolerance"):
            validation.above(name, getattr(self, name), 0)
        validation.between("epsilon", self.epsilon, 0, 1)
        # Otherwise replay could have no complete item when learning starts.
        validation.at_least(
            "min_replay_size",
            self.min_replay_size,
            self.steps_to_first_item,
            "the steps to replay's first item",
        )
        validation.at_least(
            "max_replay_size",
            self.max_replay_size,
            self.min_replay_size,
            "min_replay_size",
        )

    @property
    def steps_to_first_item(self) -> int:
        """Agent steps in one environment after which replay has at least one item."""
        return self.n_step

    @property
    def max_steps_per_stored_step(self) -> float:
        """Most agent steps that one step in replay's size can stand for.

        The size counts as many steps for an item as in long episodes; see
        `Items.steps_per_item`.
        """
        return 1.0

    def with_epsilon(self, epsilon: float) -> Self:
        """Returns the settings with the exploration of one of several actors.

        Args:
          epsilon: exploration of that actor once the decay is over.

        Raises:
          ValueError: if it is not accepted.
        """
        return dataclasses.replace(self, epsilon=epsilon)

    @functools.cached_property
    def exact_replay_ratio(self) -> Fraction:
        """The ratio as the decimal that was written, free of binary rounding."""
        return Fraction(str(self.replay_ratio))

    def in_updates(self, length: int) -> int:
        """Returns a number of agent steps as updates, at least 1."""
        return max(1, round(length * self.exact_replay_ratio))
