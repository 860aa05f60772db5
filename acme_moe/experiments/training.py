"""A run in one process: acting and learning take turns, at an exact replay ratio."""

from __future__ import annotations

import dataclasses
import statistics
import time
from pathlib import Path
from typing import Any

import dm_env
import jax
import numpy as np
import reverb
from acme import specs
from acme.utils import counting

from acme_moe import agents, replay
from acme_moe.environments import AtariEnvironment
from acme_moe.experiments.checkpoints import Checkpoints
from acme_moe.experiments.config import Experiment
from acme_moe.experiments.evaluation import EpisodeResult, evaluate
from acme_moe.experiments.facts import Facts, summarize
from acme_moe.experiments.interrupts import InterruptedRunError, Interrupts
from acme_moe.experiments.progress import Progress
from acme_moe.experiments.run_folder import RunFolder
from acme_moe.learning.learner import NonFiniteLossError
from acme_moe.replay.size import bytes_per_transition


class TrainingRun:
    """One run: made from its settings, or from its last checkpoint if it has one.

    Use it as a context manager, which also ends the replay server and its threads.
    """

    def __init__(self, experiment: Experiment, workdir: Path) -> None:
        """Builds every part; compiles nothing yet.

        Args:
          experiment: the settings.
          workdir: the run's folder.

        Raises:
          DamagedCheckpointError: if the folder has checkpoints, none of them whole.
        """
        self._started = time.perf_counter()
        self._experiment = experiment
        run, agent = experiment.run, experiment.agent
        self._folder = RunFolder(workdir, run.game, run.log_every_seconds)
        self._folder.write_config(experiment)
        self._checkpoints = Checkpoints(
            workdir / "checkpoints", kept=run.checkpoints_kept
        )
        restored = self._checkpoints.latest()
        self._facts = Facts(**restored.facts) if restored else Facts()
        self._folder.forget_after(self._facts.agent_steps)
        self._wall_seconds_before = self._facts.wall_seconds
        self._schedule = self._facts.schedule(
            experiment, replay_lost=restored is not None and not restored.replay_path
        )

        # A run that goes on is not to see the emulator's first episodes again.
        seeds = np.random.SeedSequence([run.seed, self._facts.agent_steps])
        environment_seed, evaluation_seed, key_seed = (
            int(x) for x in seeds.generate_state(3) >> 1
        )
        self._environment = AtariEnvironment(
            run.game, environment_seed, run.environment
        )
        self._evaluation_environment = AtariEnvironment(
            run.game,
            evaluation_seed,
            dataclasses.replace(run.environment, terminal_on_life_loss=False),
        )
        spec = specs.make_environment_spec(self._environment)
        self._builder = agents.load_builder(run.agent, agent)
        network = self._builder.make_network(spec)

        tables = self._builder.make_replay_tables(spec)
        self._server = reverb.Server(
            [replay.without_ratio(table) for table in tables],
            port=None,
            checkpointer=self._checkpoints.reverb_checkpointer(restored),
        )
        self._replay_client = reverb.Client(f"localhost:{self._server.port}")
        self._table = tables[0].name
        self._samples = replay.Prefetcher(
            self._builder.make_dataset_iterator(self._replay_client)
        )
        # time_delta 0: the log's counts are those of the step it was written at.
        self._counter = counting.Counter(time_delta=0.0)
        learner_key, actor_key, evaluator_key = jax.random.split(
            jax.random.PRNGKey(key_seed), 3
        )
        self.learner = self._builder.make_learner(
            learner_key,
            network,
            self._samples,
            self._folder.make_logger,
            spec,
            self._replay_client,
            counting.Counter(self._counter, prefix="learner", time_delta=0.0),
        )
        if restored:
            self.learner.restore(restored.load_state(self.learner.save()))
            self._counter.increment(
                actor_steps=self._facts.agent_steps,
                learner_steps=self._facts.learner_steps,
            )
        self._adder = self._builder.make_adder(self._replay_client, spec)
        self._actor = self._builder.make_actor(
            actor_key,
            self._builder.make_policy(network, spec),
            spec,
            self.learner,
            self._adder,
        )
        self._evaluator = self._builder.make_actor(
            evaluator_key,
            self._builder.make_policy(network, spec, evaluation=True),
            spec,
            self.learner,
        )
        self._learning = False
        self._last_checkpoint = time.monotonic()
        self._checkpoint_path: Path | None = restored.path if restored else None
        self._interrupts = Interrupts()

    def __enter__(self) -> TrainingRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def agent_steps(self) -> int:
        """Agent steps taken so far."""
        return self._facts.agent_steps

    def run(self) -> dict[str, Any]:
        """Trains to the last step, or until a signal asks to stop.

        Returns:
          The summary, as written to `summary.json`.

        Raises:
          InterruptedRunError: after SIGINT or SIGTERM; everything is saved.
          NonFiniteLossError: if the loss is no number; names the last checkpoint.
        """
        facts = self._facts
        progress = Progress(
            self._experiment.run.game,
            self._experiment.run.max_agent_steps,
            facts.agent_steps,
            facts.learner_steps,
        )
        try:
            with self._interrupts:
                try:
                    self._train(progress)
                    self._evaluate(progress)
                except InterruptedRunError:
                    self._save()
                    self._write_summary("interrupted")
                    raise
                self._save()
            return self._write_summary("finished")
        except NonFiniteLossError as error:
            self._write_summary(f"failed: {error}")
            where = self._checkpoint_path or "there is none yet"
            raise NonFiniteLossError(
                f"{error}; the last good checkpoint: {where}"
            ) from None
        except Exception as error:
            if not isinstance(error, InterruptedRunError):
                self._write_summary(f"failed: {error}")
            raise
        finally:
            progress.close()

    def _train(self, progress: Progress) -> None:
        run = self._experiment.run
        facts = self._facts
        timestep: dm_env.TimeStep | None = None
        episode_return, episode_length = 0.0, 0
        while facts.agent_steps < run.max_agent_steps:
            self._interrupts.check()
            if facts.agent_steps % run.evaluation_every == 0:
                self._evaluate(progress)
            started = time.perf_counter()
            if timestep is None or timestep.last():
                timestep = self._environment.reset()
                self._actor.observe_first(timestep)
            action = self._actor.select_action(timestep.observation)
            timestep = self._environment.step(action)
            self._actor.observe(action, timestep)
            facts.agent_steps += 1
            self._counter.increment(actor_steps=1)
            episode_return += float(timestep.reward)
            episode_length += 1
            self._learn()
            facts.training_seconds += time.perf_counter() - started

            if timestep.last() and self._environment.game_over:
                facts.training_episodes += 1
                result = EpisodeResult(episode_return, episode_length)
                self._folder.add_score(
                    facts.agent_steps, "training", facts.training_episodes, result
                )
                progress.episode(episode_return)
                episode_return, episode_length = 0.0, 0
            if progress.due():
                progress.draw(facts.agent_steps, facts.learner_steps, self.learner.loss)
            minutes = (time.monotonic() - self._last_checkpoint) / 60
            if minutes >= run.checkpoint_every_minutes:
                self._save()
                self._write_summary("running")
        self.learner.check()
        progress.draw(facts.agent_steps, facts.learner_steps, self.learner.loss)

    def _learn(self) -> None:
        """Takes the updates that are due; the last is left running."""
        facts = self._facts
        due = self._schedule.updates(facts.agent_steps) - facts.learner_steps
        calls = due // self._experiment.agent.sgd_steps_per_call
        if not calls:
            return
        if not self._learning:
            # What was added is on its way; the first batch is drawn from all of it.
            self._adder.flush()
            self._learning = True
        for call in range(calls):
            if call == calls - 1:
                # The actor takes the parameters of the update before the last and
                # acts with them while the device computes the last.
                self._actor.update(wait=True)
            self.learner.step()
            facts.learner_steps += self._experiment.agent.sgd_steps_per_call

    def _evaluate(self, progress: Progress) -> None:
        """Runs the evaluation episodes, unless this step has had its own."""
        facts = self._facts
        episodes = self._experiment.run.evaluation_episodes
        if not episodes or facts.evaluated_at == facts.agent_steps:
            return
        self.learner.check()
        results = evaluate(
            self._evaluation_environment,
            self._evaluator,
            episodes,
            watchers=[self._interrupts],
            on_start=lambda i: progress.evaluation(f"evaluating {i}/{episodes}"),
        )
        for episode, result in enumerate(results, 1):
            self._folder.add_score(facts.agent_steps, "evaluation", episode, result)
        facts.evaluated_at = facts.agent_steps
        mean = statistics.fmean(result.episode_return for result in results)
        facts.evaluation_return_mean = mean
        progress.evaluation(f"evaluation {mean:g}")
        self._write_summary("running")

    def _save(self) -> None:
        """Writes a checkpoint of everything that the run needs to go on."""
        facts = self._facts
        self._adder.flush()
        facts.schedule_start = self._schedule.start
        facts.schedule_steps_before = self._schedule.steps_before
        self._update_wall_seconds()
        with_replay = self._experiment.run.checkpoint_replay
        checkpoint = self._checkpoints.save(
            facts.agent_steps,
            self.learner.save(),
            dataclasses.asdict(facts),
            self._replay_client if with_replay else None,
        )
        if checkpoint.replay_path is not None:
            size = self._replay_client.server_info()[self._table].current_size
            if size:
                facts.replay_bytes_per_transition = bytes_per_transition(
                    checkpoint.replay_path, size
                )
        self._checkpoint_path = checkpoint.path
        self._last_checkpoint = time.monotonic()

    def _update_wall_seconds(self) -> None:
        self._facts.wall_seconds = self._wall_seconds_before + (
            time.perf_counter() - self._started
        )

    def _write_summary(self, status: str) -> dict[str, Any]:
        """Writes `summary.json` and returns it."""
        self._update_wall_seconds()
        summary = summarize(
            self._experiment,
            self._facts,
            status=status,
            learning_steps=self._schedule.learning_steps(self._facts.agent_steps),
            learner_statistics=self.learner.statistics(),
        )
        self._folder.write_summary(summary)
        return summary

    def close(self) -> None:
        """Ends the threads and the server."""
        self._adder.close()
        self._samples.close()
        self._server.stop()
        self._folder.close()
        self._environment.close()
        self._evaluation_environment.close()
