"""The order of a run's events: which parameters act, and what runs beside an update."""

from acme_moe.runs import online
from tests.runs import tiny

GAMES, WARM_UP, STEPS = 4, 100, 160


def test_actions_are_selected_before_the_last_update_and_taken_beside_it(tmp_path):
    settings = {
        "num_environments": GAMES,
        "environment_processes": 1,
        "evaluation_episodes": 0,
        "max_agent_steps": STEPS,
    }
    spec = tiny.spec(run=settings, agent={"replay_ratio": 2 / GAMES})
    events = []

    def noted(target, name, note):
        function = getattr(target, name)

        def wrapper(*args, **kwargs):
            events.append(note())
            return function(*args, **kwargs)

        setattr(target, name, wrapper)

    with online.OnlineRun(spec, tmp_path) as run:
        noted(run._environments, "start_step", lambda: "start")
        noted(run._environments, "finish_step", lambda: "finish")
        noted(
            run._actor,
            "select_actions",
            lambda: ("select", int(run._actor._client.params.learner_steps)),
        )
        noted(run.learner, "step", lambda: "update")
        run.run()

    expected = []
    for steps in range(GAMES, STEPS + 1, GAMES):
        if steps <= WARM_UP + GAMES:
            expected += [("select", 0), "start"]
        expected.append("finish")
        if steps > WARM_UP:
            updates = 2 * (steps - WARM_UP) // GAMES
            expected += ["update", ("select", updates - 1), "start", "update"]
    assert events == expected
