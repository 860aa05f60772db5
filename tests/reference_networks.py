"""The reference's networks as this library's: settings and parameters by our names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import haiku as hk
import jax
import numpy as np

from acme_moe.networks import NetworkConfig

Arrays = Mapping[str, np.ndarray]
Params = dict[str, dict[str, np.ndarray]]


def network_config(case: Mapping[str, Any], arrays: Arrays) -> NetworkConfig:
    """The settings of a whole network, of Q-values or of distributions.

    Args:
      case: what the manifest says of it.
      arrays: its parameters, `params/<module path>/<name>`.
    """
    moe, tokenizer = parse_variant(case["variant"])
    first = next(iter(encoder_params(arrays).values()))["w"]
    settings: dict[str, Any] = {
        "encoder": "nature_cnn" if case["encoder"] == "cnn" else case["encoder"],
        "moe": moe,
        "tokenizer": tokenizer,
        "num_experts": case["num_experts"],
        "num_atoms": case.get("num_atoms"),
        "v_max": case.get("vmax", 10.0),
        "dueling": case.get("dueling", False),
        "normalization": case.get("normalization", False),
    }
    if settings["encoder"] == "impala":
        settings["impala_filter_size"] = first.shape[0]
        settings["impala_width"] = first.shape[-1] / 16
    if case.get("noisy", False):
        raise ValueError("noisy: the reference's noise is not in the file")
    if moe == "none":
        settings["widen_dense"] = case["variant"] == "baseline_wide"
        settings["expert_width"] = case["hidden"]
    else:
        settings["expert_width"] = arrays["params/ExpertModel_0/net/bias"].shape[-1]
    return NetworkConfig(**settings)


def network_params(config: NetworkConfig, arrays: Arrays) -> Params:
    """The parameters of a whole network."""
    kernels = sorted(k for k in arrays if re.fullmatch(r"params/Dense_\d/kernel", k))
    heads = [key.removesuffix("/kernel") for key in kernels]
    params = encoder_params(arrays)
    if config.moe == "none":
        params["dense"] = dense_params(arrays, heads.pop(0))
    else:
        params |= expert_params(arrays, "params/ExpertModel_0", "moe/experts")
    if config.moe == "soft":
        phi = slot_logits_params(arrays, "params/SoftMoE_0", config.normalization)
        params["moe/slot_logits"] = phi
    elif config.moe == "top1":
        router = arrays["params/MoE_0/router/Dense_0/kernel"]
        params["moe/router"] = {"w": router}
    # Theirs are two layers, the advantages' first; ours lie side by side.
    parts = [dense_params(arrays, path) for path in heads]
    name = "streams" if config.dueling else "value"
    params[f"head/{name}"] = {
        kind: np.concatenate([part[kind] for part in parts], axis=-1)
        for kind in ("w", "b")
    }
    return params


def under(arrays: Arrays, prefix: str) -> Arrays:
    """The parameters that a file has under another name than `params`."""
    return {
        f"params/{key.removeprefix(prefix + '/')}": array
        for key, array in arrays.items()
        if key.startswith(f"{prefix}/")
    }


def movement_error(case: Mapping[str, Any], arrays: Arrays, ours: Any) -> float:
    """Largest difference of parameters, over the largest movement of their array."""
    config = network_config(case, arrays)
    before, after = under(arrays, "params"), under(arrays, "params_after")
    movements = {
        key: np.full_like(array, np.abs(after[key] - array).max())
        for key, array in before.items()
    }
    worst = 0.0
    for module, reference in network_params(config, after).items():
        scales = network_params(config, movements)[module]
        for name, array in reference.items():
            difference = np.abs(np.asarray(ours[module][name]) - array)
            with np.errstate(divide="ignore"):
                shares = np.divide(
                    difference,
                    scales[name],
                    out=np.zeros_like(difference),
                    where=difference != 0,
                )
            worst = np.maximum(worst, shares.max(initial=0.0))  # Passes NaN on.
    return float(worst)


def parse_variant(variant: str) -> tuple[str, str]:
    """The reference's name of a variant as our `moe` and `tokenizer`."""
    if variant in ("baseline", "baseline_wide"):
        return "none", "per_conv"
    moe, _, tokenizer = variant.partition("_")
    return moe, tokenizer


def expert_params(arrays: Arrays, prefix: str, module: str) -> Params:
    """The experts' parameters, of the reference's `prefix` and our `module`."""
    return {
        f"{module}/hidden": dense_params(arrays, f"{prefix}/net"),
        f"{module}/output": dense_params(arrays, f"{prefix}/Dense_0"),
    }


def dense_params(arrays: Arrays, path: str) -> dict[str, np.ndarray]:
    """Weights and bias of a dense or convolutional layer."""
    return {"w": arrays[f"{path}/kernel"], "b": arrays[f"{path}/bias"]}


def slot_logits_params(arrays: Arrays, path: str, normalized: bool) -> dict:
    """Phi and, where it is used, its scale."""
    params = {"phi": arrays[f"{path}/phi_weights"]}
    if normalized:
        params["scale"] = arrays[f"{path}/scalar"].reshape(())
    return params


def encoder_params(arrays: Arrays) -> Params:
    """Parameters of either encoder, under our names."""
    params = {}
    for key in arrays:
        impala = re.fullmatch(r"params/encoder/_stacks_(\d+)/Conv_(\d+)/kernel", key)
        cnn = re.fullmatch(r"params/(?:encoder/)?Conv_(\d+)/kernel", key)
        if impala:
            stack, index = int(impala[1]), int(impala[2])
            name = f"stack_{stack}_conv"
            if index:
                block, layer = divmod(index - 1, 2)
                name = f"stack_{stack}_block_{block}_conv_{layer}"
        elif cnn:
            name = f"conv_{cnn[1]}"
        else:
            continue
        params[f"encoder/{name}"] = dense_params(arrays, key.removesuffix("/kernel"))
    return params


def run(forward: Callable[..., Any], params: Params, *inputs: Any) -> Any:
    """Applies a Haiku function to arrays, and checks that the parameters fit."""
    transformed = hk.without_apply_rng(hk.transform(forward))
    require_same_shapes(params, transformed.init, *inputs)
    return jax.jit(transformed.apply)(params, *inputs)


def require_same_shapes(params: Params, init: Callable[..., Any], *inputs: Any) -> None:
    """Refuses parameters that are not exactly those that `init` would make."""
    wanted = jax.eval_shape(init, jax.random.key(0), *inputs)
    ours = {(m, n): x.shape for m, layer in wanted.items() for n, x in layer.items()}
    given = {(m, n): x.shape for m, layer in params.items() for n, x in layer.items()}
    if ours != given:
        differing = set(ours.items()) ^ set(given.items())
        raise ValueError(f"parameters differ: {sorted(differing)}")
