"""The first N checkpoints by number are taken, or it is said what is missing."""

import pytest

from harness.run.checkpoints import holds_checkpoints
from harness.run.checkpoints.selection import select
from harness.storage.containers import Refused


def name(number: object, ending: str = "pth") -> str:
    return f"unlearned_checkpoint_{number}.{ending}"


def paths(names, n_models):
    return [found.path for found in select(names, n_models)]


def test_checkpoints_are_ordered_by_number_not_by_letters():
    names = [name(number) for number in (10, 9, 2, 0)]

    assert paths(names, 4) == [name(number) for number in (0, 2, 9, 10)]


def test_of_more_than_n_the_first_n_are_taken():
    names = [name(number) for number in range(512)]

    assert paths(names, 3) == names[:3]


def test_other_files_beside_them_are_left_alone():
    others = ["notes.txt", "original.pth", name("x"), f"__MACOSX/._{name(0)}", name(-1)]

    assert paths([*others, name(0), name(1, "pt")], 2) == [name(0), name(1, "pt")]


def test_checkpoints_in_one_sub_folder_are_found():
    names = [f"run 1/{name(number)}" for number in range(3)]

    assert paths([*names, "readme.md"], 3) == names


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            [name(i) for i in range(40)],
            "too few: 40 checkpoints, N = 64 are needed; make more or give "
            "--n-models 40.",
        ),
        ([name(0)], "too few: 1 checkpoint, N = 64 are needed; make more."),
        (
            ["model.pth"],
            "it holds no checkpoints; they must be named unlearned_checkpoint_*.pth.",
        ),
        ([], "it holds no checkpoints; they must be named unlearned_checkpoint_*.pth."),
        (
            ["method.py"],
            "it holds method.py and no checkpoints; unpack it and score the .py file "
            "itself, or name that submission.py.",
        ),
        (
            [f"a/b/{name(0)}"],
            "it holds no checkpoints; they must be named unlearned_checkpoint_*.pth.",
        ),
        (
            [f"a/{name(0)}", f"b/{name(1)}"],
            "checkpoints lie in several folders (a, b); keep one.",
        ),
        (
            [name(0), f"b/{name(1)}"],
            "checkpoints lie in several folders (the top, b); keep one.",
        ),
        (
            [name(7), name("07")],
            f"{name('07')} and {name(7)} have the same number; remove one.",
        ),
    ],
)
def test_what_cannot_be_scored_says_what_would(names, words):
    with pytest.raises(Refused) as caught:
        select(names, 64)

    assert str(caught.value) == words


def test_a_folder_of_checkpoints_is_told_from_one_of_submissions(tmp_path):
    (tmp_path / "deeper").mkdir()
    assert not holds_checkpoints(tmp_path)
    (tmp_path / "deeper" / name(0)).touch()
    assert holds_checkpoints(tmp_path)
    assert holds_checkpoints(tmp_path / "deeper")

    (tmp_path / "method.py").touch()
    assert not holds_checkpoints(tmp_path)
    (tmp_path / name(0)).touch()
    assert holds_checkpoints(tmp_path)


def test_any_zip_is_taken_for_checkpoints_and_no_other_file(tmp_path):
    for file in ("a.zip", "A.ZIP", "a.py", "a.tar"):
        (tmp_path / file).touch()

    found = [path.name for path in tmp_path.iterdir() if holds_checkpoints(path)]
    assert sorted(found) == ["A.ZIP", "a.zip"]
