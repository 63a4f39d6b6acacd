"""Whatever a track's file holds, it is a valid track or one clear sentence."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.track import Track, find_track
from harness.track.parsing import parse_track

FUZZ = settings.get_profile("fuzz")
KEYS = {
    "": ("name", "description", "device", "data", "oddity"),
    "data": (
        *("dataset", "train_size", "forget_size", "validation_size"),
        *("test_size", "split_seed", "forget", "oddity"),
    ),
    "network": ("name",),
    "recipe": (
        *("epochs", "batch_size", "learning_rate", "warmup_fraction", "momentum"),
        *("weight_decay", "augmentation"),
    ),
    "evaluation": ("n_models", "bank_size", "cap", "delta"),
}
WORDS = """\
0 1 2 -1 400 50 100 10000 60000 99999999999999999999 1e400 -0.0 0.1 0.5 1.0 nan inf
-inf true false [] [1] {} {a=1} "" "cpu" "cuda" "tiny" "cifar10" "small-cnn" "flip"
"class:3" "class:-1" "file:x" "file:" [1,2] [2,1,2] [[1]] "none"
"../x" "\\u0000" "\\n" 1979-05-27 07:32:00 0xff 1_000"""
VALUES = st.sampled_from(WORDS.split()) | st.text(max_size=6)


@st.composite
def documents(draw) -> str:
    """A track with some values, keys and tables changed."""
    lines = []
    for table, keys in KEYS.items():
        if table and draw(st.integers(0, 9)):
            lines.append(f"[{table}]")
        for key in keys:
            if draw(st.integers(0, 9)):
                lines.append(f"{key} = {draw(VALUES)}")
    return "\n".join(lines)


def assert_told(text: str) -> None:
    try:
        track = parse_track(text, "odd.toml")
    except UsageError as error:
        message = str(error)
        assert "odd.toml" in message
        assert message.endswith(".")
        assert len(message) < 2000 + len(text)
        message.encode()
    else:
        assert isinstance(track, Track)
        assert len(track.hash) == 16


@FUZZ
@given(documents())
def test_a_track_of_any_values_is_told(text):
    assert_told(text)


@FUZZ
@given(st.data())
def test_a_damaged_track_is_told(mutations, track_file, tmp_path_factory, data):
    content = data.draw(mutations(track_file.read_bytes()))
    path = tmp_path_factory.getbasetemp() / "damaged.toml"
    path.write_bytes(content)

    with suppress(UsageError):
        assert len(find_track(str(path)).hash) == 16


@FUZZ
@given(st.text() | st.integers(1, 100_000).map(lambda n: "a=" + "[" * n))
def test_any_text_is_told(text):
    assert_told(text)
