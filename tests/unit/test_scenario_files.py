"""Every malformed file of the corpus gives exactly the reports that it says it should, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from sim.scenario import load
from sim.tomlfile import BadFile

CORPUS = Path(__file__).parent.parent / "corpus" / "scenarios"
FILES = sorted(CORPUS.glob("*.toml"))
REPORT = re.compile(r"(\d+): ([^:]*): (.*)")
LONGEST_MESSAGE = 300


def expected_reports(path: Path) -> list[tuple[int, str, str]]:
    """(line, key, fragment of the message) of each report: from a file beside it, or from ``# expect: …`` in it."""
    beside = path.with_suffix(".expect")
    if beside.exists():
        lines = beside.read_text(encoding="utf-8").splitlines()
    else:
        lines = re.findall(r"(?m)^# expect: (.*)$", path.read_text(encoding="utf-8"))
    found = [REPORT.fullmatch(line) for line in lines]
    assert found, f"{path.name} expects nothing"
    assert all(found), f"{path.name}: an expectation is no 'line: key: fragment'"
    return [(int(match[1]), match[2], match[3]) for match in found if match]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_malformed_file_gives_exactly_its_reports(path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        load(path)
    error = caught.value
    reports = [
        (error.line_of(problem.key), problem.dotted().removesuffix(" "), problem.message) for problem in error.problems
    ]
    wanted = expected_reports(path)
    assert Counter((line, key) for line, key, _ in reports) == Counter((line, key) for line, key, _ in wanted)
    for line, key, fragment in wanted:
        assert any((line, key) == report[:2] and fragment in report[2] for report in reports), (
            f"no report of line {line}, {key}, says {fragment!r}: {reports}"
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_text_is_one_short_line_a_mistake_in_the_order_of_the_file(path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        load(path)
    lines = str(caught.value).split("\n")
    assert len(lines) == len(caught.value.problems)
    numbers = []
    for line in lines:
        match = re.fullmatch(re.escape(str(path)) + r":(\d+): (.*)", line)
        assert match, line
        numbers.append(int(match[1]))
    assert numbers == sorted(numbers)
    assert all(len(problem.message) <= LONGEST_MESSAGE for problem in caught.value.problems)


def test_the_corpus_is_large_and_its_sidecars_belong_to_files() -> None:
    assert len(FILES) >= 70
    assert {path.stem for path in CORPUS.glob("*.expect")} <= {path.stem for path in FILES}
