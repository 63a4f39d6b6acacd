"""One odd file in a folder of submissions does not keep the others from their score."""

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
