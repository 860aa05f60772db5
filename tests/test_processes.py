"""Signals that ask a run to stop: the first of them, and those after it."""

import signal

import pytest

from acme_moe import processes


@pytest.mark.parametrize("signum", processes.STOP_SIGNALS)
@pytest.mark.parametrize(("seconds", "handled_before"), [(60.0, 0), (0.0, 1)])
def test_only_a_signal_that_comes_later_is_a_second_request(
    monkeypatch, signum, seconds, handled_before
):
    monkeypatch.setattr(processes, "_ONE_REQUEST_SECONDS", seconds)
    handled = []
    with (
        processes.handling_stops(lambda number, _: handled.append(number)),
        processes.Interrupts() as interrupts,
    ):
        interrupts.check()
        signal.raise_signal(signum)
        assert not handled
        signal.raise_signal(signum)
        assert handled == [signum] * handled_before
        with pytest.raises(processes.InterruptedRunError) as stopped:
            interrupts.check()
    assert stopped.value.signum == signum


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (1, "exit status 1"),
        (-signal.SIGKILL, "killed by SIGKILL"),
        (-signal.SIGRTMIN - 3, f"killed by signal {signal.SIGRTMIN + 3}"),
    ],
)
def test_a_process_s_end_is_told_in_words(status, said):
    assert processes.describe_exit(status) == said
