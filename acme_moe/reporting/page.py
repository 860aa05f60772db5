"""Renders the pages of a report, which show its figures and tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import jinja2

from acme_moe.reporting.tables import Table


class Shown(NamedTuple):
    """A figure that a page shows.

    Attributes:
      name: name of its files, without their endings.
      caption: its caption.
    """

    name: str
    caption: str


def html_page(
    title: str,
    note: str,
    figures: Sequence[Shown],
    tables: Sequence[Table],
    *,
    data: Sequence[str] = (),
    out: Path = Path(),
) -> str:
    """Renders the page as HTML that loads nothing but the figures.

    A click on a heading of a table sorts its rows, and a row of a run links to the
    run's folder.

    Args:
      title: title of the report.
      note: how to read the report.
      figures: files beside the page, each a PNG and a PDF.
      tables: what follows the figures.
      data: files beside the page that it links to.
      out: folder of the page; links to runs lead from there.
    """

    def link(folder: Path | None) -> str | None:
        if folder is None or not folder.is_dir():
            return None
        return quote(Path(os.path.relpath(folder, out)).as_posix()) + "/"

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("acme_moe.reporting", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["link"] = link
    template = environment.get_template("report.html.jinja")
    return template.render(
        title=title, note=note, figures=figures, tables=tables, data=data
    )


def markdown_page(
    title: str, note: str, figures: Sequence[Shown], tables: Sequence[Table]
) -> str:
    """Renders the page as Markdown; see `html_page`."""
    parts = [
        f"# {title}",
        note,
        *(f"![{figure.caption}]({figure.name}.png)" for figure in figures),
        *(
            f"## {table.caption}\n\n"
            + ("None." if table.frame.empty else table.to_markdown())
            for table in tables
        ),
    ]
    return "\n\n".join(parts) + "\n"
