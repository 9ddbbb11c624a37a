"""Mutations of a sound experiment file: each is refused with the right exit code, and each mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.cli import alliance
from sim.commands.codes import BAD_FILE
from sim.sweeps.design import load_experiment

HEAD = 'title = "T"\nquestion = "Q?"\nexpected = "E."\nscenarios = ["baseline"]\nreplicates = 4\n'
SOBOL = '[design]\nkind = "sobol"\npoints = 8\n'
LIST = '[design]\nkind = "list"\n'
LOW = '{label = "low", value = 0.1}'
ONE_AT_A_TIME = '[design]\nkind = "one_at_a_time"\n'

BODIES: list[tuple[str, str]] = [
    # Values
    ("[factors]\nblame = [nan, 0.1]\n", "7: factors.blame: nan is no distribution"),
    ("[factors]\nblame = [inf, 0.1]\n", "7: factors.blame: inf is no distribution"),
    ("[factors]\nblame = [nan, nan]\n", "7: factors.blame: level nan is listed twice"),
    ("[factors]\nblame = [[0.1, 0.2]]\n", "7: factors.blame: [0.1, 0.2] is no distribution"),
    ("[factors]\nblame = [{}, 0.2]\n", "7: factors.blame: {} is no distribution"),
    ("[factors]\nblame = ['0.1', 0.2]\n", "7: factors.blame: '0.1' is no distribution"),
    ("[factors]\nmonths = [0, 12]\n", "7: factors.months: 0 is out of range"),
    ("[factors]\nmonths = [12, 1000000000]\n", "7: factors.months: 1000000000 is out of range"),
    ("[factors]\nmonths = [12, 12.0]\n", "7: factors.months: level 12.0 is listed twice"),
    ("[constants]\norganizations = 1000000000\n", "7: constants.organizations: 1000000000 is out of range"),
    ("[constants]\ntrust_gain = nan\n", "7: constants.trust_gain: must be a number from 0 to 0.5 (1/month), got nan"),
    ("seed = -1\n", "6: seed: -1 is out of range"),
    ("seed = 1.5\n", "6: seed: must be a whole number"),
    ("seed = 99999999999999999999\n", "6: seed: is a whole number beyond 64 bits"),
    # Labels
    ('[factors]\nblame = [{label = "a\\nb", value = 0.1}]\n', "7: factors.blame: a label must be text"),
    ("[factors]\nblame = [{label = 1, value = 0.1}]\n", "7: factors.blame: a label must be text"),
    ('[factors]\nblame = [{label = "a", value = 0.1, note = 1}]\n', "7: factors.blame: a named level is"),
    (
        f"[factors]\nblame = [{LOW}]\nopenness = [{LOW}]\n{ONE_AT_A_TIME}",
        "6: factors: 'low' would name two cells",
    ),
    (
        f'[factors]\nblame = [{{label = "base", value = 0.1}}]\n{ONE_AT_A_TIME}',
        "6: factors: 'base' would name two cells",
    ),
    (
        f'{LIST}[[design.points]]\nlabel = "point 2"\nblame = 0.1\n[[design.points]]\nblame = 0.2\n',
        "11: design.points.2: 'point 2' would name two cells",
    ),
    # Names
    ('[factors]\nblame = [0.1]\n"traits.blame" = [0.2]\n', "8: factors.traits.blame: is already a factor"),
    (
        '[levers]\nblame = [0.1]\n[uncertainties]\n"traits.blame" = [0.3]\n',
        "9: uncertainties.traits.blame: is already a lever",
    ),
    ('[factors]\n"bläme" = [0.1]\n', "7: factors.bläme: is no setting; did you mean 'blame'?"),
    ('[factors]\n"" = [0.1]\n', "7: factors.: is no setting"),
    ('[factors]\n"a..b" = [0.1]\n', "7: factors.a..b: is no setting"),
    (
        "[constants]\nevents.crash.enabled = false\n",
        "7: constants.events: is a table: write a name with dots in quotes",
    ),
    ('precision = {"trüst" = 0.1}\n', "6: precision.trüst: is no outcome; did you mean 'trust'?"),
    ("outcomes = [1]\n", "6: outcomes: 1 is no outcome"),
    ('outcomes = "value"\n', "6: outcomes: must be a list of outcomes"),
    ('outcomes = [["value"]]\n', "6: outcomes: ['value'] is no outcome"),
    # Nesting
    ("factors = [1, 2]\n", "6: factors: must be a table [factors], got [1, 2]"),
    ("[[factors]]\nblame = [0.1]\n", "6: factors: must be a table [factors]"),
    ("[[levers]]\nblame = [0.1]\n", "6: levers: must be a table [levers]"),
    ('[[design]]\nkind = "grid"\n', "6: design: must be a kind of design or a table [design]"),
    ('[design]\nkind = ["sobol"]\n', "7: design.kind: ['sobol'] is no design; did you mean 'sobol'?"),
    (
        '[uncertainties]\nblame = "declared"\n[design]\nkind = "sobol"\n[design.points]\nn = 8\n',
        "10: design.points: must be a whole number",
    ),
    ("constants = [1]\n", "6: constants: must be a table [constants], got [1]"),
    # Ranges and samples
    (
        f'[uncertainties]\nmixing = "declared"\n{SOBOL}',
        "7: uncertainties.mixing: has no declared range, as parameters and traits have: write {low = …, high = …} or",
    ),
    (f"[uncertainties]\nblame = {{low = nan, high = 1.0}}\n{SOBOL}", "7: uncertainties.blame: low must be a number"),
    (f"[uncertainties]\nblame = {{low = 0.0, high = inf}}\n{SOBOL}", "7: uncertainties.blame: high must be a number"),
    (f"[uncertainties]\nblame = {{low = 0.9, high = 0.1}}\n{SOBOL}", "7: uncertainties.blame: low must be below high"),
    (f"[uncertainties]\nblame = {{low = 0.5, high = 0.5}}\n{SOBOL}", "7: uncertainties.blame: low must be below high"),
    (f'[uncertainties]\nblame = "Declared"\n{SOBOL}', "7: uncertainties.blame: 'Declared' is no range"),
    (f"[uncertainties]\nmixing = {{low = 0, high = 1}}\n{SOBOL}", "7: uncertainties.mixing: 0.28"),  # once, not 8 times
    (
        '[uncertainties]\nblame = "declared"\n[design]\nkind = "sobol"\npoints = 1073741824\n',
        "10: design.points: 1073741824 is out of range",
    ),
    (
        '[uncertainties]\nblame = "declared"\n[design]\nkind = "latin_hypercube"\npoints = 8.0\n',
        "10: design.points: must be a whole number",
    ),
    # Lists and bases
    (f"{LIST}[[design.points]]\nblame = nan\n", "9: design.points.1.blame: nan is no distribution"),
    (
        f"{LIST}[[design.points]]\nmonths = 12\n[[design.points]]\nmonths = 12.0\n",
        "10: design.points.2: sets the same as an earlier point",
    ),
    (
        f'{LIST}[[design.points]]\n"traits.blame" = 0.1\nblame = 0.2\n',
        "10: design.points.1.blame: is already a factor",
    ),
    (f"[factors]\nblame = [0.1]\n{ONE_AT_A_TIME}base = {{blame = nan}}\n", "10: design.base.blame: nan is no"),
    # Precision
    ("precision = {trust = nan}\n", "6: precision.trust: must be a half-width above 0"),
    ("precision = {trust = {half = 0.1}}\n", "6: precision.trust: must be a half-width above 0"),
    ("precision = {trust = 0.1}\nmax_replicates = 2\n", "7: max_replicates: 2 is less than one batch"),
    (
        "precision = {trust = 0.1}\nmax_replicates = 10000000\n",
        "7: max_replicates: 10000000 are 2500000 rounds of 4; at most 10000: take replicates = 1000 or more",
    ),
]


def check(path: Path) -> list[str]:
    """The lines that the command says of a file, without its path; it must refuse the file."""
    result = CliRunner().invoke(alliance, ["experiments", "check", str(path)])
    assert result.exit_code == BAD_FILE, result.output
    return [line.removeprefix(f"{path}:") for line in result.stderr.strip().splitlines()]


@pytest.mark.parametrize(("body", "expected"), BODIES, ids=[expected for _, expected in BODIES])
def test_a_mutation_is_refused_with_one_mistake_and_its_line(body: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(HEAD + body, encoding="utf-8")
    (said,) = check(path)
    assert said.startswith(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbf" + (HEAD + "[factors]\nblme = [0.1]\n").encode(), "7: factors.blme: is no setting"),
        ((HEAD + "[factors]\nblme = [0.1]\n").replace("\n", "\r\n").encode(), "7: factors.blme: is no setting"),
        ((HEAD + '[factors]\n"bläme" = [0.1]\n').encode("latin-1"), "7: toml: is not UTF-8 text"),
        ((HEAD + "[factors]\nblame = [0.1]\n").encode("utf-16"), "1: toml: is not UTF-8 text"),
        (HEAD.encode() + b"\x00", "6: toml: is not valid TOML"),
        (bytes(range(256)), "2: toml: is not UTF-8 text"),
        (HEAD.encode() + b"x = " + b"[" * 3000 + b"]" * 3000, "1: toml: is nested too deeply: at most 32"),
    ],
    ids=["bom", "crlf", "latin_1", "utf_16", "null", "binary", "deep"],
)
def test_bytes_of_other_kinds_are_refused_with_their_line(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_bytes(content)
    (said,) = check(path)
    assert said.startswith(expected)


GROUPS = HEAD.replace("baseline", "aol_time_warner")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ('[constants]\n"AOL.openness" = 0.4\n[factors]\nopenness = [0.3, 0.5]\n', "9: factors.openness"),
        (
            f'[constants]\n"AOL.openness" = 0.4\n[uncertainties]\nopenness = "declared"\n{SOBOL}',
            "9: uncertainties.openness",
        ),
        (f'{LIST}[[design.points]]\n"AOL.openness" = 0.2\nopenness = 0.3\n', "10: design.points.1.openness"),
        (f'[factors]\nopenness = [0.3]\n"AOL.openness" = [0.2]\n{ONE_AT_A_TIME}', "7: factors.openness"),
    ],
    ids=["constant", "constant_and_range", "list", "one_at_a_time"],
)
def test_what_sets_a_trait_of_everybody_may_not_undo_that_of_a_group(body: str, line: str, tmp_path: Path) -> None:
    """The tables would say 0.4 of AOL where everybody has 0.3."""
    path = tmp_path / "trial.toml"
    path.write_text(GROUPS + body, encoding="utf-8")
    (said,) = check(path)
    assert said.startswith(f"{line}: sets everybody's openness and so undoes 'AOL.openness': name the groups")


def test_a_group_may_differ_from_what_everybody_is_set_to(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(f'{GROUPS}[constants]\nopenness = 0.4\n[factors]\n"AOL.openness" = [0.2, 0.3]\n')
    openness = [
        [group.traits.openness.plain() for group in cell.scenario.groups] for cell in load_experiment(path).cells()
    ]
    assert openness == [[0.2, 0.4], [0.3, 0.4]]


def test_points_that_come_twice_do_not_hide_what_others_leave_out(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    points = "[{openness = 0.3, blame = 0.2}, {openness = 0.3}, {openness = 0.3, blame = 0.2}]"
    path.write_text(f"{HEAD}{LIST}points = {points}\n", encoding="utf-8")
    first, second = check(path)
    assert first.startswith("8: design.points.3: sets the same as an earlier point")
    assert second.startswith("8: design.points.2: does not set blame")


def test_a_grid_of_a_thousand_million_cells_is_counted_and_not_built(tmp_path: Path) -> None:
    levels = [round(0.05 + k / 2000, 6) for k in range(1000)]
    path = tmp_path / "trial.toml"
    path.write_text(f"{HEAD}[factors]\nblame = {levels}\nopenness = {levels}\nintegrity = {levels}\n")
    assert check(path) == ["6: factors: make 1000000000 cells; at most 20000: take fewer levels"]


@pytest.mark.parametrize("name", ["x" * 5000 + ".toml", "./", "a\\u0000.toml", "../baseline"])
def test_what_cannot_be_the_name_of_a_scenario_is_a_mistake_of_the_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(HEAD.replace('"baseline"', f'"{name}"'))
    (said,) = check(path)
    assert said.startswith("4: scenarios: ")


def test_a_scenario_may_be_named_once_only_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "plain.toml").write_text('title = "T"\nquestion = "Q?"\nsource = "S"\nexpected = "E."\n')
    path = tmp_path / "trial.toml"
    path.write_text(HEAD.replace('"baseline"', f'"plain.toml", "{tmp_path / "plain.toml"}"'))
    (said,) = check(path)
    assert said.startswith("4: scenarios: ")
    assert said.endswith("is listed twice")
