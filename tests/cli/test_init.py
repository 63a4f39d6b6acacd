"""``init`` writes a submission that scores as it stands."""

import pytest

from harness.run.submission import read_submission


def test_the_template_can_be_scored_as_it_stands(cli, score, tmp_path, one_object):
    path = tmp_path / "my_method.py"
    ended = cli("init", tmp_path / "my_method")

    assert ended.code == 0
    assert ended.out == f"Wrote {path}. Next: unlearn-eval validate {path}\n"
    submission = read_submission(path)
    assert submission.problems == ()
    assert submission.title == "my_method"
    (result,) = one_object(score(path, "--json").out)["results"]
    # Its one epoch is dear beside the two of the tiny track's retraining.
    assert result["status"] in {"scored", "over-budget"}
    assert result["n_finished"] == 4
    assert 0 <= result["forgetting_quality"]["value"] <= 1


def test_the_template_is_valid(cli, validate, tmp_path):
    cli("init", tmp_path / "my_method.py")

    ended = validate(tmp_path / "my_method.py")

    assert ended.code == 0
    assert "my_method: valid" in ended.out


def test_the_template_says_what_is_given_and_what_may_be_returned(cli, tmp_path):
    cli("init", tmp_path / "my_method")

    text = (tmp_path / "my_method.py").read_text()
    for word in ("net", "retain", "forget", "validation", "budget_seconds", "seed"):
        assert word in text
    assert "{{" not in text


def test_a_file_that_is_there_is_not_replaced_unasked(cli, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("precious")

    ended = cli("init", tmp_path / "mine")

    assert ended.code == 2
    assert ended.err == (
        f"Error: {path} is there already; choose another name, or --force.\n"
    )
    assert path.read_text() == "precious"
    assert cli("init", path, "--force").code == 0
    assert "unlearning" in path.read_text()


@pytest.mark.parametrize("name", ["_hidden", "my-method", "2023", "a b", "x.y"])
def test_a_name_that_is_no_good_is_refused(cli, tmp_path, name):
    ended = cli("init", tmp_path / name)

    assert ended.code == 2
    assert "a submission cannot be called " in ended.err
    assert list(tmp_path.iterdir()) == []


def test_folders_are_made_on_the_way(cli, tmp_path):
    assert cli("init", tmp_path / "new" / "folder" / "m").code == 0
    assert (tmp_path / "new" / "folder" / "m.py").is_file()


def test_a_place_that_cannot_be_written_is_told(cli, tmp_path):
    (tmp_path / "taken").write_text("")

    ended = cli("init", tmp_path / "taken" / "m")

    assert ended.code == 2
    assert "cannot write" in ended.err
