"""The notebooks run from top to bottom, as a reader would run them."""

from pathlib import Path

import jupytext
import nbclient
import pytest

from sim.dynamics.compiled import FirstUse

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.py"))


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["calibrate", "change_a_rule", "quickstart", "test_a_hypothesis"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    notebook = jupytext.read(path)
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()  # a failing cell raises, with its source and traceback
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = {output["text"] for output in outputs if output.get("name") == "stderr"}
    assert said <= {f"{FirstUse.ANNOUNCEMENT}\n"}  # another rule is compiled
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= (4 if path.stem == "quickstart" else 1)
    assert list(tmp_path.iterdir()) == []  # and it leaves nothing behind
