"""Figure 6: what should a token be?"""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study

_TOKENS = {"per_conv": "PerConv", "per_feat": "PerFeat", "per_samp": "PerSamp"}


def get_study() -> Study:
    """Rainbow with both mixtures of 8 experts, and three tokenizers."""
    layers = [
        catalogue.Layer(
            f"{layer.series}, {label}", {**layer.settings, "network.tokenizer": name}
        )
        for layer in (catalogue.SOFT_MOE, catalogue.TOP1_MOE)
        for name, label in _TOKENS.items()
    ]
    return Study(
        name="figure_6",
        title="Tokenization, 8 experts",
        games=SUITES["atari_20"],
        arms=catalogue.arms((catalogue.RAINBOW,), layers),
    )
