"""A board's world without training: a bank and results drawn from normal numbers."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.leaderboard import evidence
from harness.leaderboard.board import Board
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.evidence import Evidence, evidence_of
from harness.leaderboard.site import SiteRequest, write_site
from harness.leaderboard.stored import StoredResult
from harness.leaderboard.table import Request, update_board
from harness.metrics import METRICS_VERSION
from harness.metrics.uncertainty.efficiency import efficiency_ratio
from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import ModelOutputs
from harness.models.records import ModelRecord, RunRecord
from harness.reference.bank import (
    FORMAT,
    Manifest,
    bank_key,
    stack_members,
    write_bank,
)
from harness.reference.location import built_folder
from harness.results.schema import About, Efficiency, Isolation, Metrics, Result
from harness.results.store import EXAMPLES, MODELS, ResultFolder
from harness.scoring.measure import Measurement
from harness.status import Status
from harness.storage.checksums import CHECKSUM, json_with_checksum
from harness.storage.files import sha256_of
from harness.tasks.registry import find_task
from harness.track import Track, find_track
from tests.typed_results import MACHINE, PROVENANCE

N, FORGOTTEN, TESTS = 16, 20, 30
CAP = 0.25  # Another than that of the tracks that ship.
PRIVATE_SEED = 864_209_753
RETRAINING = (10.0, 10.1, 9.9)

DRAWN = f"""\
name = "drawn"
description = "no images, normal numbers"
device = "cpu"

[data]
dataset = "cifar10"
train_size = 400
forget_size = {FORGOTTEN}
validation_size = 10
test_size = {TESTS}
split_seed = 3

[network]
name = "small-cnn"

[recipe]
epochs = 2
batch_size = 32
learning_rate = 0.1
warmup_fraction = 0.2
momentum = 0.9
weight_decay = 5e-4
augmentation = "flip"

