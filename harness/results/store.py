"""The result folder of one submission: runs as they finish, then the result."""

import csv
import io
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import CheckFailed
from harness.metrics.literature.example_table import ExampleRow
from harness.models.finished import FinishedRun, read_run, write_run
from harness.results.schema import Result
from harness.status import Status
from harness.storage.checksums import sealed_json, unsealed_json
from harness.storage.files import (
    held_folder,
    make_folder,
    sha256_of,
    to_json,
    write_atomic,
)

RESULT, MODELS, EXAMPLES = "result.json", "models.csv", "examples.npz"
FORGOTTEN, FAILED = "forgotten.csv", "last-failure.json"
_COLUMNS = (
    "index",
    "seed",
    "retain_accuracy",
    "forget_accuracy",
    "test_accuracy",
    "cpu_seconds",
    "wall_seconds",
    "peak_bytes",
    "moved",
    "weights_sha256",
)
_INTEGERS = ("index", "seed")


class ResultFolder:
    """``<output>/<track>/<submission>/<id>/``.

    Parameters
    ----------
    path : Path
        The folder; made when something is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep_source(self, filename: str, source: str) -> None:
        """Keep the submission as it was scored."""
        write_atomic(self.path / filename, source)

    def keep_run(self, run: FinishedRun, output: str) -> None:
        """Keep one finished run and what it printed."""
        if output:
            write_atomic(self.path / "output" / f"{run.index:05d}.txt", output)
        # Last: a run that is kept is not repeated, so nothing of it may be missing.
        write_run(self.path, run)

    def finished(self, seeds: list[int]) -> dict[int, FinishedRun]:
        """Find the runs that need not be repeated, by index.

        They are looked for here and in the folders of the same submission, bank and
        seed at another N.

        Parameters
        ----------
        seeds : list of int
            The seed that run ``i`` must have.
        """
        found: dict[int, FinishedRun] = {}
        for folder in self._siblings():
            for run in folder._packed():
                if run.index < len(seeds) and run.seed == seeds[run.index]:
                    found.setdefault(run.index, run)
            for index in set(range(len(seeds))) - set(found):
                kept = read_run(folder.path, index, seeds[index])
                if kept is not None:
                    found[index] = kept
        return found

    def write(
        self,
        result: Result,
        runs: Sequence[FinishedRun] = (),
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
        runs: Sequence[FinishedRun],
        examples: Sequence[ExampleRow],
    ) -> None:
        earlier = self.read_result()
        scored_before = earlier is not None and earlier.status == Status.SCORED
        if scored_before and result.status != Status.SCORED:
            write_atomic(self.path / FAILED, to_json(result.to_dict()))
            return
        sums = {}
        if runs:
            contents = {EXAMPLES: _examples(runs), MODELS: _table(runs).encode()}
            if examples:
                contents[FORGOTTEN] = _example_rows(examples).encode()
            for name, data in contents.items():
                write_atomic(self.path / name, data)
            sums = {name: sha256_of(data) for name, data in contents.items()}
        content = {**result.to_dict(), "files": sums}
        write_atomic(self.path / RESULT, sealed_json(content))
        if runs:
            shutil.rmtree(self.path / "runs", ignore_errors=True)

    def read_result(self) -> Result | None:
        """Read the stored result; None if there is none or it cannot be read."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return Result.from_dict(self._content())
        return None

    def check(self) -> set[str]:
        """Compare the stored files with the sums in the result.

        Returns
        -------
        set of str
            Names of the files that belong to the result and are sound.

        Raises
        ------
        CheckFailed
            If a file has changed since it was written.
        """
        with held_folder(self.path, shared=True):
            return self._check()

    def _check(self) -> set[str]:
        try:
            sums = dict(self._content()["files"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckFailed(
                f"the result {self.path / RESULT} cannot be read ({error}); "
                "score the submission again with --force."
            ) from None
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
        shutil.rmtree(self.path / "runs", ignore_errors=True)

    def _content(self) -> dict[str, Any]:
        # Results of earlier versions have no seal.
        return unsealed_json((self.path / RESULT).read_bytes(), required=False)

    def _siblings(self) -> list["ResultFolder"]:
        stem = self.path.name.rpartition("-n")[0]
        others = sorted(self.path.parent.glob(f"{stem}-n*")) if stem else []
        return [self, *(ResultFolder(p) for p in others if p != self.path)]

    def _packed(self) -> list[FinishedRun]:
        with (
            suppress(CheckFailed, OSError, ValueError, KeyError),
            held_folder(self.path, shared=True),
        ):
            if self._check() >= {EXAMPLES, MODELS}:
                return read_examples(self.path)
        return []


def read_examples(folder: Path) -> list[FinishedRun]:
    """Read back the finished runs of a result.

    Raises
    ------
    OSError, ValueError, KeyError
        If the files are missing or damaged.
    """
    rows = _rows(folder / MODELS)
    forget, test = _confidences(folder / EXAMPLES)
    runs = []
    for row, forget_row, test_row in zip(rows, forget, test, strict=True):
        numbers = {
            name: (int if name in _INTEGERS else float)(row[name] or "")
            for name in _COLUMNS[:-1]
        }
        runs.append(
            FinishedRun(
                forget_confidence=forget_row,
                test_confidence=test_row,
                weights_sha256=row["weights_sha256"] or "",
                **numbers,  # type: ignore[arg-type]
            )
        )
    return runs


def _rows(path: Path) -> list[dict[str, str | None]]:
    """Read a table; a value is None where a row is too short."""
    try:
        return list(csv.DictReader(io.StringIO(path.read_text())))
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def _confidences(path: Path) -> list[NDArray[np.float32]]:
    """Read the confidences of N models on the forget and the test set."""
    content = path.read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return [
                np.asarray(arrays[f"{of}_confidence"], dtype=np.float32)
                for of in ("forget", "test")
            ]
    except Exception as error:
        # A damaged archive fails in more ways than can be listed.
        raise ValueError(f"{path} cannot be read: {error}") from None


def _examples(runs: Sequence[FinishedRun]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        forget_confidence=np.stack([run.forget_confidence for run in runs]),
        test_confidence=np.stack([run.test_confidence for run in runs]),
    )
    return buffer.getvalue()


def _table(runs: Sequence[FinishedRun]) -> str:
    rows = [[getattr(run, name) for name in _COLUMNS] for run in runs]
    return _csv(_COLUMNS, rows)


def _example_rows(examples: Sequence[ExampleRow]) -> str:
    return _csv([field.name for field in fields(ExampleRow)], map(astuple, examples))


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()
