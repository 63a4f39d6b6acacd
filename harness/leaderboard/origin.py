"""Where a result says that it comes from, held against what can be seen of that."""

from collections.abc import Iterable
from pathlib import Path

from harness.errors import UnlearnEvalError
from harness.leaderboard.drift import Difference, figure_differences
from harness.leaderboard.replicates import Replicates
from harness.leaderboard.signature import SIGNERS, is_signed
from harness.leaderboard.stored import StoredResult
from harness.leaderboard.verified import digest_of, is_of, read_record, record_path
from harness.results.serialization import to_json
from harness.results.store import EXAMPLES, read_examples
from harness.run.submission import read_submission
from harness.scoring.seeds import run_seeds, secret_name
from harness.scoring.verdict import about_submission
from harness.track import Track


def submission_file(submissions: Path, name: str, track: str) -> Path:
    """Where a track's submission of that name lies: in its own folder, if anywhere."""
    own = submissions / track / f"{name}.py"
    return own if own.is_file() else submissions / own.name


def source_differences(
    stored: StoredResult, submissions: Path, track: str
) -> list[Difference]:
    """Compare what a result says of its submission with the file of that name."""
    place, path = _place(stored), submission_file(submissions, stored.name, track)
    if stored.result.about.made:
        return []  # There is no file of what was made elsewhere, nor a rank for it.
    try:
        about = about_submission(read_submission(path))
    except UnlearnEvalError:
        return [Difference(f"{place}source", stored.sha256[:12], f"no {path.name}")]
    told = to_json(stored.result.about)
    return figure_differences(told, to_json(about), f"{place}about")


def seed_differences(
    stored: StoredResult, track: Track, secret: bytes
) -> list[Difference]:
    """Compare the seeds of runs with those of the secret, if they claim to be its."""
    made = stored.result.provenance
    if not secret or made.secret_name != secret_name(secret):
        return []
    if not (stored.path / EXAMPLES).is_file():
        return []
    n_runs = stored.result.n_models * made.originals
    parts = (stored.sha256, stored.seed, n_runs, secret)
    found, wanted = read_examples(stored.path), run_seeds(track, *parts)
    return [
        Difference(f"{_place(stored)}seed of run {run.index}", str(run.seed), "another")
        for run in found
        if not 0 <= run.index < len(wanted) or run.seed != wanted[run.index]
    ][:1]


def record_differences(backing: Path, groups: Iterable[Replicates]) -> list[Difference]:
    """List records that are of another source or other runs, or that nobody signed."""
    signers, found = backing.parent / SIGNERS, []
    for group in groups:
        path = record_path(backing, group.first.name)
        if (record := read_record(path)) is None:
            continue
        place = f"record of {group.first.name}: "
        if not is_of(record, group.first):
            found.append(Difference(f"{place}source", record.source[:12], "another"))
        for each in group.results:
            digest = record.results.get(f"seed-{each.seed}")
            if digest not in (None, digest_of(each)):
                runs = f"{place}runs of seed {each.seed}"
                found.append(Difference(runs, str(digest)[:12], digest_of(each)[:12]))
        if record.confirmed not in ("", digest_of(group.first)):
            runs = f"{place}runs that a private split confirmed"
            now = digest_of(group.first)[:12]
            found.append(Difference(runs, record.confirmed[:12], now))
        if signers.exists() and not is_signed(path, signers):
            found.append(Difference(f"{place}signature", "none that counts", "one"))
    return found


def _place(stored: StoredResult) -> str:
    return f"result {stored.name}, seed {stored.seed}: "
