"""``alliance vet``: how long to question a candidate, whom one accepts then, and what a good partner costs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from sim.commands.options import Number, Setting, SettingType, as_dictionary, json_option
from sim.commands.output import paragraph, print_json, print_table, put

if TYPE_CHECKING:
    from pydantic import ValidationError

    from sim.study.vetting import Course, Findings, Interview

FIGURES = (".png", ".svg", "")
SHOWN_IN_JSON = 1e-6
"""The distribution of the number of questions is printed as far as a larger share of interviews goes on."""


class QuestionList(click.ParamType):  # type: ignore[type-arg] # not generic before click 8.4
    """Names of questions with commas between them."""

    name = "name,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split at the commas."""
        if isinstance(value, tuple):
            return value
        return tuple(name.strip() for name in str(value).split(",") if name.strip())

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that continue the last one typed."""
        from sim.study.vetting import KINDS, QUESTIONS

        before, comma, begun = incomplete.rpartition(",")
        names = [name for name in (*KINDS, *QUESTIONS) if name.startswith(begun)]
        return [CompletionItem(f"{before}{comma}{name}") for name in names]


class QuestionSetting(SettingType):
    """``p1=0.8`` for every question asked, or ``complaints.p1=0.8`` for one."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The keys that begin as typed, each with its "="."""
        from sim.study.vetting import NUMBERS, QUESTIONS

        keys = [*NUMBERS, *(f"{question}.{number}" for question in QUESTIONS for number in NUMBERS)]
        return [CompletionItem(f"{key}=") for key in keys if key.startswith(incomplete)]


@click.command(
    epilog="""\b
Questions (of Robertson, in this order):
  trust_example      behaviour  a specific example of how the team shows trust
  team_rating        self       1 to 10: the team's trust in management, and what the next number would be
  management_rating  self       1 to 10: management's trust in the team, and what the next number would be
  complaints         behaviour  how complaints are handled: together, or "whose fault is it?"
  agreed_actions     behaviour  agreed-upon courses of action
  absent_partner     behaviour  what it would take to act for the absent partner
  behaviour, self, all          several at once

\b
Examples:
  alliance vet
  alliance vet --compare
  alliance vet --prior 0.3 --alpha 0.01 --figure vetting.png
  alliance vet --questions trust_example,complaints --max-questions 4
  alliance vet --questions behaviour --set p1=0.75 --set p0=0.35
  alliance vet --compare --value-genuine 20 --value-cat-poster=-10
"""
)
@click.option("--alpha", type=Number(), help="Tolerated chance of accepting a cat poster; else 0.05.")
@click.option("--beta", type=Number(), help="Tolerated chance of turning a genuine partner away; else 0.1.")
@click.option("--prior", type=Number(), help="Share of genuine partners among the candidates; else 0.1 (Brown).")
@click.option(
    "--questions", type=QuestionList(), help="What is asked, in this order and then from the first again; else all."
)
@click.option(
    "--set",
    "settings",
    type=QuestionSetting(),
    multiple=True,
    metavar="KEY=VALUE",
    help="How well questions tell and what they cost: p1 and p0, the chance of a convincing answer from a genuine "
    "partner and from a cat poster, and cost; for all questions asked (p1=0.75) or one (complaints.p1=0.75). "
    "Repeat for more.",
)
@click.option("--max-questions", type=int, help="Decide after so many; else go on until it is yes or no.")
@click.option("--value-genuine", type=Number(), help="Worth of an alliance with a genuine partner, money.")
@click.option(
    "--value-cat-poster", type=Number(), help="Worth of an alliance with a cat poster, money; below 0 a loss."
)
@click.option("--compare", is_flag=True, help="Beside it: no vetting, three questions, self-ratings only.")
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw whom it accepts and how many questions it takes: to this file, as PNG and as SVG.",
)
@json_option
def vet(
    questions: tuple[str, ...] | None,
    settings: tuple[Setting, ...],
    compare: bool,
    figure: Path | None,
    as_json: bool,
    **numbers: float | None,
) -> None:
    """How long to question a candidate, and whom you get.

    Interview questions tell a partner that practises what it professes (genuine) from one whose values are a cat
    poster. They go on until the answer is yes or no (Wald's sequential test). Computes exactly whom you accept, how
    many questions that takes, and what a good partner costs. Money is in units of the base output of one alliance in
    one month.
    """
    _check_figure(figure)
    found = _findings(questions, settings, numbers, compare)
    files = _draw(found["the interview"], figure) if figure else []
    if as_json:
        print_json({**_document(found, compare), "figures": files})
        return
    (_print_comparison if compare else _print_findings)(found)
    put()
    for sentence in _sentences(found["the interview"]):
        paragraph(sentence)
    if files:
        put("\nFigure: " + ", ".join(str(file) for file in files))


