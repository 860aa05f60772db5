"""The table's own limiter, which holds the ratio in Acme's layouts."""

import ipaddress

import numpy as np
import pytest
import reverb
from acme import specs

from acme_moe import replay
from acme_moe.agents.dqn import DQNBuilder, DQNConfig

SPEC = specs.EnvironmentSpec(
    observations=specs.Array((2,), np.float32),
    actions=specs.DiscreteArray(2),
    rewards=specs.Array((), np.float32),
    discounts=specs.BoundedArray((), np.float32, 0, 1),
)


def insert_until_blocked(client, most):
    """Writes transitions until the limiter holds them back."""
    row = {
        "observation": np.zeros(2, np.float32),
        "action": np.int32(0),
        "reward": np.float32(0),
        "discount": np.float32(1),
    }
    writer = client.trajectory_writer(1)
    writer.append(row)
    history = writer.history
    for _ in range(most):
        writer.create_item(
            "transitions",
            1.0,
            (
                history["observation"][-1],
                history["action"][-1],
                history["reward"][-1],
                history["discount"][-1],
                history["observation"][-1],
            ),
        )
        try:
            writer.flush(timeout_ms=50)
        except reverb.DeadlineExceededError:
            # What waits is given up with the writer.
            return


def sample_until_blocked(client):
    samples = reverb.TrajectoryDataset.from_table_signature(
        client.server_address,
        "transitions",
        max_in_flight_samples_per_worker=1,
        num_workers_per_iterator=1,
        rate_limiter_timeout_ms=50,
    )
    for _ in samples:
        pass


@pytest.mark.parametrize("ratio", [0.01, 0.25, 1.0, 8.0])
def test_whoever_is_slow_the_ratio_is_within_two_percent(ratio):
    config = DQNConfig(replay_ratio=ratio, min_replay_size=400, batch_size=4)
    server = reverb.Server(DQNBuilder(config).make_replay_tables(SPEC), port=None)
    client = reverb.Client(f"localhost:{server.port}")
    off = []
    while True:
        insert_until_blocked(client, 150)
        sample_until_blocked(client)
        info = client.server_info()["transitions"].rate_limiter_info
        steps = info.insert_stats.completed - config.min_replay_size
        if steps > 0:
            off.append(info.sample_stats.completed / 4 - ratio * steps)
        if steps > 100:
            break
    server.stop()
    # A batch either way, or 2 % of the updates once there were 400 agent steps.
    assert all(abs(x) <= max(2.0, 0.02 * ratio * 400) for x in off)


def test_a_loop_that_keeps_the_ratio_itself_does_not_wait():
    config = DQNConfig(replay_ratio=0.25, min_replay_size=10, batch_size=4)
    server, client = replay.start_server(DQNBuilder(config).make_replay_tables(SPEC))
    # A host may have no name for itself.
    ipaddress.ip_address(client.server_address.split(":")[0])
    insert_until_blocked(client, 300)
    assert client.server_info()["transitions"].current_size == 300
    server.stop()
