"""What a phase of a competition is made of: a split, its bank, N, a secret."""

import json
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import CheckFailed, UsageError
from harness.machine import available_cores
from harness.reference import ReferenceBank, find_bank
from harness.reference.bank import BANK, MANIFEST, ORIGINALS
from harness.reference.location import built_folder
from harness.sandbox import AUTO, Level, Sandbox, choose
from harness.scoring.settings import ScoreSettings
from harness.storage.files import make_folder, to_json, write_atomic
from harness.tasks.registry import find_task
from harness.track import Track, find_track

SETUP, TRACK, BANK_FOLDER = "setup.json", "track.toml", "bank"
_BANK_FILES = (MANIFEST, BANK, ORIGINALS)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A phase, as `SETUP` has it; all of it is the organizer's secret."""

    split_seed: int
    n_models: int
    isolation: str = AUTO
    secret: str = ""

    def settings(self, folder: Path, output: Path) -> ScoreSettings:
        """Say how submissions are scored in this phase; its files lie in a folder."""
        track = self.track(folder)
        install_bank(folder / BANK_FOLDER, track)
        return ScoreSettings(
            track=track,
            n_models=self.n_models,
            n_jobs=min(available_cores(), self.n_models),
            output=output,
            secret=bytes.fromhex(self.secret),
        )

    def track(self, folder: Path) -> Track:
        """Read the phase's track."""
        return find_track(str(folder / TRACK), split_seed=self.split_seed)

    def sandbox(self) -> Sandbox:
        """Choose how runs are kept apart; not at all only where that is asked for."""
        sandbox = choose(self.isolation)
        if sandbox.level == Level.NONE != self.isolation:
            raise UsageError(
                "this container offers no isolation, so that a submission could read "
                "the phase's own files; unlearn-eval doctor says what is missing."
            )
        return sandbox


def new_setup(split_seed: int, n_models: int, isolation: str) -> Setup:
    """Make the setup of a new phase, with a secret of its own."""
    return Setup(
        split_seed=split_seed,
        n_models=n_models,
        isolation=isolation,
        secret=secrets.token_hex(32),
    )


def write_setup(folder: Path, setup: Setup, source: Path, bank: ReferenceBank) -> None:
    """Write a phase's files: the track's own file, its bank, and the setup."""
    make_folder(folder / BANK_FOLDER)
    write_atomic(folder / TRACK, source.read_bytes())
    for name in _BANK_FILES:
        shutil.copyfile(bank.folder / name, folder / BANK_FOLDER / name)
    write_atomic(folder / SETUP, to_json(asdict(setup)))


def read_setup(folder: Path) -> Setup:
    """Read what `write_setup` wrote."""
    try:
        return Setup(**json.loads((folder / SETUP).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise CheckFailed(
            f"{folder} holds no phase of a competition ({error}); it is written by: "
            "unlearn-eval bundle codabench."
        ) from None


def install_bank(source: Path, track: Track) -> None:
    """Put a phase's bank where banks are looked for, unless it is there."""
    folder = built_folder(find_task(track))
    if not (folder / MANIFEST).exists():
        make_folder(folder)
        for name in reversed(_BANK_FILES):  # what says that it is whole comes last
            write_atomic(folder / name, (source / name).read_bytes())


def bank_of(track: Track, n_models: int) -> ReferenceBank:
    """Find the bank of a split; the message says how to build it."""
    return find_bank(find_task(track), at_least=n_models)
