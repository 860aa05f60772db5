"""Value networks whose penultimate layer is a mixture of experts."""

from acme_moe.networks.describe import describe
from acme_moe.networks.outputs import MoEOutput, ValueOutput
from acme_moe.networks.recurrent import RecurrentNetwork, make_recurrent_network
from acme_moe.networks.settings import NetworkConfig
from acme_moe.networks.value_network import Network, make_network, transform

__all__ = [
    "MoEOutput",
    "Network",
    "NetworkConfig",
    "RecurrentNetwork",
    "ValueOutput",
    "describe",
    "make_network",
    "make_recurrent_network",
    "transform",
]
