"""Checks every case of a folder of reference arrays.

`python tests/check_reference.py DIR` reads `DIR/manifest.json` and the `.npz` file of
each case, runs this library on the inputs with the reference's parameters, prints a
line a case with the largest error, and exits with 1 where a case fails or is of a kind
that it does not know.

An error is `max |ours - reference| / max(1, max |reference|)`, and may be 1e-5 for
single modules and losses and 1e-4 for whole networks; frames have to be equal. After
training steps parameters may differ by 1e-2 of the largest movement in their array.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# As a program it checks the library that it lies beside.
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from acme_moe.networks import NetworkConfig, heads, make_network, noisy
from acme_moe.networks.soft_moe import SoftMoE
from acme_moe.networks.top1_moe import Top1MoE
from tests.reference_networks import (
    Arrays,
    expert_params,
    movement_error,
    network_config,
    network_params,
    require_same_shapes,
    run,
    slot_logits_params,
)

MODULE_TOLERANCE = 1e-5
NETWORK_TOLERANCE = 1e-4
# Of training steps: Adam divides by the gradient's size, so small differences grow.
STEP_TOLERANCES = {"losses": 1e-4, "priorities": 1e-4, "movement": 1e-2}

# A case's settings and arrays -> the largest error of each output.
Check = Callable[[Mapping[str, Any], Arrays], dict[str, float]]


def error(ours: Any, reference: np.ndarray) -> float:
    """Largest difference, relative where the reference is larger than 1."""
    ours, reference = np.asarray(ours), np.asarray(reference)
    if ours.shape != reference.shape:
        raise ValueError(f"shape {ours.shape}, reference {reference.shape}")
    if reference.size == 0:
        return 0.0
    difference = np.abs(ours.astype(np.float64) - reference.astype(np.float64))
    return float(difference.max() / max(1.0, np.abs(reference).max()))


def check_soft_moe(case: Mapping[str, Any], arrays: Arrays) -> dict[str, float]:
    """One Soft MoE layer."""
    _, num_experts, slots = arrays["params/phi_weights"].shape
    units = arrays["params/module/net/kernel"].shape[-1]
    normalization = case["normalization"]

    def forward(tokens: jax.Array) -> Any:
        layer = SoftMoE(num_experts, slots, units, normalization=normalization)
        return layer(tokens)

    params = {
        "moe/slot_logits": slot_logits_params(arrays, "params", normalization),
        **expert_params(arrays, "params/module", "moe/experts"),
    }
    tokens, hidden, moe = run(forward, params, arrays["tokens"][None])
    config = NetworkConfig(num_experts=num_experts)
    if config.slots(arrays["tokens"].shape[0]) != slots:
        raise ValueError(f"slots: {slots} is not what capacity factor 1 gives")
    return {
        "outputs": error(tokens[0], arrays["outputs"]),
        "experts_hidden": error(hidden[0], arrays["experts_hidden"]),
        "router_probabilities": error(
            moe.probabilities[0], arrays["router_probabilities"]
        ),
    }


def check_top1_moe(case: Mapping[str, Any], arrays: Arrays) -> dict[str, float]:
    """One top-1 layer."""
    num_experts = arrays["params/router/Dense_0/kernel"].shape[-1]
    units = arrays["params/module/net/kernel"].shape[-1]

    def forward(tokens: jax.Array) -> Any:
        return Top1MoE(num_experts, case["capacity"], units)(tokens)

    params = {
        "moe/router": {"w": arrays["params/router/Dense_0/kernel"]},
        **expert_params(arrays, "params/module", "moe/experts"),
    }
    tokens, _, moe = run(forward, params, arrays["tokens"][None])
    chosen = moe.probabilities[0].argmax(axis=-1, keepdims=True)
    return {
        "outputs": error(tokens[0], arrays["outputs"]),
        "router_logits": error(moe.logits[0], arrays["router_logits"]),
        "router_probabilities": error(
            moe.probabilities[0], arrays["router_probabilities"]
        ),
        "top_experts": error(chosen, arrays["top_experts"]),
    }


def check_network(case: Mapping[str, Any], arrays: Arrays) -> dict[str, float]:
    """A whole network, of Q-values or of distributions."""
    config = network_config(case, arrays)
    params = network_params(config, arrays)
    network = make_network(config, case["num_actions"])
    require_same_shapes(params, network.init, arrays["observations"])
    apply = jax.jit(network.apply, static_argnums=3)
    output = apply(params, None, arrays["observations"], True)
    errors = {"q_values": error(output.q_values, arrays["q_values"])}
    if "logits" in arrays:
        errors["logits"] = error(output.logits, arrays["logits"])
        errors["support"] = error(output.atoms, arrays["support"])
    return errors


def check_noisy_linear(case: Mapping[str, Any], arrays: Arrays) -> dict[str, float]:
    """One noisy layer with given noise."""
    del case
    output = noisy.noisy_affine(
        jnp.asarray(arrays["x"])[None],
        jnp.asarray(arrays["params/kernel_mu"]),
        jnp.asarray(arrays["params/bias_mu"]),
        jnp.asarray(arrays["params/kernel_sigma"]),
        jnp.asarray(arrays["params/bias_sigma"]),
        jnp.asarray(arrays["eps_in"]),
        jnp.asarray(arrays["eps_out"]),
    )
    return {"y": error(output[0], arrays["y"])}


def check_dqn_loss(case: Mapping[str, Any], arrays: Arrays) -> dict[str, float]:
    """The Q-learning loss."""
    from acme_moe import losses

    errors = losses.q_learning_errors(
        arrays["q_values"],
        arrays["actions"],
        arrays["rewards"],
        case["discount"] * (1.0 - arrays["terminals"].astype(np.float32)),
        arrays["next_q_values"],
    )
    return {
        "huber": error(losses.huber(errors), arrays["huber"]),
        "mse": error(losses.squared(errors), arrays["mse"]),
    }


def check_c51_double_loss(case: Mapping[str, Any], arrays: Arrays) -> dict[str, float]:
    """Rainbow's loss, and what prioritised replay adds to it and takes from it."""
    from acme_moe import losses

    atoms = heads.support(arrays["logits"].shape[-1], case["vmax"])
    alive = 1.0 - arrays["terminals"].astype(np.float32)
    discounts = jnp.asarray(case["cumulative_discount"] * alive)
    selector = heads.expected_values(arrays["next_logits_online"], atoms)
    rows = np.arange(len(discounts))
    next_logits = arrays["next_logits_target"][rows, selector.argmax(axis=-1)]
    errors = losses.categorical_double_q_losses(
        arrays["logits"],
        atoms,
        arrays["actions"],
        arrays["rewards"],
        discounts,
        arrays["next_logits_target"],
        selector,
    )
    target = losses.projected_targets(
        atoms, arrays["rewards"], discounts, jax.nn.softmax(next_logits)
    )
    weights = losses.importance_weights(arrays["sampling_probabilities"])
    ours = {
        "target_distribution": target,
        "per_sample_loss": errors,
        "importance_weights": weights,
        "mean_loss": jnp.mean(weights * errors),
        "new_priorities": losses.priorities(errors),
    }
    return {name: error(value, arrays[name]) for name, value in ours.items()}


