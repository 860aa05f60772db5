"""A run that acts and learns in turns, at an exact replay ratio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import logging

from acme_moe import disk, replay
from acme_moe.environments.parallel import make_vector_environment
from acme_moe.environments.remembered import RememberedEnvironments
from acme_moe.environments.vector import VectorEnvironment
from acme_moe.offline.recorder import Recorder
from acme_moe.runs.assembly import Parts, draw_seeds, environment_maker
from acme_moe.runs.checkpoint import OtherStateError, SavedActing
from acme_moe.runs.episodes import VectorEnvironmentLoop
from acme_moe.runs.learner_session import TrainingData
from acme_moe.runs.progress import Progress
from acme_moe.runs.run import Run
from acme_moe.runs.saved_acting import Acting
from acme_moe.runs.spec import OnlineRunSpec

if TYPE_CHECKING:
    import reverb

# Keep the draws of the seeds of environments and of samples apart from the run's other
# draws.
_ENVIRONMENTS = 1
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


class OnlineRun(Run[OnlineRunSpec]):
    """A run that plays, remembers, and learns from what it remembers.

    With several environments, a step of training is one call of the policy, one step
    in each environment, and then the updates that are due.
    """

    def _build(self, workdir: Path, builder: Any) -> None:
        super()._build(workdir, builder)
        spec, state = self._spec, self._state
        restored = self._restored
        spec.begin(state, replay_lost=restored is not None and not restored.replay_path)
        parts, num = self._parts, spec.run.num_environments
        self._recorder = None
        if spec.run.record:
            self._recorder = Recorder(
                Path(spec.run.record),
                parts.environment_spec,
                run_folder=workdir,
                num_files=state.recorded_files,
            )
            self._open.callback(self._recorder.close)
        adders = [
            parts.builder.make_adder(self._client, parts.environment_spec)
            for _ in range(num)
        ]
        recording = [self._recorder.wrap(x) for x in adders] if self._recorder else []
        saved = self._saved_acting()
        origin = saved.description["origin"] if saved else self.position
        self._environments = self._make_environments(origin)
        self._open.callback(self._environments.close)
        self._actor = parts.builder.make_vector_actor(
            self._actor_key,
            parts.builder.make_policy(parts.network, parts.environment_spec),
            parts.environment_spec,
            self.learner,
            recording or adders,
            self._device_choice.device,
        )
        self._open.callback(self._actor.close)
        self._loop = VectorEnvironmentLoop(self._environments, self._actor)
        self._acting: Acting | None = None
        if isinstance(self._environments, RememberedEnvironments):
            self._acting = Acting(
                self._environments, self._actor, adders, self._loop, origin
            )
            if saved and restored:
                self._acting.restore(saved, restored.path)
                for adder, timestep in zip(
                    recording, self._environments.timesteps, strict=False
                ):
                    adder.resume(timestep)
        self._learning = False

    def _check_state(self) -> None:
        # All environments step at once, and the run has to end with one such step.
        left, num = self._spec.length - self.position, self._num_environments
        if left > 0 and left % num:
            raise OtherStateError(
                f"num_environments: {num} is not accepted; a divisor of the {left} "
                f"agent steps that are left of {self._spec.length}"
            )

    @property
    def _num_environments(self) -> int:
        return self._spec.run.num_environments

    def _make_data(self) -> TrainingData:
        """Opens replay, with what the checkpoint holds of it."""
        run, parts, restored = self._spec.run, self._parts, self._restored
        self._client: reverb.Client | replay.LocalReplay
        if run.replay.seeded:
            (seed,) = draw_seeds(run.seed, 0, _SAMPLES, count=1)
            settings = parts.builder.replay_settings(parts.environment_spec)
            self._client = replay.LocalReplay(settings, seed, self._checkpoints.spool())
            if restored and restored.replay_path:
                self._client.restore(restored.replay_path)
        else:
            server, self._client = replay.start_server(
                parts.builder.make_replay_tables(parts.environment_spec),
                checkpointer=self._checkpoints.reverb_checkpointer(restored),
            )
            self._open.callback(server.stop)
        stored = [self._client] if run.checkpoint_replay else []
        return replay_data(parts, self._client, stored)

    def _saved_acting(self) -> SavedActing | None:
        """Returns the state of acting, if the run can continue exactly from it."""
        restored, run = self._restored, self._spec.run
        # Before the first step there are no games that could be continued.
        if not restored or not run.replay.seeded or not self.position:
            return None
        saved = restored.load_acting()
        if saved is None:
            why = f"{restored.path} has neither replay nor games"
        elif not run.checkpoint_replay:
            why = "checkpoint_replay is False"
        elif len(saved.description["games"]) != run.num_environments:
            why = "its num_environments was another"
        else:
            return saved
        logging.warning(
            "replay.seeded: goes on in new games, and not exactly where it stopped: %s",
            why,
        )
        return None

    def _make_environments(self, origin: int) -> VectorEnvironment:
        """Makes the environments, with seeds that depend on a position of the run.

        A run that cannot resume exactly where it stopped must not see the emulator's
        first episodes again.
        """
        spec, num = self._spec, self._num_environments

        def make(seeds: Sequence[int]) -> VectorEnvironment:
            return make_vector_environment(
                environment_maker(spec),
                seeds,
                self._parts.environment_spec,
                spec.run.environment_processes,
            )

        def seed(index: int, times_made: int) -> int:
            entropy = (origin, _ENVIRONMENTS, index, times_made)
            (seed,) = draw_seeds(spec.run.seed, *entropy, count=1)
            return seed

        if spec.run.replay.seeded:
            return RememberedEnvironments(make, seed, num)
        return make(draw_seeds(spec.run.seed, origin, _ENVIRONMENTS, count=num))

    def _save_acting(self) -> SavedActing | None:
        if self._acting is None or not self._spec.run.checkpoint_replay:
            return None
        return self._acting.save()

    def _step(self, progress: Progress) -> None:
        """Takes one step in each environment, and the updates that are due then."""
        self._act(progress)
        self._learn()

    def _act(self, progress: Progress) -> None:
        state = self._state
        games = self._loop.step()
        state.agent_steps += len(self._environments)
        self._session.count_agent_steps(len(self._environments))
        for game in games:
            state.training_episodes += 1
            state.wall_seconds = self._clock.seconds
            self._folder.add_score(state, "training", state.training_episodes, game)
            progress.episode(game.episode_return)

    def _learn(self) -> None:
        """Takes the updates that are due; the last is left running."""
        state, per_call = self._state, self._spec.agent.sgd_steps_per_call
        calls = self._spec.updates_due(state) // per_call
        if not calls:
            return
        if not self._learning:
            # Waits for all that was added, so the first batch is drawn from it all.
            self._actor.flush()
            self._learning = True
        for call in range(calls):
            if call == calls - 1:
                # The actor takes the parameters of the update before the last. The
                # next actions are selected before the last update is dispatched, as
                # the device would compute them after it; environments then step while
                # it runs.
                self._actor.update(wait=True)
                self._loop.select()
            self.learner.step()
            state.learner_steps += per_call

    def _save(self) -> None:
        """Writes a checkpoint, with the replay's contents if the settings say so."""
        self._actor.flush()
        if self._recorder is not None:
            try:
                self._state.recorded_files = self._recorder.save()
            except disk.DiskError:
                # The set has lost some rows; the run must not lose those steps as well.
                self._state.recorded_files = self._recorder.num_files
                super()._save()
                raise
        super()._save()
