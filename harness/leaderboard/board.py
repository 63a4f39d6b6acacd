"""The board: a folder with the table, and the stored arrays that back it."""

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import CheckFailed, UsageError
from harness.leaderboard.cells import csv_text
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.markdown import markdown_table
from harness.leaderboard.signature import signature_path
from harness.leaderboard.stored import StoredResult, read_one
from harness.leaderboard.verified import RECORD
from harness.results.schema import Result
from harness.results.store import EXAMPLES, MODELS, RESULT, ResultFolder
from harness.storage.checksums import json_with_checksum
from harness.storage.files import sha256_of, write_atomic
from harness.storage.shipped import own_submissions

if TYPE_CHECKING:
    import pandas as pd

_REPLICATE = re.compile(r"seed-\d+")


def default_board() -> Path:
    """Folder of the board of the checkout that one stands in."""
    return own_submissions() / "leaderboard"


class Board:
    """``<folder>/<track>.csv``, ``.md`` and ``<track>/<submission>/seed-<seed>/``.

    The folder is made when something is first written.
    """

    def __init__(self, folder: Path, track: str) -> None:
        self.folder, self.track = folder, track
        self.csv, self.markdown = folder / f"{track}.csv", folder / f"{track}.md"
        self.backing = folder / track
        #: Where the files lie that the rows are of.
        self.submissions = folder.absolute().parent

    def texts(self) -> tuple[str, str]:
        """Read the CSV file and the Markdown."""
        if not self.csv.exists() and not self.markdown.exists():
            raise UsageError(
                f"there is no leaderboard of {self.track} in {self.folder}; make it "
                "with: unlearn-eval leaderboard --update."
            )
        return self._text(self.csv), self._text(self.markdown)

    def _text(self, path: Path) -> str:
        try:
            # Bytes first: a changed line ending is a change too.
            return path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise CheckFailed(
                f"{path} cannot be read ({error}); write it again with: "
                "unlearn-eval leaderboard --update."
            ) from None

    def has_private_columns(self) -> bool:
        """Whether the committed table tells of a private split."""
        if not self.csv.exists():
            return False
        header = self._text(self.csv).partition("\n")[0]
        return "private_rank" in header.split(",")

    def replicates(self) -> list[Path]:
        """Folders of all backing results, in the order of their paths."""
        folders = self.backing.glob(f"*/*/{RESULT}")
        return sorted(p.parent for p in folders if _REPLICATE.fullmatch(p.parent.name))

    def results(
        self, eligibility: Eligibility, runs: Iterable[StoredResult] = ()
    ) -> list[StoredResult]:
        """Read the backing results, which must all be sound and eligible.

        Not those that an update with these `runs` writes anyway: one that was cut
        short may have left them half exchanged.
        """
        replaced = {self.place(run) for run in runs}
        found = []
        for path in self.replicates():
            try:
                found.append(self._read(path, eligibility))
            except CheckFailed:
                if path not in replaced:
                    raise
        return found

    def _read(self, path: Path, eligibility: Eligibility) -> StoredResult:
        stored = read_one(path)
        reason = eligibility.refusal(stored.result)
        if stored.path != self.place(stored):
            reason = f"seed {stored.seed}, not that of its folder"
        if reason:
            raise CheckFailed(
                f"the board holds a result that does not belong there, {path} "
                f"({reason}); score the submission again, or remove that folder."
            )
        return stored

    def place(self, stored: StoredResult) -> Path:
        """Folder of a result on the board."""
        return self.backing / stored.name / f"seed-{stored.seed}"

    def keep(self, results: Sequence[StoredResult]) -> None:
        """Copy the results that back the table, and remove those that no longer do.

        Each file is written whole, the result last, so that what is cut short shows in
        the checksums, and doing it again mends it.
        """
        wanted = {self.place(stored) for stored in results}
        for path in self.replicates():
            if path not in wanted:
                shutil.rmtree(path)
        for record in self.backing.glob(f"*/{RECORD}"):
            if record.parent not in {path.parent for path in wanted}:
                record.unlink()
                signature_path(record).unlink(missing_ok=True)
        for stored in results:
            if stored.path != self.place(stored):
                _copy(stored, self.place(stored))

    def write_result(self, stored: StoredResult, result: Result) -> None:
        """Write figures of one of the board's results anew, and leave its arrays."""
        _copy(replace(stored, result=result), stored.path)

    def write(self, table: "pd.DataFrame") -> None:
        """Write the table, the CSV file last."""
        write_atomic(self.markdown, markdown_table(table, self.track))
        write_atomic(self.csv, csv_text(table))


def _copy(stored: StoredResult, place: Path) -> None:
    """Copy a result with the files from which all its figures come."""
    sums: dict[str, str] = {}
    there = ResultFolder(stored.path).check()
    for name in (EXAMPLES, MODELS):
        if name in there:
            data = (stored.path / name).read_bytes()
            sums[name] = sha256_of(data)
            write_atomic(place / name, data)
        else:
            (place / name).unlink(missing_ok=True)
    result = {**stored.result.to_dict(), "files": sums}
    write_atomic(place / RESULT, json_with_checksum(result))
