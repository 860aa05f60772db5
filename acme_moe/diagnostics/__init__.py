"""The measures of figure 10 of the MoE paper, and statistics of a mixture.

Pure functions on arrays, to be called inside `jit`, and `make_measure`, which combines
them.
"""

from acme_moe.diagnostics.authors import (
    hidden_statistics,
    kernel_statistics,
    value_statistics,
)
from acme_moe.diagnostics.matrices import effective_rank, feature_norm, numerical_rank
from acme_moe.diagnostics.measure import Measure, Probe, make_measure, transition_probe
from acme_moe.diagnostics.neurons import dormant, dormant_share, neuron_layers
from acme_moe.diagnostics.ntk import empirical_ntk
from acme_moe.diagnostics.routing import entropy, gradient_norms, router_statistics
from acme_moe.diagnostics.settings import DEFINITIONS, DiagnosticsConfig

__all__ = [
    "DEFINITIONS",
    "DiagnosticsConfig",
    "Measure",
    "Probe",
    "dormant",
    "dormant_share",
    "effective_rank",
    "empirical_ntk",
    "entropy",
    "feature_norm",
    "gradient_norms",
    "hidden_statistics",
    "kernel_statistics",
    "make_measure",
    "neuron_layers",
    "numerical_rank",
    "router_statistics",
    "transition_probe",
    "value_statistics",
]
