"""What a run says of the memory that its replay takes."""

from unittest import mock

from acme_moe.replay.size import bytes_per_transition


def test_a_server_that_dies_after_its_checkpoint_takes_nobody_along(tmp_path):
    client = mock.Mock()
    client.server_info.side_effect = RuntimeError("Connection reset by peer")
    assert bytes_per_transition(client, tmp_path) is None
