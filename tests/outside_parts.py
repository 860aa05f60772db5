"""Parts from outside: some do what their interface asks, each of others fails in it."""

import dataclasses
import enum
from collections.abc import Sequence

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe.networks import layers
from acme_moe.networks.interfaces import ExpertSpec, HeadSpec, LayerKinds
from acme_moe.networks.soft_moe import SoftMoE


@dataclasses.dataclass(frozen=True)
class Scaled:
    """A Soft MoE whose output is scaled; good."""

    factor: float = 1.0
    widths: tuple[int, ...] = (1,)
    bias: bool = False
    area: int = dataclasses.field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "area", sum(self.widths))
        if self.factor < 0:
            raise ValueError(f"factor: {self.factor} is not accepted; at least 0")

    def mix(self, tokens, experts):
        layer = SoftMoE(experts.num_experts, experts.num_slots, experts.hidden_units)
        return layer(tokens)

    def __call__(self, tokens: jax.Array, experts: ExpertSpec):
        mixed = self.mix(tokens, experts)
        factor = jnp.asarray(self.factor, tokens.dtype)
        return mixed._replace(tokens=factor * mixed.tokens)


@dataclasses.dataclass(frozen=True)
class Summed(Scaled):
    """An option whose type is not checked; good."""

    rows: Sequence[int] = ()

    def __post_init__(self):
        object.__setattr__(self, "area", sum(self.rows))


@dataclasses.dataclass(frozen=True)
class Required:
    """An option without a default."""

    size: int

    def __call__(self, features):
        return features.reshape(features.shape[0], -1, self.size)


@dataclasses.dataclass(frozen=True)
class Misplaced:
    """Has one token, and says that each position is one."""

    def __call__(self, features):
        return features.reshape(features.shape[0], 1, -1)

    def grid(self, height, width):
        return height, width


class NotFrozen:
    """No dataclass."""

    def __call__(self, tokens, experts):
        return tokens


class Float32(Scaled):
    """Does not keep the dtype."""

    def __call__(self, tokens, experts: ExpertSpec):
        mixed = self.mix(tokens, experts)
        return mixed._replace(tokens=mixed.tokens.astype(jnp.float32))


class Narrow(Scaled):
    """Returns tokens of another size."""

    def __call__(self, tokens, experts: ExpertSpec):
        mixed = self.mix(tokens, experts)
        return mixed._replace(tokens=mixed.tokens[..., :-1])


class Normalised(Scaled):
    """A norm without a gradient at zero."""

    def __call__(self, tokens, experts: ExpertSpec):
        norm = jnp.linalg.norm(tokens, axis=-1, keepdims=True)
        return self.mix(tokens / (norm + 1e-6), experts)


class OverBatch(Scaled):
    """Centres the batch."""

    def __call__(self, tokens, experts: ExpertSpec):
        return self.mix(tokens - tokens.mean(axis=0), experts)


class Noisy(Scaled):
    """Draws noise in evaluation."""

    def __call__(self, tokens, experts: ExpertSpec):
        noise = jax.random.normal(hk.next_rng_key(), tokens.shape, tokens.dtype)
        return self.mix(tokens + noise, experts)


class Lossy(Scaled):
    """Says that tokens are dropped, and served all the same."""

    def __call__(self, tokens, experts: ExpertSpec):
        mixed = self.mix(tokens, experts)
        moe = mixed.moe._replace(dropped=mixed.moe.dropped + 0.5)
        return mixed._replace(moe=moe)


class Branching(Scaled):
    """Looks at values."""

    def __call__(self, tokens, experts: ExpertSpec):
        return self.mix(tokens if tokens.sum() > 0 else -tokens, experts)


class PerExample(Scaled):
    """A parameter for each example of the batch."""

    def __call__(self, tokens, experts: ExpertSpec):
        shape = (tokens.shape[0], 1, 1)
        bias = layers.get_parameter("bias", shape, tokens.dtype, jnp.zeros)
        return self.mix(tokens + bias, experts)


class Rounding(Scaled):
    """Parameters that are not float32."""

    def __call__(self, tokens, experts: ExpertSpec):
        b = hk.get_parameter("b", (), jnp.bfloat16, jnp.zeros)
        return self.mix(tokens + b.astype(tokens.dtype), experts)


class Haikus(Scaled):
    """Parameters of the input's dtype, as Haiku's own layers have them."""

    def __call__(self, tokens, experts: ExpertSpec):
        return self.mix(hk.Linear(tokens.shape[-1])(tokens), experts)


def pooled(x: jax.Array, kinds: LayerKinds):
    """An encoder."""
    y = jax.nn.relu(kinds.conv(4, 8, 8, name="conv")(x))
    return y, {"conv": y}


def unpadded(x: jax.Array, kinds: LayerKinds):
    """An encoder of layers without names, and without padding."""
    for _ in range(2):
        x = jax.nn.relu(kinds.conv(3, 3, padding="VALID")(x))
    x = jax.nn.relu(kinds.dense(5)(x.reshape(x.shape[0], -1)))
    return x, {}


def vectors(x: jax.Array, kinds: LayerKinds):
    """An encoder of vectors."""
    y = jax.nn.relu(kinds.dense(8, name="dense")(x))
    return y, {"dense": y}


vectors.takes = "vectors"


def tanh_head(features: jax.Array, head: HeadSpec):
    """A head."""
    atoms = head.num_atoms or 1
    values = jnp.tanh(head.dense(head.num_actions * atoms, name="value")(features))
    values = values.reshape(-1, head.num_actions, atoms)
    return values if head.num_atoms else values[..., 0]


def log_cosh(errors):
    """A loss."""
    return jnp.logaddexp(errors, -errors) - jnp.log(2.0)


@dataclasses.dataclass(frozen=True)
class Power:
    """A loss with options, of which one has no default."""

    exponent: float
    factor: float = 1.0

    def __post_init__(self):
        if self.exponent < 1:
            raise ValueError(f"exponent: {self.exponent} is not accepted; at least 1")

    def __call__(self, errors):
        return self.factor * jnp.abs(errors) ** self.exponent


@dataclasses.dataclass(frozen=True)
class Cubic:
    """A loss with an option of the same name as another's."""

    factor: float = 3.0

    def __call__(self, errors):
        return self.factor * jnp.abs(errors) ** 3


class Direction(enum.Enum):
    """What no JSON holds."""

    UP = 1


@dataclasses.dataclass(frozen=True)
class Rounded:
    """A loss with an option that `config.json` cannot hold."""

    direction: Direction = Direction.UP

    def __call__(self, errors):
        return errors**2


def mean_loss(errors):
    """Not a loss of each error."""
    return errors**2 - jnp.mean(errors)


def of_categories(logits, targets, atoms):
    """A loss of categories."""
    return jnp.square(jax.nn.softmax(logits) @ atoms - targets)


def shifted(logits, targets, atoms):
    """A loss of categories that may be negative."""
    return of_categories(logits, targets, atoms) - 1.0


def mean_of_categories(logits, targets, atoms):
    """Not a loss of each example."""
    return of_categories(logits, targets - targets.mean(), atoms)
