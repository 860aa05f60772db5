"""Runs with the real nodes and Reverb servers, in which one side is held back.

python -m tests.distributed.paced FOLDER, prints what became of each case.
"""

import json
import os
import sys
import threading
from pathlib import Path

import portpicker
import reverb

import acme_moe  # noqa: F401
from acme_moe.distributed.actor import ActorNode
from acme_moe.distributed.budget import Pacing
from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.learner import LearnerNode
from acme_moe.distributed.online_service import OnlineCoordinatorService
from acme_moe.distributed.replay import ReplayNode
from tests.runs import tiny

PATIENCE = 120
WARM_UP = 60
# (ratio, who is held back): agent steps. 0.5 and 16 samples an insert. Held back is
# who would be ahead otherwise.
CASES = {
    (0.25, "learner"): 260,
    (8.0, "learner"): 75,
    (8.0, "actors"): 75,
}


class HeldBack:
    """The coordinator, where the calls of one side are held back.

    Each call of the side that is held back waits for three calls of the other.
    """

    def __init__(self, coordinator, who):
        self._coordinator = coordinator
        self._who = who
        self._calls = threading.Condition()
        self._others = 0
        self.ahead = []  # Agent steps that updates were behind, at each question.

    def __getattr__(self, name):
        return getattr(self._coordinator, name)

    def _call(self, who, method, *arguments):
        with self._calls:
            if who == self._who:
                self._calls.wait_for(
                    lambda: self._others >= 3 or self._coordinator.phase() != "running",
                    timeout=PATIENCE,
                )
                self._others = 0
            else:
                self._others += 1
            answer = method(*arguments)
            self._calls.notify_all()
        return answer

    def act(self, *report):
        return self._call("actors", self._coordinator.act, *report)

    def learn(self, *report):
        order = self._call("learner", self._coordinator.learn, *report)
        coordinator = self._coordinator.coordinator
        state, ratio = coordinator.state, coordinator.spec.agent.exact_replay_ratio
        learned = state.learner_steps / ratio
        self.ahead.append(float(state.agent_steps - state.schedule_start - learned))
        return order


def play(workdir, ratio, who, steps):
    spec = tiny.spec(
        run={"max_agent_steps": steps, "evaluation_episodes": 0},
        agent={
            "replay_ratio": ratio,
            # The same number of updates, so that all cases compile one program.
            "target_update_period": int(1_000 / ratio),
            "batch_size": 2,
            "min_replay_size": WARM_UP,
            "max_replay_size": WARM_UP,
        },
    )
    config = DistributedConfig(num_actors=2, num_replay_servers=2)
    coordinator = HeldBack(
        OnlineCoordinatorService(spec, workdir, config, "token"), who
    )
    ports = [portpicker.pick_unused_port() for _ in range(2)]
    servers = [
        ReplayNode(coordinator, spec, workdir, config, i, port=port)
        for i, port in enumerate(ports)
    ]
    clients = [reverb.Client(f"localhost:{port}") for port in ports]
    learner = LearnerNode(coordinator, clients, spec, workdir)
    actors = [
        ActorNode(coordinator, learner, clients[i], spec, config, i) for i in range(2)
    ]
    threads = [
        threading.Thread(target=node.run, daemon=True)
        for node in [*servers, learner, *actors]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    summary = json.loads((workdir / "summary.json").read_text())
    return {
        "ended": not any(thread.is_alive() for thread in threads),
        "status": summary["status"],
        "learner_steps": summary["learner_steps"],
        "ratio": summary["replay_ratio_realised"],
        "most_ahead": max(coordinator.ahead),
        "max_lead": Pacing.of(spec.agent, 2, 1).max_lead,
    }


def main(folder):
    for (ratio, who), steps in CASES.items():
        result = play(folder / f"{ratio}_{who}", ratio, who, steps)
        print(json.dumps({"case": [ratio, who], **result}), flush=True)
    # Threads of Reverb's datasets are still there.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
