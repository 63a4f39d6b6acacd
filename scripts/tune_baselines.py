"""Judge settings of a baseline's constants on a split that no leaderboard uses.

    python scripts/tune_baselines.py finetune --set LEARNING_RATE=0.05,0.1,0.2
    python scripts/tune_baselines.py --all -n 32
    python scripts/tune_baselines.py austen-quick/npo --track austen-quick -n 8

Each combination of the values given with ``--set`` is run N times in this process, and
one line says what it scored: calibrated and official score and F against as many
retrained models, the accuracy ratios and the CPU seconds a run over those of a plain
retraining. The split seed is 7, so the forget set, the original model and the bank
differ from the leaderboard's; the bank is built at the first use (some minutes).
"""

import argparse
import ast
import copy
import inspect
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from harness.errors import UsageError
from harness.metrics.official.metric import official_metric
from harness.metrics.official.utility import Utility
from harness.models.outputs import ModelOutputs
from harness.models.weights import load_weights
from harness.reference import ReferenceBank, find_bank
from harness.reference.build import build_bank
from harness.reference.plan import BuildPlan
from harness.tasks.base import Task
from harness.tasks.loaders import make_loader
from harness.tasks.registry import find_task
from harness.track import find_track

SUBMISSIONS = Path(__file__).parents[1] / "submissions"
SPLIT_SEED = 7
BANK_SIZE = 32
CONTROLS = ("identity", "retrain")
_SAMPLE_EPOCHS = 2  # of the retraining that the cost is compared with

Pair = tuple[Tensor, Tensor]
Constants = dict[str, Any]


class Verdict(NamedTuple):
    """What one setting scored."""

    quality: float
    calibrated_quality: float
    retain_ratio: float
    test_ratio: float
    forget_accuracy: float
    seconds: float

    @property
    def score(self) -> float:
        """F times both accuracy ratios."""
        return self.quality * self.retain_ratio * self.test_ratio

    @property
    def calibrated_score(self) -> float:
        """The same of the calibrated F, by which leaderboards rank."""
        return self.calibrated_quality * self.retain_ratio * self.test_ratio


class Tuning:
    """The tuning split, its original model and its bank, loaded once."""

    def __init__(self, track_name: str) -> None:
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        self.track = find_track(track_name, split_seed=SPLIT_SEED)
        task = find_task(self.track)
        self.bank = _bank(task)
        sets = task.sets()._asdict()
        self.sets = {name: task.tensors(examples) for name, examples in sets.items()}
        self.evaluate = task.evaluator(sets, torch.device("cpu"))
        self.original = task.network(seed=0).eval()
        load_weights(self.original, self.bank.original_weights[0])

    def run(self, path: Path, constants: Constants, seed: int) -> nn.Module:
        """Call a submission once, its constants replaced."""
        network = copy.deepcopy(self.original)
        function, names = _load(path, constants)
        torch.manual_seed(seed)
        options = {"recipe": self.track.recipe} if "recipe" in names else {}
        return function(network, *self._loaders(), **options) or network

    def _loaders(self) -> Iterator[DataLoader[Pair]]:
        for name in ("retain", "forget", "validation"):
            batch_size = self.track.recipe.batch_size
            shuffle = name != "validation"
            yield make_loader(*self.sets[name], batch_size=batch_size, shuffle=shuffle)

    @cached_property
    def retraining_seconds(self) -> float:
        """CPU seconds of one plain retraining, measured on a few epochs of it."""
        track = self.track
        short = replace(track, recipe=replace(track.recipe, epochs=_SAMPLE_EPOCHS))
        self.track = short
        seconds = 0.0
        for _ in range(2):  # the first time torch compiles and allocates
            start = time.process_time()
            self.run(SUBMISSIONS / "retrain.py", {}, seed=0)
            seconds = time.process_time() - start
        self.track = track
        return seconds * track.recipe.epochs / _SAMPLE_EPOCHS

    def judge(self, path: Path, constants: Constants, n_models: int) -> Verdict:
        """Run a setting N times and compare with N retrained models."""
        tables, seconds = [], []
        for seed in range(n_models):
            start = time.process_time()
            network = self.run(path, constants, seed).eval()
            seconds.append(time.process_time() - start)
            tables.append(self.evaluate(network))
        unlearned, bank = ModelOutputs.stack(tables), self.bank.retrained
        some = bank.first(n_models)
        ours, theirs = unlearned.calibrated(), some.calibrated()
        assert ours is not None
        assert theirs is not None
        retain, test = Utility(unlearned, bank).ratios
        return Verdict(
            official_metric(unlearned, some).forgetting_quality,
            official_metric(ours, theirs).forgetting_quality,
            retain,
            test,
            float(unlearned.accuracy("forget").mean()),
            float(np.median(seconds)),
        )


def _bank(task: Task) -> ReferenceBank:
    try:
        return find_bank(task, at_least=BANK_SIZE)
    except UsageError:
        plan = BuildPlan(track=task.track, n_models=BANK_SIZE, jobs=1)
        return build_bank(
            plan, lambda done: print(f"{done} of {BANK_SIZE}", flush=True)
        )


def _load(path: Path, constants: Constants) -> tuple[Any, tuple[str, ...]]:
    module: Constants = {"__name__": "submission", "__file__": str(path)}
    exec(compile(path.read_text(), path, "exec"), module)
    unknown = constants.keys() - module.keys()
    if unknown:
        raise SystemExit(f"{path.name} has no constant {', '.join(sorted(unknown))}.")
    module.update(constants)
    function = module["unlearning"]
    return function, tuple(inspect.signature(function).parameters)


def grid(settings: list[str]) -> Iterator[Constants]:
    """Yield every combination of ``NAME=VALUE,VALUE`` settings."""
    names = [setting.partition("=")[0] for setting in settings]
    values = [ast.literal_eval(f"[{s.partition('=')[2]}]") for s in settings]
    for combination in product(*values):
        yield dict(zip(names, combination, strict=True))


def main() -> None:
    """Read the command line and print a line for each setting."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="baselines, without .py")
    parser.add_argument("--track", default="cifar10-quick")
    parser.add_argument("--all", action="store_true", help="every baseline as it is")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=V,V")
    parser.add_argument("-n", "--n-models", type=int, default=16)
    options = parser.parse_args()
    files = sorted(SUBMISSIONS.glob("[!_]*.py"))
    everyone = [path.stem for path in files if path.stem not in CONTROLS]
    tuning = Tuning(options.track)
    print(f"one retraining: {tuning.retraining_seconds:.2f} CPU seconds")
    for name in everyone if options.all else options.names:
        for constants in grid(options.set):
            verdict = tuning.judge(
                SUBMISSIONS / f"{name}.py", constants, options.n_models
            )
            print(_line(name, constants, verdict, tuning), flush=True)


def _line(name: str, constants: Constants, verdict: Verdict, tuning: Tuning) -> str:
    words = " ".join(f"{key}={value}" for key, value in constants.items())
    return (
        f"{name:18} calibrated {verdict.calibrated_score:.4f}  "
        f"official {verdict.score:.4f}  "
        f"F {verdict.calibrated_quality:.4f} {verdict.quality:.4f}  "
        f"RA {verdict.retain_ratio:.3f}  TA {verdict.test_ratio:.3f}  "
        f"forget accuracy {verdict.forget_accuracy:.3f}  "
        f"cost {verdict.seconds / tuning.retraining_seconds:.3f}  {words}"
    )


if __name__ == "__main__":
    main()
