"""The notebook in docs runs from its first cell to its last."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "quickstart.ipynb"
#: Each sandbox that is started imports torch anew.
ONE_AT_A_TIME = """
from functools import partial
score = partial(score, n_jobs=1)
"""


# A kernel of an older pyzmq or tornado warns of what only its authors can mend.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_runs(track_file, bank, tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="the test extra is not installed")
    import nbformat  # noqa: PLC0415 - comes with nbclient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert 'TRACK, N = "cifar10-quick", 8' in first.source
    first.source += f"\nTRACK, N = {str(track_file)!r}, 4\n{ONE_AT_A_TIME}"

    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=240, resources=resources).execute()

    shown = [
        output["data"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    assert any("official F" in data.get("text/html", "") for data in shown)
    assert any("score" in data.get("text/html", "") for data in shown)
    assert "difference in calibrated score" in shown[-1]["text/plain"]
