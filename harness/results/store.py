"""The result folder of one submission: runs as they finish, then the result."""

import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from harness.errors import CheckFailed, UsageError
from harness.metrics.literature.example_table import ExampleRow
from harness.models.outputs import MATRICES
from harness.models.records import (
    RunRecord,
    compact,
    read_record,
    record_path,
    stack,
    write_record,
)
from harness.models.tables import csv_of, from_table, read_csv, table_of
from harness.results.schema import Result
from harness.results.serialization import JsonObject
from harness.status import Status
from harness.storage.archives import refuse_bomb
from harness.storage.checksums import checked_json, json_with_checksum
from harness.storage.files import (
    held_folder,
    make_folder,
    remove_folder,
    sha256_of,
    to_json,
    write_atomic,
)
from harness.tasks.base import Indices

RESULT, MODELS, EXAMPLES = "result.json", "models.csv", "examples.npz"
FORGOTTEN, FAILED = "forgotten.csv", "last-failure.json"
#: Runs of an earlier version were not calibrated.
_NEEDED = ("forget_confidence", "test_confidence")


class ResultFolder:
    """``<output>/<track>/<submission>/<id>/``, made when something is first written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep_source(self, filename: str, source: str) -> None:
        """Keep the submission as it was scored."""
        write_atomic(self.path / filename, source)

    def keep_run(self, run: RunRecord, output: str) -> None:
        """Keep one finished run and what it printed."""
        if output:
            write_atomic(self.path / "output" / f"{run.index:05d}.txt", output)
        # Last: a run that is kept is not repeated, so nothing of it may be missing.
        write_record(run_path(self.path, run.index), run)

    def finished(self, seeds: list[int]) -> dict[int, RunRecord]:
        """Find the runs that need not be repeated, by index; run i has the i-th seed.

        They are looked for here and in the folders of the same submission, bank and
        seed at another N.
        """
        found: dict[int, RunRecord] = {}
        for folder in self._siblings():
            for run in folder._packed():
                if run.index < len(seeds) and run.seed == seeds[run.index]:
                    found.setdefault(run.index, run)
            for index in set(range(len(seeds))) - set(found):
                kept = read_record(run_path(folder.path, index), RunRecord)
                if kept and (kept.index, kept.seed) == (index, seeds[index]):
                    found[index] = kept
        return found

    def write(
        self,
        result: Result,
        runs: Sequence[RunRecord] = (),
        examples: Sequence[ExampleRow] = (),
    ) -> None:
        """Write a result whole; a failed attempt never replaces a scored one.

        Of two processes that write at once, the files are those of one.
        """
        make_folder(self.path)
        with held_folder(self.path):
            self._write(result, runs, examples)

    def _write(
        self,
        result: Result,
        runs: Sequence[RunRecord],
        examples: Sequence[ExampleRow],
    ) -> None:
        earlier = self.read_result()
        scored_before = earlier is not None and earlier.status == Status.SCORED
        if scored_before and result.status != Status.SCORED:
            write_atomic(self.path / FAILED, to_json(result.to_dict()))
            return
        sums = {}
        if runs:
            models = csv_of(table_of(runs)).encode()
            contents = {EXAMPLES: _examples(runs), MODELS: models}
            if examples:
                contents[FORGOTTEN] = _forgotten(examples).encode()
            for name, data in contents.items():
                write_atomic(self.path / name, data)
            sums = {name: sha256_of(data) for name, data in contents.items()}
        content = {**result.to_dict(), "files": sums}
        write_atomic(self.path / RESULT, json_with_checksum(content))
        if runs:
            remove_folder(self.path / "runs")

    def read_result(self) -> Result | None:
        """Read the stored result; None if there is none or it cannot be read."""
        with suppress(CheckFailed):
            return self.read()
        return None

    def read(self) -> Result:
        """Read the stored result.

        Raises
        ------
        CheckFailed
            If there is none, or it is of another version; the sentence names the key.
        """
        try:
            return Result.from_dict(self._content())
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None

    def check(self) -> set[str]:
        """Compare the stored files with the sums in the result; return their names.

        Raises
        ------
        CheckFailed
            If a file has changed since it was written.
        """
        with held_folder(self.path, shared=True):
            return self._check()

    def _check(self) -> set[str]:
        try:
            sums = dict(cast("dict[str, str]", self._content()["files"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._unreadable(error) from None
        for name, wanted in sums.items():
            path = self.path / name
            if not path.is_file() or sha256_of(path.read_bytes()) != wanted:
                raise CheckFailed(
                    f"{path} is not the file that was written with its result; "
                    "score the submission again with --force."
                )
        return set(sums)

    def forget(self) -> None:
        """Throw away kept runs, so that all are done again; the result stays."""
        remove_folder(self.path / "runs")

    def _unreadable(self, error: Exception) -> CheckFailed:
        return CheckFailed(
            f"the result {self.path / RESULT} cannot be read ({error}); "
            "score the submission again with --force."
        )

    def _content(self) -> JsonObject:
        # Results of earlier versions have no checksum.
        return checked_json((self.path / RESULT).read_bytes(), required=False)

    def _siblings(self) -> list["ResultFolder"]:
        stem = self.path.name.rpartition("-n")[0]
        others = sorted(self.path.parent.glob(f"{stem}-n*")) if stem else []
        return [self, *(ResultFolder(p) for p in others if p != self.path)]

    def _packed(self) -> list[RunRecord]:
        with (
            suppress(CheckFailed, OSError, ValueError, KeyError),
            held_folder(self.path, shared=True),
        ):
            if self._check() >= {EXAMPLES, MODELS}:
                return read_examples(self.path)
        return []


def run_path(folder: Path, index: int) -> Path:
    """Where a run is kept until its submission is done."""
    return record_path(folder / "runs", index)


def read_examples(folder: Path) -> list[RunRecord]:
    """Read back the finished runs of a result.

    Raises
    ------
    OSError, ValueError, KeyError
        If the files are missing or damaged.
    """
    table = read_csv(RunRecord, (folder / MODELS).read_text())
    try:
        return from_table(RunRecord, table, _confidences(folder / EXAMPLES))
    except UsageError as error:
        raise ValueError(str(error)) from None


def read_forgotten(folder: Path) -> tuple[Indices, Indices] | None:
    """Read the forget examples' indices and classes; None where they are not kept."""
    import pandas as pd  # noqa: PLC0415 - half a second

    try:
        table = pd.read_csv(folder / FORGOTTEN, usecols=["index", "label"], dtype=int)
    except (OSError, ValueError):
        return None
    return table["index"].to_numpy(np.int64), table["label"].to_numpy(np.int64)


def _confidences(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the confidences of N models; earlier versions wrote more digits."""
    content = path.read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            refuse_bomb(arrays.zip, len(content))
            known = [*_NEEDED, *(n for n in MATRICES if n in arrays)]
            return {name: arrays[name].astype(np.float32) for name in known}
    except Exception as error:
        # A damaged archive fails in more ways than can be listed.
        raise ValueError(f"{path} cannot be read: {error}") from None


def _examples(runs: Sequence[RunRecord]) -> bytes:
    outputs, buffer = stack(runs), io.BytesIO()
    known = {name: getattr(outputs, name) for name in MATRICES}
    arrays = {name: compact(a) for name, a in known.items() if a is not None}
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _forgotten(examples: Sequence[ExampleRow]) -> str:
    import pandas as pd  # noqa: PLC0415 - half a second

    return csv_of(pd.DataFrame(map(vars, examples)))
