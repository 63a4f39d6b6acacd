"""Every run has a seed of its own, which follows from what it is a run of."""

from dataclasses import replace

import pytest

from harness.run.submission import read_submission
from harness.scoring.seeds import run_seeds
from harness.track import find_track


@pytest.fixture
def submission(write):
    return read_submission(write("def unlearning(*a): pass"))


def test_seeds_are_distinct_and_more_runs_keep_the_first(track, submission):
    few, many = (run_seeds(track, submission.sha256, 0, n) for n in (4, 512))

    assert few == many[:4]
    assert len(set(many)) == 512


def test_seeds_follow_from_the_track_the_split_the_source_and_the_seed(
    track, track_file, submission
):
    private = find_track(str(track_file), split_seed=9)
    edited = replace(submission, source=submission.source + "\n")
    seeds = [
        run_seeds(track, submission.sha256, 0, 1),
        run_seeds(track, submission.sha256, 1, 1),
        run_seeds(private, submission.sha256, 0, 1),
        run_seeds(track, edited.sha256, 0, 1),
    ]

    assert len({seed for (seed,) in seeds}) == 4


def test_a_files_place_and_name_do_not_matter(track, submission, tmp_path):
    moved = replace(submission, path=tmp_path / "elsewhere.py", name="elsewhere")

    ours, theirs = (run_seeds(track, s.sha256, 0, 3) for s in (moved, submission))
    assert ours == theirs