[evaluation]
n_models = {N}
bank_size = {2 * N}
cap = {CAP}
delta = 1e-5
"""


def _members(rng: np.random.Generator, n: int, shift: float) -> list[ModelRecord]:
    """Outputs of n models that prefer class 0, more so by `shift`."""

    def confidences(examples: int) -> np.ndarray:
        logits = rng.normal(size=(n, examples, 10))
        logits[:, :, 0] += 2 + shift
        return logit_scaled_confidence(logits, np.zeros(examples, dtype=np.int64))

    outputs = ModelOutputs(
        forget_confidence=confidences(FORGOTTEN),
        test_confidence=confidences(TESTS),
        **{
            f"{of}_accuracy": mean + 0.01 * rng.normal(size=n)
            for of, mean in (("retain", 0.8), ("forget", 0.5), ("test", 0.5))
        },
    )
    return [
        ModelRecord(index=i, seed=i, outputs=outputs.take([i]), cpu_seconds=10.0)
        for i in range(n)
    ]


def _write_bank(track: Track) -> None:
    rng, task = np.random.default_rng(track.data.split_seed), find_task(track)
    original = stack_members(_members(rng, 1, shift=3.0), "original_")
    arrays = {**stack_members(_members(rng, 2 * N, shift=0.0)), **original}
    manifest = Manifest(
        format=FORMAT,
        key=bank_key(task),
        track=track.name,
        track_hash=track.hash,
        data_hash=task.data_hash,
        engine_version=task.engine_version,
        harness_version="0",
        seed=0,
        n_models=2 * N,
        arithmetic="drawn",
        machine=MACHINE,
        numpy="none",
    )
    write_bank(built_folder(task), manifest, arrays, b"")


@pytest.fixture(scope="session")
def drawn_file(cache, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("drawn") / "drawn.toml"
    path.write_text(DRAWN)
    for seed in (None, PRIVATE_SEED):
        _write_bank(find_track(str(path), split_seed=seed))
    return path


@pytest.fixture(scope="session")
def drawn(drawn_file) -> Track:
    return find_track(str(drawn_file))


@pytest.fixture(scope="session")
def private(drawn_file) -> Track:
    return find_track(str(drawn_file), split_seed=PRIVATE_SEED)


@pytest.fixture(scope="session")
def eligibility(drawn) -> Eligibility:
    return Eligibility.of(drawn)


@pytest.fixture(scope="session")
def private_eligibility(private) -> Eligibility:
    return Eligibility.of(private)


def drawn_runs(shift: float, seed: int, cost: float, n: int = N) -> list[RunRecord]:
    """Runs whose confidences lie `shift` above those of retrained models."""
    rng = np.random.default_rng([seed, int(1000 * abs(shift))])
    forget = rng.normal(shift - 0.3, 1.2, (n, FORGOTTEN)).astype(np.float32)
    return [
        RunRecord(
            index=index,
            seed=1000 * seed + index,
            outputs=ModelOutputs(
                forget_confidence=forget[[index]],
                test_confidence=rng.normal(-0.3, 1.2, (1, TESTS)).astype(np.float32),
                retain_accuracy=0.8 + 0.01 * rng.normal(size=1),
                forget_accuracy=0.5 + 0.01 * rng.normal(size=1),
                test_accuracy=0.5 + 0.01 * rng.normal(size=1),
            ),
            cpu_seconds=cost * (1 + 0.01 * rng.normal()),
            wall_seconds=cost,
            peak_bytes=100_000_000,
            moved=0.1,
            weights_sha256=f"{index:064x}",
        )
        for index in range(n)
    ]


@dataclass
class Drawer:
    """Puts results into a folder of runs, as the scorer does."""

    output: Path
    eligibility: Eligibility
    known: dict[object, Metrics]

    def __call__(
        self,
        name: str,
        shift: float = 0.0,
        *,
        seed: int = 0,
        cost: float = 1.0,
        source: str = "a",
        runs: Sequence[RunRecord] | None = None,
        folder: str = "",
        **changes: Any,
    ) -> Path:
        """Write a scored result; `changes` go into its provenance."""
        key = (shift, seed, cost, self.eligibility.track.hash)
        if runs is None:
            runs = drawn_runs(shift, seed, cost)
            if key not in self.known:
                self.known[key] = self._metrics(runs)
            metrics = self.known[key]
        else:
            metrics = self._metrics(runs)
        track, bank = self.eligibility.track, self.eligibility.bank
        provenance = replace(
            PROVENANCE,
            **{
                "metrics_version": METRICS_VERSION,
                "track": track.name,
                "track_hash": track.hash,
                "split_seed": track.data.split_seed,
                "bank_key": bank.key,
                "bank_size": len(bank),
                "delta": track.evaluation.delta,
                "seed": seed,
                "device": "cpu",
                "retraining_seconds": RETRAINING,
                "isolation": Isolation(level="full"),
                "secret_name": "0123456789ab",
                **changes,
            },
        )
        about = About(
            name=name,
            title=name.title(),
            sha256=source.ljust(64, "0"),
            reference=name == "oracle",
        )
        result = Result(
            about=about,
            status=Status.SCORED,
            n_models=N,
            n_finished=len(runs),
            provenance=provenance,
            metrics=metrics,
        )
        efficiency = metrics.efficiency
        if efficiency is not None and efficiency.ratio > CAP:
            reason = "it costs too much."
            result = replace(result, status=Status.OVER_BUDGET, reason=reason)
        where = folder or f"{source}{seed}{track.data.split_seed}-n{N}"
        path = self.output / track.name / name / where
        ResultFolder(path).write(result, runs)
        return path

    def _metrics(self, runs: Sequence[RunRecord]) -> Metrics:
        if not runs:
            return Metrics()
        costs = [run.cpu_seconds for run in runs]
        cost = Efficiency(**vars(efficiency_ratio(costs, RETRAINING, CAP)))
        if len(runs) < N:
            return Metrics(efficiency=cost)
        measured = Measurement.of_runs(runs, self.eligibility.reference).metrics()
        return replace(measured, efficiency=cost)

    def failed(self, name: str, *, source: str = "a", seed: int = 0) -> Path:
        """Write a result of a submission that failed before its first run."""
        path = self(name, runs=[], source=source, seed=seed)
        edit(path, status="error", reason="run 0 (seed 5): it raised ValueError.")
        return path


def edit(path: Path, **fields: Any) -> None:
    """Change fields of a stored result and its checksum; ``a__b`` is field b of a."""
    file = path / "result.json"
    content = json.loads(file.read_text())
    for dotted, value in fields.items():
        *outer, last = dotted.split("__")
        place = content
        for key in outer:
            place = place[key]
        place[last] = value
    del content[CHECKSUM]
    file.write_text(json_with_checksum(content))


def forge_arrays(path: Path, content: bytes) -> None:
    """Put other arrays into a result, with a sum that fits."""
    (path / EXAMPLES).write_bytes(content)
    sums = json.loads((path / "result.json").read_text())["files"]
    edit(path, files={**sums, EXAMPLES: sha256_of(content)})


@pytest.fixture(scope="session")
def forged() -> Callable[..., None]:
    return forge_arrays


@pytest.fixture(scope="session")
def edited() -> Callable[..., None]:
    return edit


@pytest.fixture(scope="session")
def known_metrics() -> dict[object, Metrics]:
    """Metrics of the session's drawn runs: measuring them takes most of the time."""
    return {}


