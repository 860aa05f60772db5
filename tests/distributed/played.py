"""A coordinator, and nodes that do at once what it tells them."""

import json

from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.online_service import OnlineCoordinatorService
from acme_moe.distributed.status import Phase
from tests.runs import tiny

SPEC = tiny.spec(agent={"replay_ratio": 0.5})


def make(workdir, servers=1, token="launch", spec=SPEC):
    config = DistributedConfig(num_actors=2, num_replay_servers=servers)
    return OnlineCoordinatorService(spec, workdir, config, token)


class Play:
    """An actor, a learner and an evaluator that do at once what they are told."""

    def __init__(self, coordinator):
        self.coordinator = coordinator
        self.sequence = 0
        self.steps = 0

    def act(self, taken, episodes=()):
        self.sequence += 1
        return self.coordinator.act(0, self.sequence, taken, list(episodes), None)

    def learn(self):
        """Takes what is due, and returns the order after it."""
        while (order := self.coordinator.learn(self.steps, None)).updates:
            self.steps += order.updates
        return order

    def go_to(self, agent_steps):
        taken = 0
        while self.coordinator.status()["agent_steps"] + taken < agent_steps:
            grant = self.act(taken)
            left = agent_steps - self.coordinator.status()["agent_steps"]
            taken = min(grant.agent_steps, left)
            assert not grant.over
            self.learn()
        self.act(taken)
        self.learn()


def phase(coordinator):
    return Phase(coordinator.phase())


def status(workdir):
    return json.loads((workdir / "summary.json").read_text())["status"]
