"""A small network trained a little on real CIFAR-10, and loaders that keep count."""

import ast
import copy
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from harness.tasks.cifar10 import load_cifar10
from harness.tasks.images.networks import BUILDERS, fresh
from harness.tasks.images.normalize import normalize
from harness.tasks.loaders import TensorExamples
from harness.track.schema import Recipe

FOLDER = Path(__file__).parents[2] / "submissions"
CONTROLS = ("identity", "retrain")
FILES = [
    *(path for path in sorted(FOLDER.glob("[!_]*.py")) if path.stem not in CONTROLS),
    *sorted(FOLDER.glob("cifar10-cpu/[!_]*.py")),
]
SIZES = {"retain": 192, "forget": 64, "validation": 64, "test": 256}


class CountedImages(TensorExamples):
    """Images that know how often each was read."""

    def __init__(self, inputs, targets):
        super().__init__(inputs, targets)
        self.reads = torch.zeros(len(targets), dtype=torch.int64)

    def __getitem__(self, index):
        self.reads[index] += 1
        return super().__getitem__(index)

    def __getitems__(self, indices):
        self.reads[indices] += 1
        return super().__getitems__(indices)


class Sets(NamedTuple):
    """The three loaders of one call."""

    retain: Any
    forget: Any
    validation: Any

    def reads(self, name) -> int:
        """Images of a set that were read, repetitions counted."""
        return int(getattr(self, name).dataset.reads.sum())


@dataclass(frozen=True)
class Bench:
    """A trained network and tensors to make fresh loaders from."""

    original: Any
    tensors: dict[str, tuple[torch.Tensor, torch.Tensor]]
    recipe: Recipe

    def network(self):
        return copy.deepcopy(self.original)

    def sets(self, batch_size=64, size=None) -> Sets:
        loaders = [
            DataLoader(
                CountedImages(*(tensor[:size] for tensor in self.tensors[name])),
                batch_size=batch_size,
                shuffle=name != "validation",
            )
            for name in Sets._fields
        ]
        return Sets(*loaders)

    def run(self, submission, *, seed=0, sets=None, network=None, **constants):
        """Call a submission as the judge does, some of its constants replaced."""
        function = submission.load(constants)
        net = network or self.network()
        torch.manual_seed(seed)
        named = inspect.signature(function).parameters
        options = {"recipe": self.recipe} if "recipe" in named else {}
        return function(net, *(sets or self.sets()), **options) or net

    @staticmethod
    def weights(net) -> torch.Tensor:
        """All parameters as one vector."""
        return torch.cat([p.detach().reshape(-1) for p in net.parameters()])

    def loss(self, net, name) -> float:
        """Cross-entropy of one set, in evaluation mode."""
        inputs, targets = self.tensors[name]
        with torch.inference_mode():
            return float(F.cross_entropy(net.eval()(inputs), targets))


@dataclass(frozen=True)
class Submission:
    """A submission file."""

    path: Path

    def load(self, constants=None):
        """Run the file and return its function, some constants replaced."""
        return self.module(constants)["unlearning"]

    def module(self, constants=None) -> dict[str, Any]:
        """Run the file and return its names, those that its functions see."""
        names = {"__name__": "submission", "__file__": str(self.path)}
        exec(compile(self.path.read_text(), self.path, "exec"), names)
        unknown = (constants or {}).keys() - names.keys()
        assert not unknown, f"{self.path.name} has no constants {unknown}"
        names.update(constants or {})
        return names

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text())


@pytest.fixture
def load():
    """Find a submission by its name."""
    return lambda name: Submission(FOLDER / f"{name}.py")


@pytest.fixture(params=FILES, ids=lambda path: str(path.relative_to(FOLDER))[:-3])
def submission(request) -> Submission:
    """Each submission in turn, the controls apart."""
    return Submission(request.param)


@pytest.fixture(autouse=True)
def _one_thread():
    """Work as a run does: one thread, and no generator state left behind."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tensors():
    """Real images of CIFAR-10, disjoint: three training sets' worth and a test set."""
    data = load_cifar10()
    images = normalize(torch.as_tensor(data.train_images[: sum(SIZES.values())].copy()))
    targets = torch.as_tensor(data.train_targets[: len(images)].copy()).long()
    sizes = list(SIZES.values())
    pairs = zip(images.split(sizes), targets.split(sizes), strict=True)
    return dict(zip(SIZES, pairs, strict=True))


@pytest.fixture(scope="session")
def bench(tensors) -> Bench:
    """A small CNN that knows its retain and forget set by heart, nearly."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    net = fresh(BUILDERS["small-cnn"], 10, 1)
    inputs, targets = (
        torch.cat([tensors[name][i] for name in ("retain", "forget")]) for i in (0, 1)
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    generator = torch.Generator().manual_seed(0)
    for _ in range(15):
        for batch in torch.randperm(len(targets), generator=generator).split(64):
            optimizer.zero_grad()
            F.cross_entropy(net(inputs[batch]), targets[batch]).backward()
            optimizer.step()
    torch.set_num_threads(threads)
    recipe = Recipe(
        epochs=2,
        batch_size=64,
        learning_rate=0.2,
        warmup_fraction=0.2,
        momentum=0.9,
        weight_decay=5e-4,
        augmentation="flip",
    )
    return Bench(net.eval(), tensors, recipe)


@pytest.fixture(scope="session")
def whitened():
    """The network of the track cifar10-fast, untrained."""
    return fresh(BUILDERS["wide-whitened-cnn"], 10, 0).eval()


@pytest.fixture(scope="session")
def resnet18():
    """The network of the track cifar10, untrained."""
    return fresh(BUILDERS["resnet18"], 10, 0).eval()