def check_train_step(case: Mapping[str, Any], arrays: Arrays) -> dict[str, float]:
    """Gradient steps on one batch, with a target that is held."""
    from tests import reference_steps

    steps = reference_steps.take_steps(
        case, arrays, [arrays] * case["steps"], target_update_period=case["steps"] + 1
    )
    errors = {
        "losses": error(steps.losses, arrays["losses"]),
        "movement": movement_error(case, arrays, steps.params),
    }
    if "priorities" in arrays:
        errors["priorities"] = error(steps.priorities, arrays["priorities"])
    return errors


def check_load_balancing(case: Mapping[str, Any], arrays: Arrays) -> dict[str, float]:
    """The importance loss and the load loss."""
    from acme_moe import losses

    logits = arrays["router_logits"]
    importance = losses.importance_loss(jax.nn.softmax(logits))
    stddev = case["std_scale"] / logits.shape[-1]
    load = losses.load_loss(logits, arrays["standard_normal_noise"], stddev)
    return {
        "importance_loss": error(
            case["importance_weight"] * importance, arrays["importance_loss"]
        ),
        "load_loss": error(case["load_weight"] * load, arrays["load_loss"]),
    }


def check_ale_trajectory(case: Mapping[str, Any], arrays: Arrays) -> dict[str, float]:
    """Frames, rewards and terminals of a game, which have to be equal."""
    from acme_moe.environments import AtariConfig, AtariEnvironment

    config = AtariConfig(
        sticky_action_probability=0.0,
        terminal_on_life_loss=case["terminal_on_life_loss"],
        frame_skip=case["frame_skip"],
    )
    environment = AtariEnvironment(case["game"], case["ale_random_seed"], config)
    frames = [environment.reset().observation[..., -1]]
    rewards, terminals = [], []
    for action in arrays["actions"]:
        step = environment.step(action)
        frames.append(step.observation[..., -1])
        rewards.append(step.reward)
        terminals.append(step.last())
        if step.last():
            new_game = environment.game_over
            first = environment.reset()
            # After a lost life the emulator is not reset: no frame of its own.
            if new_game:
                frames.append(first.observation[..., -1])
    ours = {"frames": frames, "rewards": rewards, "terminals": terminals}
    return {name: error(np.stack(ours[name]), arrays[name]) for name in ours}


