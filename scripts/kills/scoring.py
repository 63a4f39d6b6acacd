"""A scoring that is killed."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from harness.results.store import EXAMPLES, MODELS, RESULT, ResultFolder
from scripts.kills.place import Place, require
from scripts.kills.work import JOBS, N_MODELS, Work, require_whole

#: Says in a file that it begins, and takes a while.
SUBMISSION = '''"""Tell the log, wait, and shake the weights: {name}."""

import time

import torch


def unlearning(net, retain, forget, validation, seed):
    with open({log!r}, "a") as log:
        log.write(f"{name} {{seed}}\\n")
    time.sleep(0.15)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.05 * torch.randn_like(p)
    print("done")
'''
SUBMISSIONS = ("first", "second")
MEASURED = ("cpu_seconds", "wall_seconds", "peak_bytes")
#: What a table has beside it of runs on a cluster.
OF_A_CLUSTER = ("machine", "arithmetic", "retraining_seconds")


class Scoring(Work):
    """Two submissions of six runs, two at a time."""

    def __init__(self, place: Place, isolation: str = "none") -> None:
        super().__init__(place)
        self.output, self.log = place.root / "runs", place.root / "begun.txt"
        self.isolation = isolation
        self.repeated, self.most_in_flight = 0, 0
        self._n_seen = 0
        self._kept: set[tuple[str, int]] = set()
        self._indices: dict[tuple[str, int], int] = {}
        for name in SUBMISSIONS:
            source = SUBMISSION.format(name=name, log=str(self.log))
            (place.root / f"{name}.py").write_text(source)
        build = ("reference", "build", "--track", place.track, "-j", "2", "--quiet")
        with place.start(build) as process:
            require(process.wait() == 0, "the bank was not built")
        self.log.touch()

    def repetitions(self) -> str:
        """Count them by the log."""
        most = f"at most {self.most_in_flight} a kill"
        return f"{self.repeated} unfinished runs done again, {most}; "

    def words(self) -> list[str | Path]:
        """Score both."""
        files: list[str | Path] = [
            self.place.root / f"{name}.py" for name in SUBMISSIONS
        ]
        where: list[str | Path] = ["--track", self.place.track, "-o", self.output]
        how = ["-n", str(N_MODELS), "--isolation", self.isolation]
        return ["score", *files, *where, *how, *self.executor()]

    def executor(self) -> list[str]:
        """Say where runs are made."""
        return ["-j", str(JOBS)]

    def look(self) -> None:
        """Nothing kept has gone or was begun again, and every file is whole."""
        self.look_at_runs()
        for path in self.output.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                require_whole(path)

    def look_at_runs(self) -> None:
        """Look at what is kept, and at what was begun since the last look."""
        kept, begun = self._kept_now(), self._begun()
        again = begun & self._kept
        require(not again, f"runs that were kept were done again: {sorted(again)}")
        require(kept >= self._kept, f"runs were lost: {sorted(self._kept - kept)}")
        in_flight = len(begun - kept)
        # One for each job, and one more that has ended and is not written yet.
        require(in_flight <= 2 * JOBS, f"{in_flight} runs will be done again")
        self.most_in_flight = max(self.most_in_flight, in_flight)
        self._kept = kept

    def finished(self) -> dict[str, Any]:
        """All that does not depend on the clock."""
        numbers: dict[str, Any] = {}
        for path in sorted(self.output.rglob(RESULT)):
            folder, name = path.parent, path.parents[1].name
            ResultFolder(folder).check()
            require(not (folder / "runs").exists(), "kept runs are left")
            with np.load(folder / EXAMPLES) as arrays:
                numbers |= {f"{name} {key}": arrays[key] for key in arrays.files}
            for row in csv.DictReader((folder / MODELS).read_text().splitlines()):
                for key in (*MEASURED, *OF_A_CLUSTER):
                    row.pop(key, None)
                numbers[f"{name} {row['index']}"] = row
            content = json.loads(path.read_text())
            for key in ("status", "forgetting_quality", "epsilon", "n_finished"):
                numbers[f"{name} {key}"] = content[key]
        require(len(numbers) == len(SUBMISSIONS) * (4 + N_MODELS + 4), "a result lacks")
        if not self._indices:
            self._indices = {
                (name, int(numbers[f"{name} {i}"]["seed"])): i
                for name in SUBMISSIONS
                for i in range(N_MODELS)
            }
        hidden = [path for path in self.output.rglob(".*") if path.is_file()]
        require(not hidden, f"temporary files are left: {hidden}")
        begun = self.log.read_text().splitlines()
        self.repeated += len(begun) - len(set(begun))
        return numbers

    def clear(self) -> None:
        """Forget results and the cost of a retraining."""
        shutil.rmtree(self.output, ignore_errors=True)
        shutil.rmtree(self.place.cache / "calibration", ignore_errors=True)
        self.log.write_text("")
        self._kept, self._n_seen = set(), 0

    def _begun(self) -> set[tuple[str, int]]:
        lines = self.log.read_text().splitlines()
        fresh, self._n_seen = lines[self._n_seen :], len(lines)
        pairs = (line.split() for line in fresh)
        return {(name, self._indices[name, int(seed)]) for name, seed in pairs}

    def _kept_now(self) -> set[tuple[str, int]]:
        kept = set()
        for name in SUBMISSIONS:
            for path in self.output.glob(f"*/{name}/*/runs/0*.safetensors"):
                kept.add((name, int(path.stem)))
            if list(self.output.glob(f"*/{name}/*/{RESULT}")):
                kept |= {(name, index) for index in range(N_MODELS)}
        return kept
