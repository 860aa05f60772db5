"""A run in one process: acting and learning take turns, at an exact replay ratio."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import reverb
from acme.adders import base

from acme_moe import replay
from acme_moe.experiments.acting import Acting
from acme_moe.experiments.config import Experiment
from acme_moe.experiments.environments import make_environment
from acme_moe.experiments.progress import Progress
from acme_moe.experiments.run import Run
from acme_moe.learning import Transition
from acme_moe.offline.recorder import Recorder
from acme_moe.replay.size import bytes_per_transition


class TrainingRun(Run[Experiment]):
    """A run that plays, remembers, and learns from what it remembers.

    With several environments each round is a step in every one of them, with one
    call of the policy, and then the updates that are due.
    """

    def __init__(
        self, experiment: Experiment, workdir: Path, builder: Any = None
    ) -> None:
        """Builds every part; compiles nothing yet. Arguments and errors as of `Run`."""
        super().__init__(experiment, workdir, builder)
        restored = self._restored
        self._schedule = self._facts.schedule(
            experiment, replay_lost=restored is not None and not restored.replay_path
        )
        self._environments = [
            make_environment(experiment, seed) for seed in self._seeds
        ]
        record = experiment.run.record
        self._recorder = (
            Recorder(Path(record), self._spec, num_files=self._facts.recorded_files)
            if record
            else None
        )
        tables = self._builder.make_replay_tables(self._spec)
        self._server = reverb.Server(
            [replay.without_ratio(table) for table in tables],
            port=None,
            checkpointer=self._checkpoints.reverb_checkpointer(restored),
        )
        self._client = reverb.Client(f"localhost:{self._server.port}")
        self._table = tables[0].name
        self._samples = replay.Prefetcher(
            self._builder.make_dataset_iterator(self._client)
        )
        self._make_learner(self._samples, self._client)
        self._actor = self._builder.make_vector_actor(
            self._actor_key,
            self._builder.make_policy(self._network, self._spec),
            self.learner,
            [self._make_adder() for _ in self._environments],
        )
        self._acting = Acting(self._environments, self._actor)
        self._learning = False

    def _make_adder(self) -> base.Adder:
        """Of one environment, to the replay and to what is recorded."""
        adder = self._builder.make_adder(self._client, self._spec)
        return adder if self._recorder is None else self._recorder.wrap(adder)

    @property
    def _num_environments(self) -> int:
        return self._experiment.run.num_environments

    @property
    def _replay_client(self) -> reverb.Client | None:
        return self._client if self._experiment.run.checkpoint_replay else None

    def _train(self, progress: Progress) -> None:
        every = self._experiment.evaluation_period
        facts = self._facts
        while facts.agent_steps < self._experiment.length:
            self._interrupts.check()
            if facts.agent_steps // every > facts.evaluated_at // every:
                self._evaluate(progress)
            started = time.perf_counter()
            self._act(progress)
            self._learn()
            facts.training_seconds += time.perf_counter() - started
            self._diagnose_if_due()
            if progress.due():
                progress.draw(facts.agent_steps, facts.learner_steps, self.learner.loss)
            self._save_if_due()
        self.learner.check()
        progress.draw(facts.agent_steps, facts.learner_steps, self.learner.loss)

    def _act(self, progress: Progress) -> None:
        """Takes one step in each environment."""
        games = self._acting.step()
        self._facts.agent_steps += self._num_environments
        self._counter.increment(actor_steps=self._num_environments)
        for game in games:
            self._facts.training_episodes += 1
            self._update_wall_seconds()
            self._folder.add_score(
                self._facts, "training", self._facts.training_episodes, game
            )
            progress.episode(game.episode_return)

    def _learn(self) -> None:
        """Takes the updates that are due; the last is left running."""
        facts = self._facts
        due = self._schedule.updates(facts.agent_steps) - facts.learner_steps
        calls = due // self._experiment.agent.sgd_steps_per_call
        if not calls:
            return
        if not self._learning:
            # What was added is on its way; the first batch is drawn from all of it.
            self._actor.flush()
            self._learning = True
        for call in range(calls):
            if call == calls - 1:
                # The actor takes the parameters of the update before the last and
                # acts with them while the device computes the last.
                self._actor.update(wait=True)
            self.learner.step()
            facts.learner_steps += self._experiment.agent.sgd_steps_per_call

    def _save(self) -> None:
        """Writes a checkpoint, with the replay's contents if the settings say so."""
        facts = self._facts
        self._actor.flush()
        facts.schedule_start = self._schedule.start
        facts.schedule_steps_before = self._schedule.steps_before
        if self._recorder is not None:
            facts.recorded_files = self._recorder.save()
        super()._save()
        path = self._checkpoint_path
        if path is not None and (path / "replay").is_dir():
            size = self._client.server_info()[self._table].current_size
            if size and self._builder.items.batch_type is Transition:
                facts.replay_bytes_per_transition = bytes_per_transition(
                    path / "replay", size
                )

    def _summary(self) -> dict[str, Any]:
        facts, agent = self._facts, self._experiment.agent
        learning_steps = self._schedule.learning_steps(facts.agent_steps)
        return {
            "replay_ratio_target": agent.replay_ratio,
            "replay_ratio_realised": _ratio(facts.learner_steps, learning_steps),
            "agent_steps_per_second": _ratio(facts.agent_steps, facts.training_seconds),
            "replay_bytes_per_transition": facts.replay_bytes_per_transition,
            "training_episodes": facts.training_episodes,
        }

    def close(self) -> None:
        """Ends the threads and the server."""
        self._actor.close()
        self.learner.close()
        self._samples.close()
        self._server.stop()
        if self._recorder is not None:
            self._recorder.close()
        for environment in self._environments:
            environment.close()
        super().close()


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None
