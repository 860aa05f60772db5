"""Episodes whose observations, actions and rewards are known for every step."""

import dm_env
import numpy as np
import reverb
from acme import specs

from acme_moe.replay import to_tensor_specs
from acme_moe.specs import StackedFrames

HEIGHT, WIDTH, STACK = 3, 2, 4
NUM_ACTIONS = 5


def make_spec(observation):
    return specs.EnvironmentSpec(
        observations=observation,
        actions=specs.DiscreteArray(NUM_ACTIONS, dtype=np.int32),
        rewards=specs.Array((), np.float32),
        discounts=specs.BoundedArray((), np.float32, 0, 1),
    )


def stack(t):
    """Frames t-3 to t, zero before the episode; frame t is filled with t + 1."""
    values = np.maximum(np.arange(t - STACK + 2, t + 2), 0).astype(np.uint8)
    return np.broadcast_to(values, (HEIGHT, WIDTH, STACK))


def vector(t):
    return np.array([t, -t], np.float32)


def nest(t):
    return {"image": stack(t), "vector": vector(t)}


FRAMES = make_spec(StackedFrames(HEIGHT, WIDTH, STACK))
VECTOR = make_spec(specs.Array((2,), np.float32))
NEST = make_spec({"image": FRAMES.observations, "vector": VECTOR.observations})

# Name -> spec, and the observation of a step.
OBSERVATIONS = {
    "frames": (FRAMES, stack),
    "vector": (VECTOR, vector),
    "nest": (NEST, nest),
}


def action(t):
    """The action that leads to observation t."""
    return np.int32(t % NUM_ACTIONS)


def play(adder, observe, rewards, truncated, extras=lambda t: ()):
    """Adds an episode; `extras` are those of the action that leads to t."""
    adder.add_first(dm_env.restart(observe(0)))
    last = len(rewards)
    for t, reward in enumerate(rewards, 1):
        make = dm_env.transition
        if t == last:
            make = dm_env.truncation if truncated else dm_env.termination
        timestep = make(np.float32(reward), observe(t))
        timestep = timestep._replace(discount=np.float32(timestep.discount))
        adder.add(action(t), timestep, extras(t))


def take(client, table, count):
    """The oldest items of a queue, as the lists of arrays that they arrive as."""
    return [
        sample.data
        for sample in (
            next(iter(client.sample(table, 1, emit_timesteps=False)))
            for _ in range(count)
        )
    ]


def bytes_per_byte_of_frames(folder, signature, make_adder, extras=lambda t: ()):
    """Size of a replay of noise, which does not compress, over that of its frames."""
    rng = np.random.default_rng(0)
    side, steps = 84, 200
    spec = make_spec(StackedFrames(side, side, STACK))
    server = reverb.Server(
        [
            reverb.Table(
                "t",
                reverb.selectors.Uniform(),
                reverb.selectors.Fifo(),
                1000,
                reverb.rate_limiters.MinSize(1),
                signature=to_tensor_specs(signature(spec)),
            )
        ],
        port=None,
        checkpointer=reverb.checkpointers.DefaultCheckpointer(str(folder)),
    )
    client = reverb.Client(f"localhost:{server.port}")
    adder = make_adder(client, spec)
    frames = rng.integers(0, 256, (steps + STACK, side, side), np.uint8)

    def observe(t):
        observation = np.moveaxis(frames[t : t + STACK], 0, -1).copy()
        if t == 0:
            observation[..., :-1] = 0
        return observation

    play(adder, observe, np.zeros(steps - 1), truncated=False, extras=extras)
    adder.close()
    client.checkpoint()
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    server.stop()
    return size / (steps * side * side)
