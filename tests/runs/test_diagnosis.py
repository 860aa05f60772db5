"""Diagnostics of a run: when, on what, and what they leave alone."""

import dataclasses
import math

import jax
import numpy as np
import optax
import pytest

from acme_moe import learning
from acme_moe.diagnostics import DiagnosticsConfig
from acme_moe.learning.learner import Learner
from acme_moe.runs import config as config_lib
from acme_moe.runs import online
from acme_moe.runs.diagnosis import Diagnosis
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.state import RunState
from tests.learning import tiny
from tests.programs import rows
from tests.runs import tiny as tiny_run


class Log:
    def __init__(self):
        self.rows = []

    def write(self, row):
        self.rows.append(row)


OPTIMIZER = optax.sgd(1e-3)
UPDATE = learning.make_update(
    learning.q_learning(tiny.NETWORK, discount=0.99), OPTIMIZER, target_update_period=5
)


def make_diagnosis(every=10, position=0):
    """A diagnosis that measures next to nothing, its learner and what they did."""
    taken, traced, log = [], [], Log()

    def samples():
        while True:
            taken.append(1)
            batch = tiny.batch(4, seed=len(taken))
            yield learning.Sample(np.zeros(4, np.uint64), np.ones(4, np.float32), batch)

    def measure(params, target_params, key, batch, probabilities):
        traced.append(1)
        return {"reward": batch.reward[0] * probabilities[0]}

    learner = Learner(tiny.make_state(OPTIMIZER), UPDATE, samples())
    diagnosis = Diagnosis(
        measure, learner, log.write, every=every, position=position, seed=0
    )
    return diagnosis, learner, log, taken, traced


def test_it_takes_no_batch_and_changes_nothing():
    diagnosis, learner, log, taken, traced = make_diagnosis()
    learner.step()
    before = learner.save()
    diagnosis.measure(10, {"learner_steps": 1, "learner_walltime": 0.5})
    learner.step()
    diagnosis.measure(20, {"learner_steps": 2, "learner_walltime": 0.7})
    assert len(taken) == 2
    assert len(traced) == 1
    assert [row["learner_steps"] for row in log.rows] == [1, 2]
    assert "learner_walltime" not in log.rows[0]
    assert log.rows[0]["compile_seconds"] > 0 == log.rows[1]["compile_seconds"]
    assert log.rows[1]["seconds"] > 0
    rewards = [float(tiny.batch(4, seed).reward[0]) for seed in (1, 2)]
    assert [float(row["reward"]) for row in log.rows] == pytest.approx(rewards)

    other, untouched, *_ = make_diagnosis()
    del other
    untouched.step()
    jax.tree.map(np.testing.assert_array_equal, before, untouched.save())
    untouched.step()
    jax.tree.map(np.testing.assert_array_equal, learner.save(), untouched.save())


def test_it_is_due_once_an_interval_and_not_before_the_first_batch():
    diagnosis, learner, *_ = make_diagnosis(every=10, position=25)
    assert not diagnosis.due(30)  # There is no batch yet.
    learner.step()
    assert not diagnosis.due(29)
    assert diagnosis.due(33)
    diagnosis.measure(33, {})
    assert not diagnosis.due(39)
    assert diagnosis.due(40)


def test_a_run_measures_itself_and_keeps_its_replay_ratio(tmp_path):
    spec = tiny_run.spec(
        run={
            "evaluation_episodes": 0,
            "max_agent_steps": 240,
            "diagnostics": DiagnosticsConfig(every=50),
        }
    )
    with online.OnlineRun(spec, tmp_path) as run:
        summary = run.run()
        assert run.learner._update.compiled._cache_size() == 1
    assert summary["learner_steps"] == 35
    for row in rows(tmp_path / "learner.csv"):
        steps = int(row["agent_steps"]) - 100
        assert int(row["learner_steps"]) == math.floor(0.25 * steps)
    log = rows(tmp_path / "diagnostics.csv")
    positions = [(int(row["agent_steps"]), int(row["learner_steps"])) for row in log]
    # The first at the first update, then at each multiple of the interval.
    assert positions == [(104, 1), (150, 12), (200, 25)]
    for row in log:
        assert float(row["feature_norm"]) > 0
        assert 1 <= float(row["ntk_rank"]) <= 4
        assert 0 <= float(row["dormant_share"]) <= 1
        load = [float(row[f"load_expert_{i}"]) for i in (0, 1)]
        assert sum(load) == pytest.approx(1, abs=1e-5)
        assert 0 < float(row["dispatch_entropy"]) <= math.log(25) + 1e-5
        assert float(row["seconds"]) > 0
    assert [float(row["compile_seconds"]) > 0 for row in log] == [True, False, False]


def test_without_it_a_run_has_neither_log_nor_diagnosis(tmp_path):
    with online.OnlineRun(tiny_run.spec(), tmp_path) as run:
        assert run._session._diagnosis is None
    assert not (tmp_path / "diagnostics.csv").exists()


def test_what_came_after_the_checkpoint_is_forgotten(tmp_path):
    folder = RunFolder(tmp_path, tiny_run.spec())
    logger = folder.make_full_logger("diagnostics")
    for steps in (10, 20, 30):
        logger.write(
            {"agent_steps": 4 * steps, "learner_steps": steps, "ntk_rank": 1.0}
        )
    folder.close()
    folder.forget_updates_after(RunState(agent_steps=80, learner_steps=20))
    log = rows(tmp_path / "diagnostics.csv")
    assert [row["learner_steps"] for row in log] == ["10", "20"]


def test_a_run_may_resume_with_another_interval_but_no_other_threshold(tmp_path):
    def with_settings(**settings):
        return tiny_run.spec(run={"diagnostics": DiagnosticsConfig(**settings)})

    (tmp_path / "config.json").write_text(config_lib.config_json(with_settings()))
    config_lib.check_resumes(with_settings(every=5), tmp_path)
    with pytest.raises(ValueError, match=r"diagnostics\.dormant_tau"):
        config_lib.check_resumes(with_settings(dormant_tau=0.1), tmp_path)


def test_its_settings_are_fields_of_the_config():
    flat = config_lib.to_config_dict(tiny_run.spec()).to_dict()
    flat["diagnostics"] = {"every": 7}
    run = config_lib.from_config_dict(flat).run
    assert run.diagnostics == dataclasses.replace(DiagnosticsConfig(), every=7)
    flat["diagnostics"] = {"evry": 7}
    with pytest.raises(ValueError, match=r"diagnostics\.evry: is not a field; did you"):
        config_lib.from_config_dict(flat)
