"""The node that holds replay."""

from __future__ import annotations

import math
import time
from pathlib import Path

from acme_moe import replay
from acme_moe.distributed.config import DistributedConfig, check_replay_servers
from acme_moe.distributed.nodes import Remote
from acme_moe.distributed.status import Phase
from acme_moe.distributed.waits import Seconds
from acme_moe.runs.assembly import Parts
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.spec import OnlineRunSpec


class ReplayNode:
    """A Reverb server with its share of the capacity.

    Its tables do not hold the replay ratio: the coordinator does, over all servers.
    """

    def __init__(
        self,
        coordinator: Remote,
        spec: OnlineRunSpec,
        workdir: Path,
        config: DistributedConfig,
        number: int,
        *,
        port: int,
    ) -> None:
        """Starts the server, with what the newest checkpoint has of it.

        Raises:
          OtherStateError: if the checkpoint is of another number of servers.
        """
        self._number = number
        self._coordinator = coordinator
        entered = coordinator.enter(f"replay_{number}")
        parts = Parts(spec)
        checkpoints = Checkpoints(workdir / "checkpoints")
        restored = checkpoints.latest()
        check_replay_servers(config, restored)
        tables = [
            table.replace(
                max_size=math.ceil(table.info.max_size / config.num_replay_servers)
            )
            for table in parts.builder.make_replay_tables(parts.environment_spec)
        ]
        self._server, self._client = replay.start_server(
            tables,
            port=port,
            checkpointer=checkpoints.reverb_checkpointer(
                restored, number, config.num_replay_servers
            ),
        )
        self._table = tables[0].name
        self._steps_per_item = parts.builder.items.steps_per_item
        coordinator.replay_enters(number, self._size(), entered["position"])

    def _size(self) -> int:
        """Returns the agent steps that it holds, counted as if episodes were long."""
        items = self._client.server_info()[self._table].current_size
        return items * self._steps_per_item

    def run(self) -> None:
        """Serves to the end of the run."""
        number = self._number
        while self._coordinator.replay_holds(number, self._size()) != Phase.ENDED:
            time.sleep(Seconds.ASK_WHETHER_OVER)
        self._coordinator.leave(f"replay_{self._number}")
        self._server.stop()
