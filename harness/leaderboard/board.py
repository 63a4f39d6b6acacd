"""The board: a folder with the table, and the stored arrays that back it."""

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import CheckFailed, UsageError
from harness.leaderboard.columns import Cells
from harness.leaderboard.csv_table import csv_text
from harness.leaderboard.eligibility import Terms
from harness.leaderboard.markdown import markdown_table
from harness.leaderboard.stored import Entry, read_entry
from harness.results.store import EXAMPLES, MODELS, RESULT, ResultFolder
from harness.storage.checksums import sealed_json
from harness.storage.files import sha256_of, write_atomic
from harness.storage.shipped import shipped_submissions

_REPLICATE = re.compile(r"seed-\d+")


def default_board() -> Path:
    """Folder of the board that a checkout carries."""
    return shipped_submissions() / "leaderboard"


class Board:
    """``<folder>/<track>.csv``, ``.md`` and ``<track>/<submission>/seed-<seed>/``.

    Parameters
    ----------
    folder : Path
        The board; made when something is first written.
    track : str
        The track's name.
    """

    def __init__(self, folder: Path, track: str) -> None:
        self.folder, self.track = folder, track
        self.csv, self.markdown = folder / f"{track}.csv", folder / f"{track}.md"
        self.backing = folder / track

    def texts(self) -> tuple[str, str]:
        """Read the CSV file and the Markdown.

        Raises
        ------
        UsageError
            If there is no board.
        CheckFailed
            If one of the two is missing or no text.
        """
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

    def entries(self, terms: Terms) -> list[Entry]:
        """Read the backing results.

        Raises
        ------
        CheckFailed
            If one is damaged, or does not keep the terms.
        """
        return [self._entry(path, terms) for path in self.replicates()]

    def unreplaced_entries(self, terms: Terms, runs: Iterable[Entry]) -> list[Entry]:
        """Read those backing results that an update does not write anyway.

        An update that was cut short may have left one of the others half exchanged.

        Raises
        ------
        CheckFailed
            As `entries`.
        """
        replaced = {self.place(entry) for entry in runs}
        found = []
        for path in self.replicates():
            try:
                found.append(self._entry(path, terms))
            except CheckFailed:
                if path not in replaced:
                    raise
        return found

    def _entry(self, path: Path, terms: Terms) -> Entry:
        entry = read_entry(path)
        reason = terms.refusal(entry.result)
        if entry.path != self.place(entry):
            reason = f"seed {entry.seed}, not that of its folder"
        if reason:
            raise CheckFailed(
                f"the board holds a result that does not belong there, {path} "
                f"({reason}); score the submission again, or remove that folder."
            )
        return entry

    def place(self, entry: Entry) -> Path:
        """Folder of a result on the board."""
        return self.backing / entry.name / f"seed-{entry.seed}"

    def keep(self, entries: Sequence[Entry]) -> None:
        """Copy the results that back the table, and remove those that no longer do.

        Each file is written whole, the result last, so that what is cut short shows in
        the checksums, and doing it again mends it.
        """
        wanted = {self.place(entry) for entry in entries}
        for path in self.replicates():
            if path not in wanted:
                shutil.rmtree(path)
        for entry in entries:
            if entry.path != self.place(entry):
                _copy(entry, self.place(entry))

    def write(self, cells: Sequence[Cells]) -> None:
        """Write the table, the CSV file last."""
        write_atomic(self.markdown, markdown_table(cells, self.track))
        write_atomic(self.csv, csv_text(cells))


def _copy(entry: Entry, place: Path) -> None:
    """Copy a result with the files from which all its figures come."""
    there = ResultFolder(entry.path).check()
    content = {
        name: (entry.path / name).read_bytes()
        for name in (EXAMPLES, MODELS)
        if name in there
    }
    for name in (EXAMPLES, MODELS):
        if name in content:
            write_atomic(place / name, content[name])
        else:
            (place / name).unlink(missing_ok=True)
    sums = {name: sha256_of(data) for name, data in content.items()}
    result = {**entry.result.to_dict(), "files": sums}
    write_atomic(place / RESULT, sealed_json(result))
