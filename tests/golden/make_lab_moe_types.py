"""Makes `lab_moe_types.npz`: what each `MoEType` of dopamine's `labs/moes` computes.

Run with an interpreter that has dopamine-rl 4.1.2:

    python tests/golden/make_lab_moe_types.py tests/golden/lab_moe_types.npz

The file has images, the parameters of the Nature network by dopamine's names, and for
each type that is not a mixture the Q-values and the hidden units, `<type>/q_values` and
`<type>/hidden`. The encoder's parameters and the first dense layer's are the same for
all types but `SIMPLICIAL_EMBEDDING_V2`, whose dense layer is wider.
"""

import pathlib
import sys

import jax
import numpy as np
from dopamine.labs.moes.architectures import networks

TYPES = (
    "BASELINE",
    "EXPERTCHOICE",
    "SIMPLICIAL_EMBEDDING_V1",
    "SIMPLICIAL_EMBEDDING_V2",
)
NUM_EXPERTS, WIDTH, NUM_ACTIONS = 3, 5, 4


def main(path: pathlib.Path) -> None:
    """Writes the file."""
    # Channels that no kernel of the third layer needs would be half of the file.
    images = np.random.default_rng(0).integers(0, 256, (2, 24, 16, 1)).astype(np.uint8)
    arrays = {"images": images}
    for moe_type in TYPES:
        network = networks.NatureDQNMoE(
            num_actions=NUM_ACTIONS,
            moe_type=moe_type,
            num_experts=NUM_EXPERTS,
            expert_hidden_units=WIDTH,
        )
        key = jax.random.PRNGKey(1)
        params = network.init(key, images[0], key=key)
        for keys, value in jax.tree_util.tree_flatten_with_path(params)[0]:
            name = "/".join(str(part.key) for part in keys)
            dense = "Dense" in name and "V2" in moe_type
            arrays[f"{moe_type}/{name}" if dense else name] = np.asarray(value)
        outputs = [network.apply(params, image, key=key) for image in images]
        arrays[f"{moe_type}/q_values"] = np.stack([x.q_values for x in outputs])
        arrays[f"{moe_type}/hidden"] = np.stack([x.hidden_act for x in outputs])
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
