"""Carry the answers in: a retrained model pasted into the submission's source."""

from harness.run.submission import read_submission


def test_a_source_large_enough_for_a_model_is_refused_unread(tmp_path):
    path = tmp_path / "answers.py"
    path.write_text('WEIGHTS = "' + "A" * (1 << 20) + '"\n')
    submission = read_submission(path)
    assert submission.source == ""
    assert "KiB; a submission has at most 256 KiB" in submission.problems[0]


def test_a_source_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "binary.py"
    path.write_bytes(bytes(range(256)))
    assert read_submission(path).problems == ("binary.py is not UTF-8 text.",)