@pytest.fixture(scope="session")
def _remembered() -> Iterator[None]:
    """Compute the same of the same bytes once in a session."""
    known: dict[object, Evidence] = {}

    def answer(stored: StoredResult, *basis: Any, everything: bool) -> Evidence:
        references, cap = basis
        files = [stored.path / name for name in (EXAMPLES, MODELS)]
        key = (
            *(file.read_bytes() if file.is_file() else None for file in files),
            repr(stored.result),
            references.retrained.forget_confidence.tobytes(),
            cap,
            everything,
        )
        if key not in known:
            known[key] = evidence_of(stored, *basis, everything=everything)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "evidence_of", answer)
        yield


class Counts:
    """Hears what is begun, and counts what is done of it."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[int, int]] = {}

    def begin(self, what: str, total: int, done: int) -> None:
        self._what, self.told[what] = what, (total, done)

    def advance(self) -> None:
        total, done = self.told[self._what]
        self.told[self._what] = (total, done + 1)

    def end(self) -> None:
        """Nothing is drawn."""


@pytest.fixture(scope="session")
def counts() -> Counts:
    return Counts()


@pytest.fixture(scope="session")
def drawn_site(
    _remembered, eligibility, known_metrics, counts, tmp_path_factory
) -> Path:
    """A site of two rows that are ranked and one that failed."""
    base = tmp_path_factory.mktemp("site")
    draw = Drawer(base / "runs", eligibility, known_metrics)
    draw("good")
    draw("weak", 0.8)
    draw.failed("broken")
    board = Board(base / "board", "drawn")
    update_board(board, Request(base / "runs", eligibility.track, None, 1, counts))
    request = SiteRequest(boards=board.folder, target=base / "site", counter=counts)
    write_site(request)
    return base / "site"


@pytest.fixture
def draw(_remembered, tmp_path, eligibility, known_metrics) -> Drawer:
    return Drawer(tmp_path / "runs", eligibility, known_metrics)


@pytest.fixture
def draw_private(tmp_path, private_eligibility, known_metrics) -> Drawer:
    return Drawer(tmp_path / "runs", private_eligibility, known_metrics)


@pytest.fixture
def request_of(tmp_path, drawn) -> Callable[..., Request]:
    def make(private: Track | None = None) -> Request:
        return Request(tmp_path / "runs", drawn, private, 1)

    return make


@pytest.fixture
def board(tmp_path, drawn) -> Board:
    return Board(tmp_path / "board", drawn.name)


@pytest.fixture
def four(draw) -> Drawer:
    """Two that cannot be told apart, a worse one, and an oracle over the cap."""
    for seed in (0, 1):
        draw("good", 0.0, seed=seed)
        draw("similar", 0.05, seed=seed)
        draw("bad", 3.0, seed=seed)
    draw("oracle", 0.01, cost=10.0)
    return draw


@pytest.fixture
def leaderboard(cli, drawn_file, tmp_path) -> Callable[..., Any]:
    """The command on the drawn track, in this process."""

    def call(*args: object) -> Any:
        where = ("--track", drawn_file, "-o", tmp_path / "runs", "-j", 1)
        return cli("leaderboard", *where, "--board", tmp_path / "board", *args)

    return call
