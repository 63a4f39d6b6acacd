"""Say which submissions and rows a change brings, by what git says of its files.

    git diff --name-only -z BASE...HEAD | python scripts/changed_submissions.py files

`files` lists the submissions, `rows` the files of leaderboards that a rerun needs,
`names TRACK` the rows of a track themselves, and `score TRACK` the submissions to score
on it: those in ``submissions/TRACK/``, and on `cifar10-quick` those in no such folder;
one a line. What decides a score or vouches for a row is never listed: the oracle,
records and keys are the organizer's. `--stranger` fails where a change brings such a
file. A name that is odd fails, so that nothing of a change goes unscored because of how
it is called.
"""

import re
import sys
from pathlib import Path

DEFAULT_TRACK = "cifar10-quick"
SHIPPED = Path(__file__).parents[1] / "reference_models"
TRACKS = sorted(path.parent.name for path in SHIPPED.glob("*/track.toml"))
NAME = r"[A-Za-z0-9][A-Za-z0-9_]*"
SUBMISSION = re.compile(
    # A folder with a submission.py is one submission, and the others are its modules.
    rf"submissions/(?:({'|'.join(map(re.escape, TRACKS))})/)?(?!submission\.){NAME}\.py"
)
ROW = re.compile(
    rf"submissions/leaderboard/({NAME}(?:-{NAME})*)"
    rf"(?:\.csv|\.md|/({NAME})/seed-[0-9]+/(?:result\.json|models\.csv|examples\.npz))"
)
ORACLE = "submissions/retrain.py"
VOUCHING = re.compile(
    rf"{re.escape(ORACLE)}|submissions/leaderboard/(?:.*/)?"
    r"(?:allowed_signers|verified\.json(?:\.sig)?)",
    re.DOTALL,
)
KINDS = (
    "files",
    "rows",
    *(f"{k} {t}" for k in ("names", "score") for t in TRACKS),
)


def chosen(paths: list[str], kind: str) -> list[str]:
    """Choose what is asked for; a ValueError names a path that is odd."""
    found = []
    for path in paths:
        submission, row = SUBMISSION.fullmatch(path), ROW.fullmatch(path)
        if path.startswith("submissions/") and not VOUCHING.fullmatch(path):
            track = (submission[1] or DEFAULT_TRACK) if submission else ""
            scored = submission and kind in ("files", f"score {track}")
            if scored or (row and kind == "rows"):
                found.append(path)
            elif row and row[2] and kind == f"names {row[1]}":
                found.append(row[2])
            elif not submission and not row:
                raise ValueError(f"{path!a} is no submission and no row: rename it")
    return list(dict.fromkeys(found))


def main(arguments: list[str], content: bytes) -> int:
    """Print the choice; 1 for what a person must look at."""
    kind = " ".join(word for word in arguments if word != "--stranger")
    if kind not in KINDS:
        sys.stderr.write(f"give one of {', '.join(KINDS)}, and --stranger or not\n")
        return 2
    paths = [path.decode(errors="replace") for path in content.split(b"\0") if path]
    vouching = [path for path in paths if VOUCHING.fullmatch(path)]
    if vouching and "--stranger" in arguments:
        sys.stderr.write(
            f"only the organizer changes {', '.join(map(ascii, vouching))}\n"
        )
        return 1
    try:
        print("".join(f"{each}\n" for each in chosen(paths, kind)), end="")
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer.read()))
