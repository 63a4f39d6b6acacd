"""What another process is told of a track: nothing secret, and enough to make it."""

import json

import pytest

from harness.track import find_track
from harness.track.parsing import build_track
from harness.track.transfer import public_track, track_document


def test_the_split_seed_and_the_place_of_the_data_are_hidden(track_file):
    private = find_track(str(track_file), split_seed=4711)

    public = public_track(private)

    assert public.data.split_seed == 0
    assert public.data.folder == ""
    assert "4711" not in repr(public)
    assert "4711" not in json.dumps(track_document(public))


@pytest.mark.parametrize("forget", ['"random"', '"class:3"', f"{[*range(50)]}"])
def test_everything_else_comes_back_from_its_document(variant, forget):
    path = variant(
        forget_size=f"50\nforget = {forget}",
        **{"split_seed": "1\noptions = { size = 32, crop = true }"},
        epochs='2\noptimizer = "adamw"\nlabel_smoothing = 0.1',
    )
    track = find_track(str(path))

    document = json.loads(json.dumps(track_document(track)))

    assert build_track(document, track.folder) == track
    assert build_track(document, track.folder).folder == track.folder
