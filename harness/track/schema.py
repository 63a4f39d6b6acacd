"""The track's fields, each checked when the object is made."""

import hashlib
import json
import re
from dataclasses import MISSING, dataclass, field, fields
from itertools import pairwise
from typing import Any

from harness.errors import UsageError

AUGMENTATIONS = ("none", "flip", "flip-crop")
OPTIMIZERS = ("sgd", "adam", "adamw")
DEVICES = ("cpu", "cuda")
MOST_ORIGINALS = 64
#: ``data.forget``: a rule in words, or places of training examples, sorted.
Forget = str | tuple[int, ...]
#: A task's own settings, ``[data.options]``: names with texts, numbers or booleans.
Options = tuple[tuple[str, str | int | float | bool], ...]


def require(ok: bool, field: str, value: object, legal: str) -> None:
    """Refuse a value of a track."""
    if not ok:
        raise UsageError(f"{field} = {value!r} is not legal: it must be {legal}.")


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Which examples are trained on, forgotten and held out.

    What else is legal is for the task to say: see `harness.tasks`.

    Attributes
    ----------
    dataset : str
        Name of the task, such as ``"cifar10"`` or ``"image-folder"``.
    train_size, forget_size : int
        Examples in the training set D and in the forget set S.
    validation_size, test_size : int
        Held-out examples, disjoint.
    split_seed : int
        Another seed is another, private, split.
    forget : str or tuple of int
        Which examples of D are forgotten: ``"random"``; ``"class:3"``, of one class
        alone; or the places of the examples among all that may be trained on.
    folder : str
        Where data of the user's own lie, relative to the track's file. Not part of the
        track's hash: the data have a hash of their own.
    options : tuple of pairs
        The task's own settings.
    retain_sample : int
        Retain examples on which the retain accuracy is measured, drawn by the split
        seed; 0 for all of them.
    """

    dataset: str
    train_size: int
    forget_size: int
    validation_size: int
    test_size: int
    split_seed: int
    folder: str = field(default="", metadata={"hashed": False})
    options: Options = ()
    forget: Forget = "random"
    retain_sample: int = 0

    def __post_init__(self) -> None:
        for key in ("forget_size", "validation_size", "test_size"):
            size = getattr(self, key)
            require(size > 0, f"data.{key}", size, "at least 1")
        legal = f"less than train_size = {self.train_size}"
        fits = self.forget_size < self.train_size
        require(fits, "data.forget_size", self.forget_size, legal)
        size, most = self.retain_sample, self.train_size - self.forget_size
        legal = f"0, for all, or up to the {most} examples of the retain set"
        require(0 <= size <= most, "data.retain_sample", size, legal)
        require(self.split_seed >= 0, "data.split_seed", self.split_seed, "0 or more")
        if isinstance(self.forget, str):
            ok = self.forget == "random" or self.forget_class is not None
            legal = "'random', 'class:' and a number, 'file:' and a path, or a list"
            require(ok, "data.forget", self.forget, legal)
        else:
            _require_listed(self.forget, self.forget_size)

    @property
    def forget_kind(self) -> str:
        """``"random"``, ``"class"`` or ``"list"``."""
        return self.forget.split(":")[0] if isinstance(self.forget, str) else "list"

    @property
    def forget_class(self) -> int | None:
        """The class of which all forget examples are, where there is one."""
        found = re.fullmatch(r"class:(0|[1-9][0-9]{0,8})", str(self.forget))
        return int(found[1]) if found else None


def _require_listed(places: tuple[int, ...], size: int) -> None:
    require(bool(places), "data.forget", list(places), "at least one place")
    require(min(places) >= 0, "a place in data.forget", min(places), "0 or more")
    twice = next((at for at, after in pairwise(places) if at == after), None)
    if twice is not None:
        raise UsageError(f"data.forget lists {twice} twice; list each place once.")
    legal = f"{len(places)}, as many as data.forget lists"
    require(len(places) == size, "data.forget_size", size, legal)


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """Which architecture the track uses.

    Attributes
    ----------
    name : str
        One of the task's own, or the import path ``"package.module:function"`` of a
        function that builds a fresh network.
    """

    name: str

    def __post_init__(self) -> None:
        require(bool(self.name), "network.name", self.name, "a name or an import path")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The training recipe A: an optimizer and a one-cycle schedule.

    The learning rate rises linearly to ``learning_rate`` over
    ``warmup_fraction`` of the steps and falls linearly to zero over the rest. An
    epoch is ``n // batch_size`` full batches of a fresh permutation.

    Attributes
    ----------
    optimizer : str
        ``"sgd"`` with Nesterov momentum, ``"adam"`` or ``"adamw"``.
    momentum : float
        Of SGD; Adam's first decay rate.
    label_smoothing : float
        Share of the target's probability that is spread over all classes.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    warmup_fraction: float
    momentum: float
    weight_decay: float
    augmentation: str
    optimizer: str = "sgd"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        for key, ok, legal in (
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 2, "at least 2"),
            ("learning_rate", 0 < self.learning_rate < 100, "in (0, 100)"),
            ("warmup_fraction", 0 <= self.warmup_fraction < 1, "in [0, 1)"),
            ("momentum", 0 <= self.momentum < 1, "in [0, 1)"),
            ("weight_decay", 0 <= self.weight_decay < 1, "in [0, 1)"),
            ("label_smoothing", 0 <= self.label_smoothing < 1, "in [0, 1)"),
            ("augmentation", self.augmentation in AUGMENTATIONS, _one(AUGMENTATIONS)),
            ("optimizer", self.optimizer in OPTIMIZERS, _one(OPTIMIZERS)),
        ):
            require(ok, f"recipe.{key}", getattr(self, key), legal)

    def steps(self, n_examples: int) -> int:
        """Optimizer steps of one training on `n_examples` examples."""
        return self.epochs * max(1, n_examples // self.batch_size)

    def rate_at(self, step: int, n_steps: int) -> float:
        """Learning rate of step ``0 <= step < n_steps``."""
        warmup = self.warmup_fraction * n_steps
        if step < warmup:
            return self.learning_rate * (step + 1) / (warmup + 1)
        return self.learning_rate * (n_steps - step) / (n_steps - warmup + 1)


def _one(names: tuple[str, ...]) -> str:
    return "one of " + ", ".join(names)


@dataclass(frozen=True, kw_only=True)
class EvaluationSpec:
    """How many models are compared, and the constants of the metric.

    Attributes
    ----------
    n_models : int
        N, unlearned models of each original model, and retrained ones beside them.
    bank_size : int
        Retrained models in the reference bank; 2 N gives a ceiling.
    cap : float
        Largest efficiency ratio: cost over the cost of one retraining.
    delta : float
        δ of (ε, δ)-unlearning.
    originals : int
        Original models; a submission makes N models from each. With one, as in the
        competition, a result is about that one model.
    """

    n_models: int
    bank_size: int
    cap: float
    delta: float
    originals: int = 1

    @property
    def n_runs(self) -> int:
        """Runs of a submission: N of each original model."""
        return self.n_models * self.originals

    def __post_init__(self) -> None:
        require(self.n_models >= 2, "evaluation.n_models", self.n_models, "at least 2")
        enough = self.bank_size >= self.n_models
        legal = f"at least n_models = {self.n_models}"
        require(enough, "evaluation.bank_size", self.bank_size, legal)
        require(0 < self.cap <= 1, "evaluation.cap", self.cap, "in (0, 1]")
        require(0 <= self.delta < 1, "evaluation.delta", self.delta, "in [0, 1)")
        ok = 1 <= self.originals <= MOST_ORIGINALS
        legal = f"1 to {MOST_ORIGINALS}"
        require(ok, "evaluation.originals", self.originals, legal)


@dataclass(frozen=True, kw_only=True)
class Track:
    """A frozen, validated track. Its hash is stamped on everything made from it.

    `options` are the words that choose it on the command line, for the commands that
    messages tell a user to run, and `folder` is where its file lies; they are no part
    of the track itself.
    """

    name: str
    description: str
    device: str
    data: DataSpec
    network: NetworkSpec
    recipe: Recipe
    evaluation: EvaluationSpec
    options: str = field(default="", compare=False)
    folder: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        legal = "letters, digits, '.', '_' and '-'"
        plain = self.name.replace("-", "").replace("_", "").replace(".", "")
        ok = plain.isascii() and plain.isalnum() and not self.name.startswith(".")
        require(ok, "name", self.name, legal)
        legal = "'cpu', 'cuda' or 'cuda:' and a number"
        numbered = re.fullmatch(r"cuda:\d{1,3}", self.device) is not None
        ok = self.device in DEVICES or numbered
        require(ok, "device", self.device, legal)
        batch, retain = self.recipe.batch_size, self.retain_size
        legal = f"at most the {retain} examples of the retain set"
        require(batch <= retain, "recipe.batch_size", batch, legal)

    @property
    def retain_size(self) -> int:
        """Examples in the retain set, D without S."""
        return self.data.train_size - self.data.forget_size

    @property
    def hash(self) -> str:
        """Hex digest of all that changes a result (sizes, network, recipe, seed).

        How many models are asked for, the cap and the words are left out: they do
        not change what one model is, so they must not make a bank useless.
        """
        content = {
            "data": _hashed(self.data),
            "network": _hashed(self.network),
            "recipe": _hashed(self.recipe),
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _hashed(spec: DataSpec | NetworkSpec | Recipe) -> dict[str, Any]:
    """Leave out defaults: a key that was added later changes no older track's hash."""
    return {
        each.name: value
        for each in fields(spec)
        if each.metadata.get("hashed", True)
        and (each.default is MISSING or getattr(spec, each.name) != each.default)
        for value in [getattr(spec, each.name)]
    }
