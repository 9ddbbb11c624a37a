"""Ways to break a line of Python: every place where a small, plausible mistake could be made, as text to put there.

A mutant replaces a stretch of one file's text and leaves the rest as it is, so that a survivor can be read as a diff.
Left alone are docstrings, messages (what a person reads is not a result), annotations, imports, declarations of
parameters and what only a type checker reads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARED = {
    ast.Lt: ("<=", ">"),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<"),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
"""What stands instead of a comparison: its boundary moved, or turned round."""

COMPUTED: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.Pow: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.LShift: ">>",
    ast.RShift: "<<",
}
NAMES = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "nanmin": "nanmax",
    "nanmax": "nanmin",
    "floor": "ceil",
    "ceil": "floor",
    "mean": "median",
}
"""Functions and methods that are easily taken for each other."""
SPOKEN = {"ValueError", "TypeError", "RuntimeError", "BadFile", "BadParameter", "UsageError", "echo", "warn", "say"}
"""What is called with words for people: its arguments are left alone."""


@dataclass(frozen=True)
class Mutant:
    """One small mistake: in ``path``, characters ``start`` to ``end`` become ``after``."""

    path: str
    line: int
    function: str
    start: int
    end: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} in {self.function}: {_short(self.before)} → {_short(self.after)}"

    def applied(self, text: str) -> str:
        """The file's text with the mistake in it."""
        assert text[self.start : self.end] == self.before
        return text[: self.start] + self.after + text[self.end :]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}…"


def mutants_of(path: Path, root: Path) -> list[Mutant]:
    """Every mutant of a file, in the order of its text; none of them reads as the file did."""
    text = path.read_text(encoding="utf-8")
    found = _Finder(path.relative_to(root).as_posix(), text)
    found.visit(ast.parse(text))
    return sorted(set(found.mutants), key=lambda m: (m.start, m.end, m.after))


class _Finder(ast.NodeVisitor):
    """Walks over a file and notes what could be done wrong in it."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.mutants: list[Mutant] = []
        self.inside: list[str] = []
        lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line))
        self.lines = lines

    # ----------------------------------------------------------------------------------------------------------
    # Where
    # ----------------------------------------------------------------------------------------------------------
    def place(self, line: int, column: int) -> int:
        """Position in the text of a place that ``ast`` gives in bytes of UTF-8."""
        before = self.lines[line - 1].encode()[:column].decode()
        return self.starts[line - 1] + len(before)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.place(node.lineno, node.col_offset), self.place(node.end_lineno, node.end_col_offset)

    def note(self, node: ast.expr | ast.stmt | tuple[int, int], after: str) -> None:
        """Note that a node, or what lies between two places, may become ``after``; only inside of functions."""
        if not self.inside:
            return
        start, end = node if isinstance(node, tuple) else self.span(node)
        before = self.text[start:end]
        if before != after:
            line = self.text.count("\n", 0, start) + 1
            self.mutants.append(Mutant(self.path, line, ".".join(self.inside), start, end, before, after))

    def source(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    # ----------------------------------------------------------------------------------------------------------
    # What is walked over
    # ----------------------------------------------------------------------------------------------------------
    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.inside.append(node.name)
        body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
        for statement in body:
            self.visit(statement)
        self.inside.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Of a class only its functions: what it declares is no step that could go wrong."""
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                self.inside.append(node.name)
                self.function(statement)
                self.inside.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self.note(node, "pass")

    def visit_Assert(self, node: ast.Assert) -> None:
        """Assertions are for readers and type checkers."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Words for people."""

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.note(node, "pass")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if type(node.op) in COMPUTED:
            _, left = self.span(node.target)
            right, _ = self.span(node.value)
            self.note((left, right), f" {COMPUTED[type(node.op)]}= ")
        self.note(node, "pass")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        self.note(node.test, f"not ({self.source(node.test)})")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.note(node.test, f"not ({self.source(node.test)})")
        self.generic_visit(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self.note(node, "break")

    def visit_Break(self, node: ast.Break) -> None:
        self.note(node, "continue")

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            between = self.span(left)[1], self.span(right)[0]
            if self.text[slice(*between)].strip() in {"<", "<=", ">", ">=", "==", "!=", "is", "is not", "in", "not in"}:
                for other in COMPARED[type(op)]:
                    self.note(between, f" {other} ")
            left = right
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values[:-1], node.values[1:], strict=True):
            between = self.span(left)[1], self.span(right)[0]
            text = self.text[slice(*between)]
            if text.count(word) == 1:
                self.note(between, text.replace(word, other))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self.note(node, f"({self.source(node.operand)})")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        between = self.span(node.left)[1], self.span(node.right)[0]
        sign = self.text[slice(*between)].strip()
        if type(node.op) in COMPUTED and sign in {"+", "-", "*", "/", "//", "%", "**", "&", "|", "<<", ">>"}:
            self.note(between, f" {COMPUTED[type(node.op)]} ")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.note(node, str(not value))
        elif isinstance(value, int):
            self.note(node, str(value + 1))
        elif isinstance(value, float):
            self.note(node, repr(value * 1.1 if value else 0.1))

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func
        called = name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else ""
        if called in SPOKEN:
            return
        if called in NAMES:
            end = self.span(name)[1]
            self.note((end - len(called), end), NAMES[called])
        self.generic_visit(node)


def every_mutant(root: Path, files: Iterator[Path] | list[Path]) -> list[Mutant]:
    """Mutants of all files, in the order of their names."""
    return [mutant for path in sorted(files) for mutant in mutants_of(path, root)]
