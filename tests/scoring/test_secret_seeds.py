"""Seeds of official runs follow from a secret of the organizer's."""

import stat

import pytest

from harness.errors import CheckFailed
from harness.run.submission import read_submission
from harness.scoring.seeds import organizers_secret, run_seeds, secret_name


@pytest.fixture
def submission(write):
    return read_submission(write("def unlearning(*a): pass"))


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(own_cache):
    first = organizers_secret()

    assert len(first) == 32
    assert organizers_secret() == first
    assert stat.S_IMODE((own_cache / "secret").stat().st_mode) == 0o600
    assert [p.name for p in own_cache.iterdir() if "secret" in p.name] == ["secret"]


def test_another_cache_has_another_secret(own_cache):
    first = organizers_secret()
    (own_cache / "secret").unlink()

    assert organizers_secret() != first


def test_a_secret_of_another_length_is_refused(own_cache):
    own_cache.mkdir(parents=True, exist_ok=True)
    (own_cache / "secret").write_bytes(b"short")

    with pytest.raises(CheckFailed, match="does not hold the 32 bytes of a secret"):
        organizers_secret()


def test_secret_seeds_are_stable_distinct_and_nobody_elses(track, submission):
    ours = run_seeds(track, submission.sha256, 0, 512, b"a" * 32)

    assert ours[:4] == run_seeds(track, submission.sha256, 0, 4, b"a" * 32)
    assert len(set(ours)) == 512
    assert not set(ours) & set(run_seeds(track, submission.sha256, 0, 512, b"b" * 32))
    assert not set(ours) & set(run_seeds(track, submission.sha256, 0, 512))
    assert all(0 <= seed < 2**63 for seed in ours)


def test_a_secret_is_named_without_being_told():
    secret = bytes(range(32))

    assert secret_name(secret) == secret_name(secret)
    assert secret_name(secret) != secret_name(secret[::-1])
    assert secret.hex()[:12] not in secret_name(secret)
    assert secret_name(b"") == ""


def test_official_runs_are_other_runs_and_say_so(score, method, tmp_path):
    public, official = score(method), score(method, secret=b"s" * 32)

    assert public.provenance.secret_name == ""
    assert official.provenance.secret_name == secret_name(b"s" * 32)
    folders = list((tmp_path / "runs" / "tiny" / "method").glob("*-n4"))
    tables = {(f / "models.csv").read_text().splitlines()[1] for f in folders}
    assert len(tables) == 2
