"""What figure 10 of the MoE paper shows of a network, and what its mixture does.

Pure functions on arrays, to be called inside `jit`, and their one composition.
"""

from acme_moe.diagnostics.matrices import effective_rank, feature_norm, numerical_rank
from acme_moe.diagnostics.measure import Measure, Probe, make_measure, transition_probe
from acme_moe.diagnostics.neurons import dormant, dormant_share, neuron_layers
from acme_moe.diagnostics.ntk import empirical_ntk
from acme_moe.diagnostics.routing import entropy, gradient_norms, router_statistics
from acme_moe.diagnostics.settings import DiagnosticsConfig

__all__ = [
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
    "make_measure",
    "neuron_layers",
    "numerical_rank",
    "router_statistics",
    "transition_probe",
]
