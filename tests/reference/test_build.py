"""A bank grows by what is missing, and survives being killed at any moment."""

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from harness.errors import UsageError
from harness.models.records import write_record
from harness.reference.bank import read_bank
from harness.reference.build import build_bank
from harness.reference.location import built_folder
from harness.reference.member import member_path
from harness.reference.plan import BuildPlan
from harness.track import find_track


def assert_same_models(ours, theirs, count):
    """The first models of two banks are the same to the bit, but for their cost."""
    for name, array in vars(theirs.retrained.first(count)).items():
        assert np.array_equal(getattr(ours.retrained.first(count), name), array), name
    for name, array in vars(theirs.original).items():
        assert np.array_equal(getattr(ours.original, name), array), name
    for name in ("indices", "seeds"):
        pair = (getattr(bank, name)[:count] for bank in (ours, theirs))
        assert np.array_equal(*pair), name
    both = (bank.original_members for bank in (ours, theirs))
    assert all(a.seed == b.seed for a, b in zip(*both, strict=True))
    both = (bank.original_weights for bank in (ours, theirs))
    for a, b in zip(*both, strict=True):
        assert all(np.array_equal(a[name], array) for name, array in b.items())


def test_a_bank_built_again_has_the_same_bits(build, bank):
    again, steps = build(2)

    assert steps == [0, 1, 2]
    assert len(again) == 2
    assert_same_models(again, bank, 2)
    assert again.key == bank.key


def test_asking_for_more_trains_only_what_is_missing(build, own_bank, bank):
    larger, steps = build(10)

    assert steps == [8, 9, 10]
    assert larger.indices.tolist() == list(range(10))
    assert_same_models(larger, bank, 8)
    assert np.array_equal(larger.seconds[:8], bank.seconds)


@pytest.mark.parametrize("n_models", [2, 8])
def test_asking_for_what_is_there_writes_nothing(build, own_bank, rewrite, n_models):
    """Otherwise a bank made elsewhere would claim to have been made here."""
    rewrite({"arithmetic": "elsewhere"})
    before = {path.name: path.read_bytes() for path in own_bank.iterdir()}

    same, steps = build(n_models)

    assert steps == [n_models]
    assert len(same) == 8
    assert {path.name: path.read_bytes() for path in own_bank.iterdir()} == before


def test_a_bank_of_two_kinds_of_machines_says_so(build, rewrite):
    rewrite({"arithmetic": "elsewhere"})

    mixed, _ = build(9)

    assert mixed.manifest.arithmetic == "mixed"


def test_a_manifest_says_what_the_bank_was_made_from(bank, track):
    manifest = json.loads((bank.folder / "manifest.json").read_text())

    assert manifest["format"] == 3
    assert manifest["half_precision"] is False
    assert manifest["track_hash"] == track.hash
    assert manifest["n_models"] == 8
    assert manifest["machine"]["torch"]
    assert set(manifest["sha256"]) == {"bank.safetensors", "originals.safetensors"}


def test_nothing_but_three_files_is_left_behind(bank):
    names = sorted(path.name for path in bank.folder.iterdir())

    assert names == ["bank.safetensors", "manifest.json", "originals.safetensors"]


def test_a_damaged_bank_is_built_anew(build, own_bank, bank):
    path = own_bank / "bank.safetensors"
    path.write_bytes(path.read_bytes()[:-1])

    again, steps = build(2)

    assert steps == [0, 1, 2]
    assert_same_models(again, bank, 2)


def test_models_finished_before_are_kept_even_if_fewer_are_asked_for(plan, build, bank):
    from joblib import Parallel, delayed  # noqa: PLC0415

    from harness.reference.training import train_and_keep  # noqa: PLC0415

    wanted = plan()
    task = delayed(train_and_keep)
    jobs = [task(wanted.track, 0, i, None, wanted.folder) for i in (1, 5)]
    Parallel(n_jobs=2)(jobs)

    small, steps = build(2)

    assert steps == [1, 2]
    assert small.indices.tolist() == [0, 1]
    assert member_path(wanted.folder, 5).is_file()
    large, steps = build(6)
    assert steps == [3, 4, 5, 6]
    assert_same_models(large, bank, 6)
    assert not (wanted.folder / "members").exists()


def test_a_damaged_member_is_trained_again(plan, build, bank):
    path = member_path(plan().folder, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a member")

    again, steps = build(2)

    assert steps == [0, 1, 2]
    assert_same_models(again, bank, 2)


def test_a_member_in_anothers_place_is_not_taken_for_it(plan, build, bank):
    write_record(member_path(plan().folder, 0), bank.members[7])

    again, _ = build(2)

    assert_same_models(again, bank, 2)


def test_a_bank_whose_training_diverges_is_refused_when_it_is_built(variant, own_cache):
    """Written all the same, it would be unreadable for good."""
    track = find_track(str(variant(learning_rate=99.0, weight_decay=0.9)))
    plan = BuildPlan(track=track, n_models=1, jobs=1)

    with pytest.raises(UsageError) as caught:
        build_bank(plan, lambda done: None)

    assert str(caught.value) == (
        "the outputs of original model 0 of tiny are not finite numbers: its "
        "training diverged. Lower recipe.learning_rate in the track and build again."
    )
    assert not list(plan.folder.rglob("*.safetensors"))


@pytest.fixture
def command(track_file, own_cache):
    """Starts a build of eight models in a process group of its own."""
    code = "from harness.cli.entry import main; main()"
    words = f"reference build --track {track_file} -n 8 --no-progress -j"
    environment = {**os.environ, "UNLEARN_EVAL_CACHE": str(own_cache)}

    def start(n_jobs: int) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", code, *words.split(), str(n_jobs)],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    return start


@pytest.mark.campaign
def test_stopped_at_any_moment_it_goes_on_and_ends_with_the_same_bits(
    command, task, bank
):
    moments = random.Random(0)
    members = built_folder(task) / "members"

    def kept() -> int:
        return len(list(members.glob("0*"))) if members.exists() else 8

    with command(2) as process:
        process.stderr.readline()  # It has begun,
        process.stderr.readline()  # and some models are done.
        os.killpg(process.pid, signal.SIGINT)  # As Ctrl-C does in a terminal.
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("Interrupted. Run the same command again")
    assert "Warning" not in err
    counts = [kept()]
    assert counts[0] >= 2
    for _ in range(2):
        with command(1) as process:
            process.stderr.readline()
            with suppress(subprocess.TimeoutExpired):
                process.wait(moments.uniform(0.5, 3.0))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        counts.append(kept())
    assert counts == sorted(counts)

    with command(1) as process:
        _, err = process.communicate()

    assert process.returncode == 0, err
    assert_same_models(read_bank(built_folder(task)), bank, 8)