CHECKS: dict[str, tuple[Check, float | dict[str, float]]] = {
    "soft_moe": (check_soft_moe, MODULE_TOLERANCE),
    "top1_moe": (check_top1_moe, MODULE_TOLERANCE),
    "dqn_network": (check_network, NETWORK_TOLERANCE),
    "rainbow_network": (check_network, NETWORK_TOLERANCE),
    "noisy_linear": (check_noisy_linear, MODULE_TOLERANCE),
    "c51_double_loss": (check_c51_double_loss, MODULE_TOLERANCE),
    "train_step": (check_train_step, STEP_TOLERANCES),
    "load_balancing": (check_load_balancing, MODULE_TOLERANCE),
    "dqn_loss": (check_dqn_loss, MODULE_TOLERANCE),
    "ale_trajectory": (check_ale_trajectory, 0.0),
}


def check_case(name: str, case: Mapping[str, Any], folder: pathlib.Path) -> bool:
    """Checks one case and prints its line; returns whether it passes."""
    if case["kind"] not in CHECKS:
        print(f"FAIL {name}: kind {case['kind']!r} is not known")
        return False
    check, tolerance = CHECKS[case["kind"]]
    try:
        with np.load(folder / f"{name}.npz") as file:
            errors = check(case, {key: file[key] for key in file.files})
    except Exception as problem:
        print(f"FAIL {name}: {type(problem).__name__}: {problem}")
        return False
    if not isinstance(tolerance, dict):
        tolerance = dict.fromkeys(errors, tolerance)
    wrong = {output for output in errors if not errors[output] <= tolerance[output]}
    worst = max(errors, key=lambda output: (output in wrong, errors[output]))
    verdict, limit = "FAIL" if wrong else "ok  ", tolerance[worst]
    print(f"{verdict} {name}: {errors[worst]:.2e} in {worst} (at most {limit:.0e})")
    return not wrong


def main(folder: pathlib.Path) -> int:
    """Checks a folder; returns the exit status."""
    manifest = json.loads((folder / "manifest.json").read_text())
    results = [check_case(name, case, folder) for name, case in manifest.items()]
    print(f"{sum(results)} of {len(results)} cases are right")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/check_reference.py DIR")
    sys.exit(main(pathlib.Path(sys.argv[1])))
