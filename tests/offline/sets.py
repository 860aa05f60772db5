"""Sets written the plain way, and their transitions by brute force."""

import gzip
import io

import numpy as np


def save(path, name, number, array):
    stream = io.BytesIO()
    np.save(stream, array)
    with gzip.open(path / f"{name}_ckpt.{number}.gz", "wb") as file:
        file.write(stream.getvalue())


def write_file(path, number, columns, *, count=None, stack=4):
    """A file of the set; `columns` are observation, action, reward, terminal."""
    observation, action, reward, terminal = columns
    rows = len(action)
    count = rows if count is None else count
    save(path, "$store$_observation", number, observation)
    save(path, "$store$_action", number, action.astype(np.int32))
    save(path, "$store$_reward", number, reward.astype(np.float32))
    save(path, "$store$_terminal", number, terminal.astype(np.uint8))
    save(path, "add_count", number, np.array(count))
    # Dopamine's formula, with the horizon of 1 that the set was recorded with.
    invalid = (count % rows - 1 + np.arange(stack + 1)) % rows
    save(path, "invalid_range", number, invalid)


def random_columns(lengths, seed, *, shape=(5, 4), stack=4, num_actions=3, cut=0):
    """Rows of episodes of these lengths, padded as the published ones are.

    Each frame is unlike all others. Of the last episode, `cut` rows are missing.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for length in lengths:
        frames = rng.integers(1, 256, (length, *shape), dtype=np.uint8)
        action = rng.integers(0, num_actions, length)
        reward = rng.normal(size=length) * 2
        terminal = np.arange(length) == length - 1
        pad = stack - 1
        parts.append(
            (
                np.concatenate([np.zeros((pad, *shape), np.uint8), frames]),
                np.concatenate([np.zeros(pad, int), action]),
                np.concatenate([np.zeros(pad), reward]),
                np.concatenate([np.zeros(pad, bool), terminal]),
            )
        )
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    keep = len(columns[0]) - cut
    return [column[:keep] for column in columns]


def write_noise(path, lengths=(150, 150), **settings):
    """A set of one file, whose episodes are of noise; see `random_columns`."""
    path.mkdir(parents=True)
    write_file(path, 0, random_columns(lengths, seed=0, **settings))


def brute_force(columns, *, stack, n_step, discount, clip, invalid, breaks=()):
    """All transitions of one file, a row at a time, straight from the definition."""
    observation, action, reward, terminal = columns
    rows = len(action)
    found = []
    for row in range(rows):
        if row in invalid or row - stack + 1 < 0:
            continue
        # Only the newest frame of a stack may be the end of an episode.
        before = range(row - stack + 1, row)
        if any(terminal[i] or i in breaks for i in before):
            continue
        total, factor, ended, complete = 0.0, 1.0, False, True
        for i in range(row, row + n_step):
            if i >= rows:
                complete = False
                break
            total += factor * float(np.clip(np.float32(reward[i]), -clip, clip))
            factor *= discount
            if terminal[i]:
                ended = True
                break
            if i in breaks:
                complete = False
                break
        after = row + n_step
        if not complete or (not ended and after >= rows):
            continue
        state = observation[row - stack + 1 : row + 1]
        successor = None if ended else observation[after - stack + 1 : after + 1]
        found.append(
            (
                state,
                int(action[row]),
                total,
                0.0 if ended else discount ** (n_step - 1),
                successor,
            )
        )
    return found
