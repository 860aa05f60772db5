"""How lines of a report look, and where its legends are."""

import pytest

from acme_moe.reporting import style
from acme_moe.reporting.comparison import Comparison, Line, Panel
from acme_moe.studies.figures import STUDIES


def compared(*panels):
    """A comparison of nothing but names: of panels, and of series in each of them."""
    return Comparison(
        title="",
        kind="final",
        panels=tuple(
            Panel(
                name="",
                lines=tuple(Line(series=series, curves={}) for series in panel),
                games=(),
            )
            for panel in panels
        ),
        missing=(),
    )


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_lines_of_a_study_look_different(study):
    panels = {}
    for arm in study.arms:
        panels.setdefault(arm.panel, {})[arm.series] = None
    looks = style.looks(compared(*panels.values()))
    assert len(set(looks.values())) == len(looks)


def test_colours_are_shared_only_when_all_are_taken():
    known = ("Baseline", "Soft MoE", "Top1-MoE")
    looks = style.looks(compared([*known, *"ABC"], [*known, *"CDE"]))
    assert looks == {
        **style.looks(compared(known)),
        **{name: looks[name] for name in "ABCDE"},
    }
    assert len({look.color for look in looks.values()}) == 8
    more = style.looks(compared([f"layer {i}" for i in range(64)]))
    assert len(set(more.values())) == 64
    assert len(style.looks(compared([f"layer {i}" for i in range(65)]))) == 65


@pytest.mark.parametrize("lines", [1, 3, 12])
def test_a_legend_fits_below_its_figure(lines):
    figure, ((ax,),) = style.new_figure(1)
    for i in range(lines):
        ax.plot([0, 1], [0, i], label=f"Scaled baseline, {i}")
    style.legend(figure, [ax])
    (legend,) = figure.legends
    assert len(legend.get_texts()) == lines
    figure.canvas.draw()
    assert legend.get_window_extent().width <= figure.bbox.width
    assert ax.get_window_extent().height > 0.5 * figure.bbox.height
