"""What is given in place of a submission or arrays gets the sentence that helps."""

import numpy as np
import pytest

from tests.cli.test_bad_input import only_error


@pytest.mark.parametrize("command", ["score", "validate"])
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("x.pth", "it is one checkpoint, and N are needed: give a folder or a zip of"),
        ("x.npz", "it holds arrays: see unlearn-eval estimate."),
    ],
)
def test_something_else_than_a_submission(cli, tmp_path, command, name, wanted):
    (tmp_path / name).write_bytes(b"x")
    ended = cli(command, tmp_path / name)

    assert ended.code == 2
    assert wanted in only_error(ended)


@pytest.mark.parametrize("command", ["score", "validate", "estimate"])
def test_an_address_keeps_its_slashes(cli, command):
    ended = cli(command, "https://example.org/a/method.py")

    assert ended.code == 2
    assert "https://example.org/a/method.py is" in only_error(ended)
    assert "an address; download the file" in ended.err


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("x.pth", "it is one checkpoint; put N as unlearned_checkpoint_*.pth"),
        ("x.zip", "score the checkpoints in it with unlearn-eval score"),
        ("x.py", "it is a method's source; score it with unlearn-eval score."),
        ("x.ipynb", "it is a method's source; score it with unlearn-eval score."),
    ],
)
def test_something_else_than_arrays(cli, tmp_path, name, wanted):
    (tmp_path / name).write_bytes(b"x")
    ended = cli("estimate", tmp_path / name)

    assert ended.code == 2
    assert wanted in only_error(ended)


def test_a_results_own_arrays(cli, tmp_path):
    arrays = {f"{of}_confidence": np.ones((4, 5)) for of in ("forget", "test")}
    np.savez(tmp_path / "examples.npz", **arrays)
    ended = cli("estimate", tmp_path / "examples.npz")

    assert ended.code == 2
    assert "holds the stored confidences of a result, whose figures" in only_error(
        ended
    )


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("my method 2", "as in my_method_2."),
        ("2nd-try", "as in nd_try."),
        ("_mine", "as in mine."),
        ("...", "a letter first."),
    ],
)
def test_a_name_that_cannot_be_comes_with_one_that_can(cli, tmp_path, name, wanted):
    ended = cli("init", tmp_path / name)

    assert ended.code == 2
    assert only_error(ended).endswith(wanted)
