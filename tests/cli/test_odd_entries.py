"""One odd file in a folder of submissions does not keep the others from their score."""

import json
import os

SOUND = "def unlearning(net, retain, forget, validation):\n    return net\n"


def test_a_batch_with_odd_files_scores_the_others(score, one_object, tmp_path):
    (tmp_path / "good.py").write_text(SOUND)
    (tmp_path / "secret").write_text("SECRET = 1\n" + SOUND)
    (tmp_path / "link.py").symlink_to(tmp_path / "secret")
    (tmp_path / "broken.py").symlink_to(tmp_path / "gone")
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")

    ended = score(tmp_path, "--json")

    assert ended.code == 3
    results = {r["submission"]: r for r in one_object(ended.out)["results"]}
    assert results["good"]["status"] == "scored"
    assert {r["status"] for n, r in results.items() if n != "good"} == {"invalid"}
    kept = [path.read_text() for path in tmp_path.glob("runs/*/*/*/submission.py")]
    assert not any("SECRET" in text for text in kept)


def test_of_a_notebook_what_ran_is_kept_and_can_be_scored_again(
    score, one_object, tmp_path
):
    cells = ["print('plots')\nN = 0", "N = 1", SOUND.replace("net\n", "net or N\n")]
    content = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    (tmp_path / "nb.ipynb").write_text(json.dumps(content))

    ended = score(tmp_path / "nb.ipynb", "--json")

    assert ended.code == 0
    assert "nb.ipynb: unlearning is defined in code cell 3" in ended.err
    (kept,) = tmp_path.glob("runs/tiny/nb/*/submission.py")
    assert kept.read_text() == f"# Code cell 2.\nN = 1\n\n# Code cell 3.\n{cells[2]}"
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "nb.py").write_bytes(kept.read_bytes())
    assert score(tmp_path / "again" / "nb.py", "--json").code == 0
    assert len(list(tmp_path.glob("runs/tiny/nb/*"))) == 1  # the same result
