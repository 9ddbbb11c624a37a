"""The report of a result as one page that stands alone: no network, no other file, made from the stored tables only.

:func:`publish` writes ``report.html`` beside the figures and the summary. Pictures, style and script are within the
page. It is readable and printable without the script, which makes tables sortable. The same result gives the same
bytes.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from sim.study.page import background, results
from sim.study.page.markup import Html, element, prose
from sim.study.page.results import Picture
from sim.study.report import summary_markdown
from sim.study.words import Study, warning_of
from sim.sweeps.files import resume_command, write_file
from sim.sweeps.manifest import COMPLETE, FAILED
from sim.sweeps.reading import Stored

PAGE = "report.html"


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its heading, and what stands in it."""

    anchor: str
    heading: str
    content: Html


def publish(stored: Stored, out: Path | str | None = None) -> list[Path]:
    """Draw the figures of a result, write its summary, and the page that holds everything.

    Args:
        stored: a result folder read back, with :func:`sim.sweeps.reading.read_results`.
        out: where to write; the result folder itself without it.

    Returns:
        The files written: PNG and SVG of each figure in ``figures/``, ``summary.md``, ``report.html``.

    Raises:
        BadFile: when a table has changed since the folder was opened.
        OSError: when a file cannot be written.
    """
    from sim.study import plots  # Matplotlib takes a while to import

    place = Path(out) if out is not None else stored.folder
    study, paths, pictures = Study(stored), [], []
    for name, figure in plots.draw_all(stored, study.split).items():
        png, svg = plots.save(figure, place / "figures", name)
        paths += [png, svg]
        pictures.append(Picture(name, png.read_bytes(), figure.get_suptitle(), figure.get_supxlabel()))
    summary, page = place / "summary.md", place / PAGE
    write_file(summary, summary_markdown(study, [picture.name for picture in pictures]).encode())
    write_file(page, page_html(study, pictures).encode())
    return [*paths, summary, page]


def page_html(study: Study, pictures: Sequence[Picture] = ()) -> str:
    """The page as HTML text.

    Args:
        study: a result folder read back.
        pictures: figures to embed; of those that the page has a place for, at most
            :data:`sim.study.page.results.MOST_FIGURES`.
    """
    album = results.Album(pictures)
    parts = [
        Section("question", "Question and expectation", results.question(study)),
        Section("design", "Design", results.design(study)),
        Section("findings", "Findings", results.differences(study, album)),
        Section("time", "Over time", results.over_time(study, album)),
        Section("spread", "How the alliances spread", results.spread(study, album)),
        Section("trust", "What built and what destroyed trust", results.ledger(study, album)),
        Section("sureness", "How sure this is", background.sureness(study)),
        Section("limits", "What the model leaves out", background.limits()),
        Section("parameters", "Parameters", background.parameters(study)),
        Section("reproduce", "How to do it again", background.reproduce(study)),
        Section("provenance", "Where it comes from", background.provenance(study)),
    ]
    body = element("body", _header(study, parts), element("main", [_section(part) for part in parts]), _script())
    return f'<!DOCTYPE html>\n<html lang="en">\n{_head(study)}\n{body}\n</html>\n'


def _header(study: Study, parts: Sequence[Section]) -> Html:
    manifest = study.manifest
    warning = warning_of(study)
    if warning and manifest["status"] != COMPLETE:
        warning += _what_to_do(study)
    about = (
        f"Experiment {manifest['name']}, {len(study.runs):,} runs, started {manifest['started']}, "
        f"alliance-trust {manifest['versions']['alliance-trust']}, design {manifest['design_digest'][:8]}"
    )
    return element(
        "header",
        prose("h1", manifest["title"]),
        element("p", about, class_="meta"),
        element("p", warning, class_="notice", role="note", id="incomplete") if warning else "",
        element(
            "nav",
            element("ul", [element("li", element("a", part.heading, href=f"#{part.anchor}")) for part in parts]),
            aria_label="Parts of this page",
        ),
    )


def _what_to_do(study: Study) -> str:
    """The command that adds what is missing; nothing else is missing once a sweep has ended with failed runs."""
    command = resume_command(Path(study.folder.resolve().name))
    if study.manifest["status"] == FAILED:
        return f" To try the failed runs again: {command} --retry-failed"
    return f" To go on: {command}"


def _section(part: Section) -> Html:
    name = f"{part.anchor}-heading"
    heading = element("h2", part.heading, id=name)
    return Html(f"\n{element('section', heading, part.content, id=part.anchor, aria_labelledby=name)}")


def _head(study: Study) -> Html:
    style, script = _asset("page.css"), _asset("table.js")
    allowed = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=allowed),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        prose("title", study.manifest["title"]),
        element("style", style),
    )


def _script() -> Html:
    return element("script", _asset("table.js"))


def _asset(name: str) -> Html:
    """A file that comes with this package, which holds nothing to escape."""
    return Html(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    """What the browser must find: nothing else on the page is run or styles it, whatever a file's text says."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
