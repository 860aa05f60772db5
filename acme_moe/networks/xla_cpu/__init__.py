"""Operations in the form whose gradient XLA:CPU computes fast.

Each stands for a plain operation and gives the same values and gradients, ties
included, up to the order in which a sum is taken. With the plain ones XLA:CPU is slow:

- `relu`: `jax.nn.relu` keeps its input for the backward pass, a good part of the memory
  that an update touches.
- `softmax`: sums and maxima over 32 entries or more of the last axis are taken as
  windows, and a division of each entry takes as long as its exponential.
- `matmul`: the weights' gradient takes a transposed copy of that of many rows, and
  with fewer outputs than inputs it takes several times as long as the other way round.
  The gradient of few rows takes up to 20 times as long by large weights transposed as
  the other way round.
- `add_bias`: the bias's gradient sums over all rows, which takes several times as long
  as a matrix product with the same result.
- `experts_affine`: the gradients of weights and biases sum over examples and slots,
  which is many times slower over two axes than over one.
- `max_pool`: the gradient is a scatter, which takes several times as long as the
  forward pass.
- `convolve`: a convolution of few channels takes twice as long as one of many with the
  same arithmetic.

GPUs neither need these forms nor suffer from them; `convolve` is the plain one there.

Two loops are also written for XLA:CPU, which is slow at convolutions inside a loop: see
`variants.whole_networks` and `acme_moe.learning.update`.
"""

from __future__ import annotations

from acme_moe.networks.xla_cpu.activations import relu, softmax
from acme_moe.networks.xla_cpu.convolution import convolve
from acme_moe.networks.xla_cpu.pooling import max_pool
from acme_moe.networks.xla_cpu.products import add_bias, experts_affine, matmul

__all__ = [
    "add_bias",
    "convolve",
    "experts_affine",
    "matmul",
    "max_pool",
    "relu",
    "softmax",
]
