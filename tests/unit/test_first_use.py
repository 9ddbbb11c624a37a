"""How the core is compiled, and what is said of it: ways in from Python, first use."""

import ast
import inspect
import io
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sim import engine
from sim.dynamics import compiled, draws, kernel
from sim.dynamics.compiled import Core, FirstUse, Inlined

compiles = pytest.mark.skipif(compiled.settings.DISABLE_JIT, reason="nothing is compiled")


# ---------------------------------------------------------------------------------------------------------------
# Ways in
# ---------------------------------------------------------------------------------------------------------------
@compiles
def test_what_the_engine_calls_is_an_entry():
    """Called by another name, it would be right and a hundred times as slow."""
    called = {
        (node.func.value.id, node.func.attr)
        for node in ast.walk(ast.parse(inspect.getsource(engine)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    }
    of_the_core = [getattr(module, name) for name, module in (("kernel", kernel), ("draws", draws)) for name in
                   sorted(attribute for owner, attribute in called if owner == name)]  # fmt: skip
    machine = [function for function in of_the_core if isinstance(function, Core)]
    assert len(machine) >= 6
    assert [function.__name__ for function in machine if isinstance(function, Inlined)] == []


@compiles
def test_python_that_calls_an_inlined_function_runs_python():
    @compiled.compiled
    def twice(x):
        return 2 * x

    assert twice("word") == "wordword"
    assert twice(x=2) == 4
    assert twice.signatures == []


def test_the_first_run_from_python_says_so_on_stderr_and_compiles_no_market(tmp_path):
    """With an empty cache: what a dyad needs, each function once, and nothing of the market."""
    script = """if True:
        import json
        from sim.dynamics import compiled, kernel, market
        from sim.engine import simulate
        from sim.scenario import TEXTS, Scenario
        compiled.FirstUse.PATIENCE = 0.0
        texts = dict.fromkeys(TEXTS, "a dyad")
        simulate(Scenario.from_plain({**texts, "months": 1, "organizations": 2}), 1)
        several = {f.__name__ for f in vars(kernel).values() if len(getattr(f, "signatures", ())) > 1}
        made = [f.__name__ for f in vars(market).values() if getattr(f, "__module__", "") == market.__name__
                and getattr(f, "signatures", ())]
        print(json.dumps([sorted(several), made]))
    """
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=True, cwd=tmp_path,
        env={
            **os.environ, "XDG_CACHE_HOME": str(tmp_path), "NUMBA_CACHE_DIR": "",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )  # fmt: skip
    assert done.stderr.splitlines() == ([] if compiled.settings.DISABLE_JIT else [FirstUse.ANNOUNCEMENT])
    assert json.loads(done.stdout) == [[], []]


# ---------------------------------------------------------------------------------------------------------------
# What is said
# ---------------------------------------------------------------------------------------------------------------
class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def compile_some(listener, functions, clock, seconds=1.0):
    """Let the listener hear of an entry and of functions that it calls, each of which takes some seconds."""
    occasion = SimpleNamespace(data={"dispatcher": kernel.run_many})
    listener.on_start(occasion)
    for _ in range(functions):
        listener.on_start(occasion)
        clock.now += seconds
        listener.on_end(occasion)
    listener.on_end(occasion)


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(compiled.time, "monotonic", lambda: clock.now)
    return clock


@compiles
def test_a_log_has_one_line_in_all(clock, capsys):
    listener = FirstUse()
    compile_some(listener, 3, clock)
    compile_some(listener, 3, clock)
    assert capsys.readouterr() == ("", FirstUse.ANNOUNCEMENT + "\n")


@compiles
def test_a_terminal_shows_how_far_it_is_and_then_only_the_line(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    compile_some(FirstUse(), 3, clock)
    first, second = terminal.getvalue().split("\n")
    assert first == FirstUse.ANNOUNCEMENT
    assert "3 functions in 3 s" in second
    assert second.endswith("\r\x1b[K")


@compiles
def test_little_is_not_worth_a_word_but_adds_up(clock, capsys):
    listener = FirstUse()
    compile_some(listener, 3, clock, seconds=0.2)
    assert capsys.readouterr().err == ""
    compile_some(listener, 3, clock, seconds=0.2)
    assert capsys.readouterr().err == FirstUse.ANNOUNCEMENT + "\n"


@compiles
def test_quiet_says_nothing_and_functions_of_others_are_no_matter(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    listener = FirstUse()
    listener.quiet = True
    compile_some(listener, 3, clock)
    other = FirstUse()
    for tell in (other.on_start, other.on_end):
        tell(SimpleNamespace(data={"dispatcher": object()}))
        clock.now += 60.0
    assert terminal.getvalue() == ""
