"""The HTML page of a report: its links, its tables, and what a browser makes of it."""

import html.parser
import json
import re
import shutil
import subprocess
from urllib.parse import unquote, urlsplit

import pytest

from acme_moe.reporting.report import write_report
from tests.reporting.folders import planned, write_all, write_external, write_run

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)


class Page(html.parser.HTMLParser):
    """The tags of a page in order, and those that are open at its end."""

    VOID = ("meta", "link", "img")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, name, attribute):
        return [a[attribute] for tag, a in self.tags if tag == name and attribute in a]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of a study: one run stopped, one not started, scores from elsewhere."""
    root = tmp_path_factory.mktemp("a study's #1")
    cells = planned(root / "runs")
    write_all(root / "runs", cells[:-2])
    write_run(root / "runs" / cells[-2].name, status="interrupted")
    theirs = write_external(
        root / "theirs.csv",
        [("Pong", 0, "Theirs", 1200, 3), ("Breakout", 0, "Theirs", 800, 1.5)],
    )
    write_report(root / "runs", root / "out" / "report", external=[theirs], reps=20)
    return root / "out" / "report"


def test_every_link_leads_to_a_file_or_to_a_run(report):
    page = Page((report / "report.html").read_text())
    assert page.open == []
    links = [*page.all("a", "href"), *page.all("img", "src")]
    for link in links:
        assert not urlsplit(link).netloc
        assert (report / unquote(urlsplit(link).path)).exists(), link
    assert {f.name for f in report.iterdir()} - set(links) <= {
        "report.html",
        "report.md",
        ".lock",
    }
    runs = sorted(report.joinpath(unquote(x)).resolve() for x in links if ".." in x)
    folders = sorted(p.parent for p in (report.parents[1] / "runs").rglob("scores.csv"))
    assert runs == [folder.resolve() for folder in folders]


def test_a_page_loads_nothing_but_its_figures(report):
    page = Page((report / "report.html").read_text())
    assert page.all("script", "src") == []
    assert page.all("link", "href") == ["data:,"]
    assert all("/" not in src for src in page.all("img", "src"))
    assert all(a.get("alt") for tag, a in page.tags if tag == "img")


# Clicks and counts once the page is there, and leaves what it finds in the title.
PROBE = """
<script>addEventListener("load", () => setTimeout(() => {
  const table = [...document.querySelectorAll(".table")].find(box =>
    box.getAttribute("aria-label") === "Runs").querySelector("table")
  const headings = [...table.tHead.rows[0].cells]
  const column = name => headings.findIndex(cell => cell.textContent === name)
  const values = name =>
    [...table.tBodies[0].rows].map(row => row.cells[column(name)].textContent)
  const sort = name => {
    const heading = headings[column(name)]
    heading.querySelector("button").click()
    return [values(name), heading.getAttribute("aria-sort")]
  }
  document.title = JSON.stringify({
    up: sort("frames"), down: sort("frames"), text: sort("agent"),
    sorted: document.querySelectorAll("[aria-sort]").length,
    hours: [sort("hours"), sort("hours")],
    wide: document.scrollingElement.scrollWidth, window: innerWidth,
    broken: [...document.images].filter(image => !image.naturalWidth).length,
  })
}))</script></body>
"""


def test_in_a_browser_tables_sort_and_a_phone_shows_the_page(report, tmp_path):
    if CHROMIUM is None:
        pytest.skip("needs Chromium, which is not installed")
    page = (report / "report.html").read_text()
    probed = report / "probed.html"
    # A window of Chromium is at least 500 wide; a frame may be as narrow as a phone.
    probed.write_text(page.replace("</body>", PROBE))
    phone = report / "phone.html"
    phone.write_text(
        '<iframe src="probed.html" width="390" height="800"></iframe><script>'
        "onload = () => setTimeout(() => { document.title ="
        " document.querySelector('iframe').contentDocument.title }, 500)</script>"
    )
    done = subprocess.run(
        [
            CHROMIUM,
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--allow-file-access-from-files", "--virtual-time-budget=3000"),
            *(f"--user-data-dir={tmp_path}", phone.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    probed.unlink()
    phone.unlink()
    (title,) = re.findall("<title>(.*?)</title>", done.stdout)
    found = json.loads(html.unescape(title))
    (up, ascending), (down, descending) = found["up"], found["down"]
    assert (ascending, descending) == ("ascending", "descending")
    # As text, 1200 would come before 800.
    assert up == ["800"] * 7 + ["1200"]
    assert down == up[::-1]
    assert found["text"][0] == sorted(found["text"][0])
    assert found["sorted"] == 1
    # The runs from elsewhere have no hours.
    assert all(hours[-2:] == ["", ""] for hours, _ in found["hours"])
    assert found["window"] == 390
    assert found["wide"] <= 390
    assert found["broken"] == 0
