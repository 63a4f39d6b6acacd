"""The track's fields, each checked when the object is made."""

import hashlib
import json
from dataclasses import asdict, dataclass, field

from harness.errors import UsageError

NETWORKS = ("small-cnn", "resnet9", "resnet18")
AUGMENTATIONS = ("none", "flip", "flip-crop")
DEVICES = ("cpu", "cuda")
N_CLASSES = 10
TRAIN_IMAGES, TEST_IMAGES = 50_000, 10_000


def _require(ok: bool, field: str, value: object, legal: str) -> None:
    if not ok:
        raise UsageError(f"{field} = {value!r} is not legal: it must be {legal}.")


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Which images are trained on, forgotten and held out.

    Attributes
    ----------
    dataset : str
        ``"cifar10"``.
    train_size, forget_size : int
        Images in the training set D and in the forget set S, both class-balanced.
    validation_size, test_size : int
        Images taken, disjoint, from CIFAR-10's test batch.
    split_seed : int
        Another seed is another, private, split.
    """

    dataset: str
    train_size: int
    forget_size: int
    validation_size: int
    test_size: int
    split_seed: int

    def __post_init__(self) -> None:
        _require(self.dataset == "cifar10", "data.dataset", self.dataset, "'cifar10'")
        for key, limit in (
            ("train_size", TRAIN_IMAGES),
            ("forget_size", self.train_size - N_CLASSES),
        ):
            size = getattr(self, key)
            ok = size % N_CLASSES == 0 and N_CLASSES <= size <= limit
            legal = f"a multiple of {N_CLASSES} from {N_CLASSES} to {limit}"
            _require(ok, f"data.{key}", size, legal)
        for key in ("validation_size", "test_size"):
            size = getattr(self, key)
            _require(size > 0, f"data.{key}", size, "at least 1")
        held_out = self.validation_size + self.test_size
        legal = f"at most {TEST_IMAGES}"
        _require(
            held_out <= TEST_IMAGES, "data.validation_size + test_size", held_out, legal
        )
        _require(self.split_seed >= 0, "data.split_seed", self.split_seed, "0 or more")


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """Which architecture the track uses."""

    name: str

    def __post_init__(self) -> None:
        legal = "one of " + ", ".join(NETWORKS)
        _require(self.name in NETWORKS, "network.name", self.name, legal)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The training recipe A: SGD with Nesterov momentum and a one-cycle schedule.

    The learning rate rises linearly to ``learning_rate`` over
    ``warmup_fraction`` of the steps and falls linearly to zero over the rest. An
    epoch is ``n // batch_size`` full batches of a fresh permutation.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    warmup_fraction: float
    momentum: float
    weight_decay: float
    augmentation: str

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "recipe.epochs", self.epochs, "at least 1")
        _require(
            self.batch_size >= 2, "recipe.batch_size", self.batch_size, "at least 2"
        )
        rate = self.learning_rate
        _require(0 < rate < 100, "recipe.learning_rate", rate, "in (0, 100)")
        warmup = self.warmup_fraction
        _require(0 <= warmup < 1, "recipe.warmup_fraction", warmup, "in [0, 1)")
        _require(0 <= self.momentum < 1, "recipe.momentum", self.momentum, "in [0, 1)")
        decay = self.weight_decay
        _require(0 <= decay < 1, "recipe.weight_decay", decay, "in [0, 1)")
        legal = "one of " + ", ".join(AUGMENTATIONS)
        known = self.augmentation in AUGMENTATIONS
        _require(known, "recipe.augmentation", self.augmentation, legal)

    def steps(self, n_images: int) -> int:
        """Optimizer steps of one training on `n_images` images."""
        return self.epochs * max(1, n_images // self.batch_size)

    def rate_at(self, step: int, n_steps: int) -> float:
        """Learning rate of step ``0 <= step < n_steps``."""
        warmup = self.warmup_fraction * n_steps
        if step < warmup:
            return self.learning_rate * (step + 1) / (warmup + 1)
        return self.learning_rate * (n_steps - step) / (n_steps - warmup + 1)


@dataclass(frozen=True, kw_only=True)
class EvaluationSpec:
    """How many models are compared, and the constants of the metric.

    Attributes
    ----------
    n_models : int
        N, unlearned models a submission is judged by.
    bank_size : int
        Retrained models in the reference bank; 2 N gives a ceiling.
    cap : float
        Largest efficiency ratio: cost over the cost of one retraining.
    delta : float
        δ of (ε, δ)-unlearning.
    """

    n_models: int
    bank_size: int
    cap: float
    delta: float

    def __post_init__(self) -> None:
        _require(self.n_models >= 2, "evaluation.n_models", self.n_models, "at least 2")
        enough = self.bank_size >= self.n_models
        legal = f"at least n_models = {self.n_models}"
        _require(enough, "evaluation.bank_size", self.bank_size, legal)
        _require(0 < self.cap <= 1, "evaluation.cap", self.cap, "in (0, 1]")
        _require(0 <= self.delta < 1, "evaluation.delta", self.delta, "in [0, 1)")


@dataclass(frozen=True, kw_only=True)
class Track:
    """A frozen, validated track. Its hash is stamped on everything made from it.

    `options` are the words that choose it on the command line, for the commands that
    messages tell a user to run; they are no part of the track itself.
    """

    name: str
    description: str
    device: str
    data: DataSpec
    network: NetworkSpec
    recipe: Recipe
    evaluation: EvaluationSpec
    options: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        legal = "letters, digits, '.', '_' and '-'"
        plain = self.name.replace("-", "").replace("_", "").replace(".", "")
        ok = plain.isascii() and plain.isalnum() and not self.name.startswith(".")
        _require(ok, "name", self.name, legal)
        _require(self.device in DEVICES, "device", self.device, "'cpu' or 'cuda'")
        batch, retain = self.recipe.batch_size, self.retain_size
        legal = f"at most the {retain} images of the retain set"
        _require(batch <= retain, "recipe.batch_size", batch, legal)

    @property
    def retain_size(self) -> int:
        """Images in the retain set, D without S."""
        return self.data.train_size - self.data.forget_size

    @property
    def hash(self) -> str:
        """Hex digest of all that changes a result (sizes, network, recipe, seed).

        How many models are asked for, the cap and the words are left out: they do
        not change what one model is, so they must not make a bank useless.
        """
        content = {
            "data": asdict(self.data),
            "network": asdict(self.network),
            "recipe": asdict(self.recipe),
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]
