"""Three layers of `study.py` with Adam's usual epsilon, 1e-8."""

import dataclasses
from pathlib import Path

from acme_moe import files
from acme_moe.studies import catalogue
from acme_moe.studies.catalogue import BASELINE, DQN_MINATAR, GAP, SOFT_MOE
from acme_moe.studies.study import Study

_PLANNED = files.load_module(Path(__file__).with_name("study.py")).get_study()

# Names of their own, so that they can stand beside the planned arms in a report.
_LAYERS = tuple(
    layer._replace(series=f"{layer.series}, epsilon 1e-8")
    for layer in (BASELINE, SOFT_MOE, GAP)
)


def get_study() -> Study:
    """Returns the dense layer, Soft MoE and global average pooling, else as planned."""
    return dataclasses.replace(
        _PLANNED,
        name="minatar_adam_epsilon",
        title="Adam's epsilon 1e-8, 8 experts",
        arms=catalogue.arms((DQN_MINATAR,), _LAYERS, {"adam_epsilon": 1e-8}),
    )
