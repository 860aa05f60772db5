"""What tests of reports share."""

import pytest

from acme_moe.reporting import report


@pytest.fixture
def undrawn(monkeypatch):
    """Figures of reports are made and not drawn, which takes most of the time."""

    def touch(figure, path):
        del figure
        for suffix in (".png", ".pdf"):
            path.with_suffix(suffix).touch()

    monkeypatch.setattr(report, "_save", touch)
