"""Tracks by name and by file."""

import subprocess
import sys
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.track import find_track, track_names

FORGET = [f"cifar10-quick-{which}" for which in ("class", "high", "low", "middle")]
SHIPPED = [
    "austen-quick",
    "cifar10",
    "cifar10-cpu",
    "cifar10-cpu-hard",
    "cifar10-fast",
    "cifar10-quick",
    *FORGET,
]


def test_ten_tracks_are_shipped():
    assert track_names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_track_is_named_as_its_folder(name):
    assert find_track(name).name == name


def test_the_quick_track_is_the_documented_one():
    track = find_track("cifar10-quick")

    data = track.data
    assert (data.train_size, data.forget_size) == (4000, 400)
    assert (data.validation_size, data.test_size) == (1000, 2000)
    assert (track.evaluation.n_models, track.evaluation.bank_size) == (64, 128)
    assert track.evaluation.cap == 0.2


def test_hashes_of_the_shipped_tracks_do_not_change_by_accident():
    """A change here makes every bank and result of that track useless."""
    assert {name: find_track(name).hash for name in SHIPPED} == {
        "austen-quick": "b55297d4e5cbe8d6",
        "cifar10": "d66cc72eb968bb4b",
        "cifar10-cpu": "2e20260553799d8e",
        "cifar10-cpu-hard": "c3e9ea034e08305d",
        "cifar10-fast": "14009f63b483137a",
        "cifar10-quick": "20899de202cf54cb",
        "cifar10-quick-class": "cf5c8bd0ce75a4cf",
        "cifar10-quick-high": "2374e52bdce34677",
        "cifar10-quick-low": "b25b2cd6525b3682",
        "cifar10-quick-middle": "ca12c47420236ce0",
    }


@pytest.mark.parametrize("name", ["cifar10-cpu-hard", *FORGET])
def test_the_other_forget_sets_differ_from_a_track_in_nothing_else(name):
    base, track = find_track(name.rpartition("-")[0]), find_track(name)

    same = replace(track.data, forget="random", forget_size=base.data.forget_size)
    assert (same, track.network, track.recipe, track.evaluation) == (
        *(base.data, base.network, base.recipe, base.evaluation),
    )
    assert track.hash != base.hash


def test_no_image_is_in_two_strata():
    strata = [find_track(name).data.forget for name in FORGET[1:]]

    assert len({place for stratum in strata for place in stratum}) == 1200


def test_a_list_lies_beside_the_tracks_file(variant, monkeypatch):
    path = variant(forget_size='2\nforget = "file:places.txt"')
    (path.parent / "places.txt").write_text("5\n3\n")
    monkeypatch.chdir(path.parent.parent)

    track = find_track(f"{path.parent.name}/{path.name}")

    assert track.data.forget == (3, 5)


def test_a_listed_forget_set_has_no_private_split(variant):
    path = str(variant(forget_size="2\nforget = [3, 5]"))

    with pytest.raises(UsageError) as caught:
        find_track(path, split_seed=77)

    assert str(caught.value) == (
        f"the track {path} lists the examples to forget, the same for every split "
        "seed, so that it has no private split; leave --split-seed away."
    )
    assert find_track(path, split_seed=1).hash == find_track(path).hash


def test_a_hash_is_the_same_in_another_process():
    code = "from harness.track import find_track; print(find_track('cifar10').hash)"
    environment = {"PYTHONHASHSEED": "77", "PATH": ""}

    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )

    assert answer.stdout.strip() == find_track("cifar10").hash


@pytest.mark.parametrize(
    "change",
    [
        {"train_size": 410},
        {"forget_size": 60},
        {"validation_size": 110},
        {"test_size": 210},
        {"split_seed": 2},
        {"epochs": 3},
        {"batch_size": 33},
        {"learning_rate": 0.11},
        {"warmup_fraction": 0.3},
        {"momentum": 0.8},
        {"weight_decay": "6e-4"},
        {"augmentation": '"none"'},
        {"epochs": '2\noptimizer = "adam"'},
        {"epochs": "2\nlabel_smoothing = 0.1"},
    ],
)
def test_the_hash_changes_with_each_field_that_changes_a_model(track, variant, change):
    assert find_track(str(variant(**change))).hash != track.hash


def test_the_hash_changes_with_the_network(track, track_file, tmp_path):
    path = tmp_path / "other.toml"
    path.write_text(track_file.read_text().replace("small-cnn", "resnet9"))

    assert find_track(str(path)).hash != track.hash


@pytest.mark.parametrize(
    "change",
    [
        *({"n_models": 5}, {"bank_size": 9}, {"cap": 0.5}, {"delta": 0}),
        *({"name": '"x"'}, {"split_seed": '1\nfolder = "elsewhere"'}),
        {"epochs": '2\noptimizer = "sgd"\nlabel_smoothing = 0.0'},
    ],
)
def test_the_hash_stays_where_no_model_changes(track, variant, change):
    assert find_track(str(variant(**change))).hash == track.hash


def test_a_split_seed_makes_another_track(track, track_file):
    private = find_track(str(track_file), split_seed=77)

    assert private.data.split_seed == 77
    assert private.hash != track.hash
    assert find_track(str(track_file), split_seed=1) == track


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("cifar10-quik", "cifar10-quick"), ("cifr10", "cifar10"), ("fast", None)],
)
def test_an_unknown_track_is_refused_with_the_nearest(typo, meant):
    with pytest.raises(UsageError) as caught:
        find_track(typo)

    hint = f"did you mean {meant!r}? " if meant else ""
    assert f"there is no track {typo!r}: {hint}" in str(caught.value)
    assert "cifar10, cifar10-cpu, cifar10-cpu-hard, cifar10-fast" in str(caught.value)


@pytest.mark.parametrize("name", ["", ".", "..", "track", "cifar10/track.toml"])
def test_odd_names_are_refused_as_well(name):
    with pytest.raises(UsageError, match="there is no"):
        find_track(name)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"there is no file .*gone\.toml"):
        find_track(str(tmp_path / "gone.toml"))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UsageError, match="cannot read the track"):
        find_track(str(path))


def test_a_track_knows_the_options_that_choose_it(track, variant):
    own = find_track(str(variant("my track.toml")), split_seed=7)

    assert find_track("cifar10").options == "--track cifar10"
    assert own.options.endswith("my track.toml' --split-seed 7")
    assert find_track(str(variant()), split_seed=1) == track


def test_the_options_are_no_key_of_the_file(track_file, tmp_path):
    path = tmp_path / "with.toml"
    path.write_text('options = "x"\n' + track_file.read_text())

    with pytest.raises(UsageError, match="unknown key 'options'"):
        find_track(str(path))


def test_a_folder_of_data_is_relative_to_the_tracks_file(variant, monkeypatch):
    path = variant(split_seed='1\nfolder = "images"')
    monkeypatch.chdir(path.parent.parent)

    track = find_track(f"{path.parent.name}/{path.name}")

    assert track.data.folder == str(path.parent / "images")
    assert track.folder == str(path.parent)


def test_a_shipped_track_lies_in_no_folder():
    assert find_track("cifar10").folder == ""
