"""One HTML page with a report's figures and tables."""

from __future__ import annotations

import html
from collections.abc import Sequence

from acme_moe.reporting.results import Table

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }}
img {{ max-width: 100% }}
table {{ border-collapse: collapse; font-size: small }}
td, th {{ border-bottom: 1px solid #ddd; padding: .2em .6em; text-align: left }}
</style>
<h1>{title}</h1>
<p>{note}</p>
{body}
</html>
"""


def page(
    title: str,
    note: str,
    figures: Sequence[tuple[str, str]],
    tables: Sequence[tuple[str, Table]],
) -> str:
    """The page.

    Args:
      title: of the report.
      note: what stands below it.
      figures: file names without their ending, and captions.
      tables: captions and tables.
    """
    parts = [
        f"<h2>{html.escape(caption)}</h2>\n"
        f'<p><img src="{name}.png" alt="{html.escape(caption)}"><br>'
        f'<a href="{name}.pdf">PDF</a></p>'
        for name, caption in figures
    ]
    parts += [
        f"<h2>{html.escape(name)}</h2>\n{_table(table)}" for name, table in tables
    ]
    return _PAGE.format(
        title=html.escape(title), note=html.escape(note), body="\n".join(parts)
    )


def _table(table: Table) -> str:
    header, rows = table
    if not rows:
        return "<p>None.</p>"
    lines = [_row(header, "th"), *(_row(row, "td") for row in rows)]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _row(cells: Sequence[str], tag: str) -> str:
    inside = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{inside}</tr>"
