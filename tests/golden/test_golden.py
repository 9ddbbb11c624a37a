"""Results are what they were; if a change is meant, ``python -m tests.golden.refresh`` shows it and writes it."""

from __future__ import annotations

import pytest

from tests.golden import refresh


@pytest.mark.parametrize("name", refresh.scenarios())
def test_results_are_what_they_were(name):
    changed = refresh.differences({name: refresh.stored()[name]}, {name: refresh.golden_of(refresh.scenarios()[name])})
    assert changed == []


def test_differences_are_seen_and_named():
    old = {"a": {"trust": 0.5, "digest": "x"}, "b": {"trust": 0.1}}
    new = {"a": {"trust": 0.5 + 1e-12, "digest": "y"}, "b": {"trust": 0.1001}}
    assert refresh.differences(old, new) == ["a.digest: x → y", "b.trust: 0.1 → 0.1001"]
    assert refresh.differences(old, {"a": old["a"]}) == ["b.trust: 0.1 → gone"]


def test_refresh_writes_only_when_asked(monkeypatch, tmp_path, capsys):
    file = tmp_path / "golden.json"
    monkeypatch.setattr(refresh, "FILE", file)
    monkeypatch.setattr(refresh, "compute", lambda: {"a": {"trust": 0.5}})
    refresh.main(["--check"])
    assert not file.exists()
    refresh.main([])
    assert capsys.readouterr().out.count("a.trust: not there → 0.5") == 2
    refresh.main([])
    assert "Nothing changed." in capsys.readouterr().out
