"""A story: its paragraphs under their headings, as text and as Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from sim.distributions import expect
from sim.engine import History
from sim.study.analysis import choose_alliance
from sim.study.story.beginning import hopes, origin, partners
from sim.study.story.course import Course, heading
from sim.study.story.ending import afterwards, closing, end, worth
from sim.study.story.life import Life, most_telling
from sim.study.story.meeting import meeting
from sim.study.story.phases import Phase, phases_of
from sim.study.story.thresholds import CUTS_A_PHASE
from sim.study.story.wording import COLUMNS, wrapped
from sim.study.words import capital
from sim.text import markdown


@dataclass(frozen=True)
class Chapter:
    """A paragraph and its heading."""

    heading: str
    text: str


@dataclass(frozen=True)
class Story:
    """The story of one alliance. ``str()`` gives its :meth:`text`; :meth:`markdown` the same with headings."""

    title: str
    origin: str
    """Scenario, seed, replicate and which alliance; why this one, when it was chosen."""
    alliance: int
    """Number of the alliance, from 1."""
    phases: tuple[Phase, ...]
    """Months of the alliance's own life; headings and texts name the months of the run."""
    chapters: tuple[Chapter, ...]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """What is read aloud: the origin and every chapter without its heading."""
        return (self.origin, *(chapter.text for chapter in self.chapters))

    def __str__(self) -> str:
        return self.text()

    def text(self, columns: int = COLUMNS) -> str:
        """Title, then each paragraph under its heading, in lines of at most so many characters."""
        parts = [wrapped(self.title, columns) + f"\n{'=' * min(len(self.title), columns)}"]
        parts.append(wrapped(self.origin, columns))
        parts += [f"{chapter.heading.upper()}\n{wrapped(chapter.text, columns)}" for chapter in self.chapters]
        return "\n\n".join(parts)

    def markdown(self) -> str:
        """The same as Markdown, a paragraph a line."""
        parts = [f"# {markdown(self.title)}", f"*{markdown(self.origin)}*"]
        for chapter in self.chapters:
            parts += [f"## {markdown(chapter.heading)}", markdown(chapter.text)]
        return "\n\n".join(parts) + "\n"

    def _repr_markdown_(self) -> str:
        """As a notebook shows it."""
        return self.markdown()


def story(history: History, alliance: int | None = None) -> Story:
    """Tell what happened to an alliance and why.

    Args:
        history: what :func:`sim.engine.simulate_history` returns.
        alliance: its number, from 1; None for the one that :func:`most_telling` chooses.

    Raises:
        ValueError: when there is no such alliance, or none at all.
    """
    expect(history, History, "history: a History, which simulate_history of sim.engine makes")
    chosen = choose_alliance(history, alliance) or most_telling(history)
    life = Life(history, chosen)
    phases = phases_of(life.mutual, [month - 1 for month, event in life.dated if event.kind in CUTS_A_PHASE])
    course = Course(life, phases)
    chapters = [
        Chapter("The partners", partners(life)),
        Chapter("How they met", meeting(life)),
        Chapter("What they hoped for", hopes(life)),
        *(Chapter(heading(life, phase), course.phase(k)) for k, phase in enumerate(phases)),
        Chapter("The end" if life.ended else "How it stands", end(life)),
        Chapter("Afterwards", afterwards(life)),
        Chapter("What it was worth", worth(life)),
        Chapter("The ledger", closing(life)),
    ]
    title = capital(f"{life.names[0]} and {life.names[1]}")
    told = tuple(chapter for chapter in chapters if chapter.text)
    return Story(title, origin(life, alliance), chosen, tuple(phases), told)