def _findings(
    names: tuple[str, ...] | None, settings: Iterable[Setting], numbers: dict[str, float | None], compared: bool
) -> dict[str, Findings]:
    """What the interview comes to, and its alternatives when they are wanted.

    Raises:
        click.UsageError: with a line for each mistake.
    """
    from pydantic import ValidationError

    from sim.study import vetting

    wanted = as_dictionary(settings)
    try:
        asked = vetting.questions_for(names if names is not None else ["all"], wanted)
        given: dict[str, Any] = {name: value for name, value in numbers.items() if value is not None}
        interview = vetting.Interview(questions=asked, **given)
        return vetting.compare(interview) if compared else {"the interview": vetting.vet(interview)}
    except ValidationError as error:
        raise click.UsageError("\n".join(_mistakes(error))) from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _mistakes(error: ValidationError) -> list[str]:
    """Each mistake of a validation in a line: what, its range, what was given."""
    from sim.distributions import in_percent, shown
    from sim.parameters import meta
    from sim.study.vetting import Interview, Question

    fields = {**Interview.model_fields, **Question.model_fields}
    lines = []
    for mistake in error.errors():
        if mistake["type"] == "value_error":
            lines.append(str(mistake["ctx"]["error"]))
        elif mistake["loc"] == ("questions",):
            lines.append("questions: name at least one")
        else:
            name = str(mistake["loc"][-1])
            about = meta(fields[name])
            given = mistake["input"]
            meant = in_percent(given) if about["high"] <= 1 else ""
            lines.append(f"{name}: must be from {about['low']:g} to {about['high']:g}, got {shown(given)}{meant}")
    return list(dict.fromkeys(lines))


# ---------------------------------------------------------------------------------------------------------------
# The figure
# ---------------------------------------------------------------------------------------------------------------
def _check_figure(path: Path | None) -> None:
    if path is not None and (path.suffix not in FIGURES or not path.stem):
        raise click.UsageError(f"--figure {path}: must end in .png or .svg; both are written")


def _draw(findings: Findings, path: Path) -> list[Path]:
    """Write the figure as PNG and SVG."""
    from sim.study.plots import save
    from sim.study.plots.vetting import vetting

    try:
        return save(vetting(findings), path.parent, path.stem)
    except OSError as error:
        raise click.ClickException(f"--figure {path}: cannot be written: {error.strerror}; choose another") from None


# ---------------------------------------------------------------------------------------------------------------
# Telling
# ---------------------------------------------------------------------------------------------------------------
def _sentences(findings: Findings) -> list[str]:
    from sim.study.vetting import sentences

    return sentences(findings)


def _print_findings(found: dict[str, Findings]) -> None:
    """The interview with genuine partners, cat posters and all candidates side by side."""
    from sim.study.vetting import wald_questions

    whole = found["the interview"]
    both = (whole.genuine, whole.cat_poster)
    accepted = [*(f"{course.share_accepted:.2%}" for course in both), f"{whole.accepted:.2%}"]
    asked = [*(f"{course.questions:.2f}" for course in both), f"{whole.questions:.2f}"]
    enough = [*(str(course.enough_for(0.95)) for course in both), str(whole.enough_for(0.95))]
    cost = [*(f"{course.cost:.3g}" for course in both), f"{whole.cost:.3g}"]
    rows = [
        ("accepted", *accepted),
        ("questions asked, mean", *asked),
        ("questions enough for 95%", *enough),
        ("cost of the questions, money", *cost),
    ]
    if whole.interview.max_questions is None:
        rows.append(
            ("questions by Wald's formulas", *(f"{number:.2f}" for number in wald_questions(whole.interview)), "")
        )
    print_table(("", "genuine partner", "cat poster", "all candidates"), rows, _title(whole.interview))


