"""Opens the replay of a run in one process, with what its checkpoint holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from acme_moe import replay
from acme_moe.runs.assembly import Parts, draw_seeds
from acme_moe.runs.checkpoint import Checkpoint
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.learner_session import TrainingData

if TYPE_CHECKING:
    import reverb

# Keeps the draw of the samples' seed apart from the run's other draws.
_SAMPLES = 2


def replay_data(
    parts: Parts,
    client: reverb.Client | replay.ReplayServers | replay.LocalReplay,
    stored: Sequence[replay.ReplayClient],
) -> TrainingData:
    """Returns the batches of a run that acts.

    Those of servers are fetched ahead by a thread. Those of a replay in the process are
    sampled when they are asked for, so that they depend on the order of events alone.

    Args:
      parts: builder, network and environments of the run.
      client: client of the server or servers that are sampled from, or the replay.
      stored: the servers, or the replay, whose contents go into checkpoints.
    """
    samples: Any = parts.builder.make_dataset_iterator(client)
    if not isinstance(client, replay.LocalReplay):
        samples = replay.Prefetcher(samples)
    return TrainingData(
        samples=samples,
        replay_client=client,
        stored=stored,
        sample_spec=parts.builder.sample_spec(parts.environment_spec, parts.network),
    )


def open_server(
    parts: Parts, checkpoints: Checkpoints, restored: Checkpoint | None
) -> tuple[reverb.Client, Callable[[], None]]:
    """Starts a Reverb server.

    Args:
      parts: builder, network and environments of the run.
      checkpoints: the run's checkpoints, which hold its contents.
      restored: the checkpoint to start from; None to start empty.

    Returns:
      A client of the server, and the function that stops it.
    """
    tables = parts.builder.make_replay_tables(parts.environment_spec)
    server, client = replay.start_server(
        tables, checkpointer=checkpoints.reverb_checkpointer(restored)
    )
    return client, server.stop


def open_seeded(
    parts: Parts, checkpoints: Checkpoints, restored: Checkpoint | None
) -> replay.LocalReplay:
    """Makes a replay in the process; arguments as of `open_server`."""
    (seed,) = draw_seeds(parts.spec.run.seed, 0, _SAMPLES, count=1)
    client = replay.LocalReplay(
        parts.builder.replay_settings(parts.environment_spec),
        seed,
        checkpoints.spool(),
    )
    if restored and restored.replay_path:
        client.restore(restored.replay_path)
    return client