def _title(interview: Interview) -> str:
    from sim.study.words import how_many

    names = list(dict.fromkeys(question.name for question in interview.questions))
    most = interview.max_questions
    limit = "until yes or no" if most is None else f"at most {how_many(most, 'question')}"
    return (
        f"Interview {limit}: {', '.join(names)} "
        f"(α = {interview.alpha:g}, β = {interview.beta:g}, {100.0 * interview.prior:.3g}% of the candidates genuine)"
    )


def _print_comparison(found: dict[str, Findings]) -> None:
    """A row for each way to vet."""
    columns = (
        "", "genuine accepted", "cat posters accepted", "genuine among accepted", "questions each",
        "questions per genuine partner", "money per genuine partner", "cat posters per genuine partner",
    )  # fmt: skip
    valued = found["the interview"].value is not None
    rows = [
        (
            name,
            f"{way.genuine.share_accepted:.1%}",
            f"{way.cat_poster.share_accepted:.1%}",
            f"{way.genuine_among_accepted:.1%}",
            f"{way.questions:.1f}",
            f"{way.questions_per_partner:.1f}",
            f"{way.cost_per_partner:.3g}",
            f"{way.cat_posters_per_partner:.2f}",
            *([f"{way.value:.3g}"] if valued else []),
        )
        for name, way in found.items()
    ]
    print_table(
        (*columns, *(["worth of an accepted partner"] if valued else [])),
        rows,
        _title(found["the interview"].interview),
    )


# ---------------------------------------------------------------------------------------------------------------
# JSON
# ---------------------------------------------------------------------------------------------------------------
def _document(found: dict[str, Findings], compared: bool) -> dict[str, Any]:
    """Everything that was given and computed."""
    from sim.study.vetting import wald_questions

    whole = found["the interview"]
    wald = dict(zip(("genuine", "cat_poster"), wald_questions(whole.interview), strict=True))
    document = {
        "interview": whole.interview.model_dump(),
        **_numbers(whole),
        "asked": _asked(whole),
        "wald_questions": wald,
        "sentences": _sentences(whole),
    }
    if compared:
        document["compared"] = {name: _numbers(way) for name, way in found.items()}
    return document


def _numbers(findings: Findings) -> dict[str, Any]:
    return {
        "genuine": _course(findings.genuine),
        "cat_poster": _course(findings.cat_poster),
        "accepted": findings.accepted,
        "genuine_among_accepted": findings.genuine_among_accepted,
        "questions": findings.questions,
        "cost": findings.cost,
        "forced": findings.forced,
        "candidates_per_partner": findings.candidates_per_partner,
        "questions_per_partner": findings.questions_per_partner,
        "cost_per_partner": findings.cost_per_partner,
        "cat_posters_per_partner": findings.cat_posters_per_partner,
        "value": findings.value,
    }


def _course(course: Course) -> dict[str, Any]:
    return {
        "accepted": course.share_accepted,
        "questions": course.questions,
        "cost": course.cost,
        "enough_for_95_percent": course.enough_for(0.95),
        "undecided": course.undecided,
        "exact": course.exact,
    }


def _asked(findings: Findings) -> list[dict[str, Any]]:
    """Chance that the interview ends after each number of questions, by sort of candidate and decision."""
    last = max(course.enough_for(1.0 - SHOWN_IN_JSON) for course in (findings.genuine, findings.cat_poster))
    return [
        {
            "questions": number,
            "genuine_accepted": findings.genuine.accepted[number],
            "genuine_turned_away": findings.genuine.rejected[number],
            "cat_poster_accepted": findings.cat_poster.accepted[number],
            "cat_poster_turned_away": findings.cat_poster.rejected[number],
        }
        for number in range(last + 1)
    ]
