"""What is shipped for books, and that methods made for images work on these too."""

import copy
import math
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F

from harness.tasks.base import Examples
from harness.tasks.loaders import make_loader
from harness.tasks.registry import find_task
from harness.tasks.text.engine import train
from harness.track import find_track

N = 48


class Books(NamedTuple):
    """A network that has read some passages of each kind, and the passages."""

    task: object
    original: torch.nn.Module
    tensors: dict
    recipe: object

    def network(self):
        return copy.deepcopy(self.original)

    def loader(self, name):
        return make_loader(*self.tensors[name], batch_size=16, shuffle=True)

    def loss(self, net, name):
        inputs, targets = self.tensors[name]
        with torch.inference_mode():
            return float(F.cross_entropy(net(inputs), targets))


@pytest.fixture(scope="module")
def books():
    torch.set_num_threads(1)
    task = find_task(find_track("austen-quick"))
    sets = task.sets()
    tensors = {
        name: task.tensors(Examples(*(part[:N] for part in getattr(sets, name))))
        for name in ("retain", "forget")
    }
    recipe = replace(task.track.recipe, epochs=12)
    both = [torch.cat(parts) for parts in zip(*tensors.values(), strict=True)]
    return Books(task, train(task.network(1), recipe, *both, seed=1), tensors, recipe)


@pytest.fixture
def whp(load):
    return load("austen-quick/whp").module()


def passages(books, name="forget"):
    inputs, targets = books.tensors[name]
    return torch.cat([inputs, targets[:, -1:]], 1)


def test_the_dictionary_is_of_names_in_the_book(books, whp):
    text = books.task.corpus.text
    names = {text(name): text(other) for name, other in whp["ANCHORS"].items()}

    assert names[" Catherine"] == " Lucy"
    assert names[" Tilney"] == " Collins"
    assert all(len(n) == len(o) for n, o in whp["ANCHORS"].items())
    book = text(books.task.corpus.passages["northangerabbey"].ravel())
    assert all(f"{name} " in book or f"{name}," in book for name in names)


def test_names_are_translated_and_those_that_come_again_left_out(books, whp):
    name, other = (455, 291, 274), (394, 425, 275)
    block = torch.tensor([[9, *name, 9, *name, 9]])

    translated, left_out = whp["translate"](block)

    assert translated.tolist() == [[9, *other, 9, *other, 9]]
    assert left_out[0].int().tolist() == [0, 0, 1, 1, 0, 1, 1, 1, 0]
    translated, left_out = whp["translate"](passages(books))
    assert (translated != passages(books)).any(1).sum() > N / 4
    assert not (whp["translate"](translated)[0] != translated).any()


def test_generic_labels_take_out_what_reading_on_raised(books, whp):
    inputs, targets = books.tensors["forget"]
    base, reinforced = books.network(), books.network()
    with torch.no_grad():
        reinforced.head.bias[:5] += 3
    usual = base(whp["translate"](passages(books))[0][:, :-1]).detach()

    wanted, counts = whp["generic_labels"](base, reinforced, inputs, targets)

    raised = (reinforced(inputs) - usual).clamp(min=0).detach()
    assert torch.allclose(wanted, (usual - 5 * raised).softmax(1), atol=1e-6)
    assert counts.shape == targets.shape
    assert 0.5 < counts.float().mean() < 1
    assert (wanted[:, :5].sum(1) < usual.softmax(1)[:, :5].sum(1)).float().mean() > 0.95


def test_whp_reads_the_book_alone_and_makes_its_names_unlikely(books, whp):
    inputs, targets = books.tensors["forget"]
    translated, left_out = whp["translate"](passages(books))
    first = ((translated != passages(books)) & ~left_out)[:, 1:]

    def name_likelihood(net):
        with torch.inference_mode():
            each = net(inputs).log_softmax(1).gather(1, targets[:, None])[:, 0]
        return float(each[first].mean())

    torch.manual_seed(0)
    net = whp["unlearning"](books.network(), None, books.loader("forget"), None)

    assert name_likelihood(net) < name_likelihood(books.original) - 0.1
    assert not net.training


def test_npo_fades_as_passages_become_unlikely(books, load):
    npo = load("austen-quick/npo").module()
    inputs, targets = books.tensors["forget"]
    net = books.network()

    with torch.no_grad():
        same = npo["npo_loss"](net, books.original, inputs, targets)
        assert float(same) == pytest.approx(20 * math.log(2))
        net.head.weight.zero_()
        net.head.bias[targets.unique()] = -30
        assert float(npo["npo_loss"](net, books.original, inputs, targets)) < 1e-3


@pytest.mark.parametrize(
    ("name", "constants", "moves"),
    [
        ("austen-quick/npo", {}, {"forget": 1}),
        (
            "austen-quick/adamw_finetune",
            {"EPOCHS": 8, "LEARNING_RATE": 4e-3},
            {"retain": -1},
        ),
        ("austen-quick/adamw_neggrad_plus", {"STEPS": 30}, {"forget": 1}),
        ("finetune", {}, {"retain": -1}),
        ("gradient_ascent", {}, {"forget": 1}),
        ("neggrad_plus", {"EPOCHS": 6, "ALPHA": 0.3}, {"forget": 1}),
        ("random_labels", {"LEARNING_RATE": 0.2}, {"forget": 1}),
        ("identity", {}, {}),
    ],
)
def test_methods_do_to_passages_what_they_do_to_images(
    books, load, name, constants, moves
):
    torch.manual_seed(0)
    unlearning = load(name).load(constants)
    loaders = (books.loader("retain"), books.loader("forget"), None)
    net = books.network()
    net = unlearning(net, *loaders) or net

    for of, way in moves.items():
        moved = books.loss(net, of) - books.loss(books.original, of)
        assert way * moved > 0.01, (of, moved)
    if not moves:
        assert books.loss(net, "forget") == books.loss(books.original, "forget")


def test_the_oracle_learns_the_retain_passages_anew(books, load):
    torch.manual_seed(0)
    unlearning = load("retrain").load()
    loaders = (books.loader("retain"), None, None)
    net = unlearning(books.network(), *loaders, recipe=books.recipe)

    assert books.loss(net, "retain") < 5.6
    assert books.loss(net, "forget") > books.loss(books.original, "forget") + 0.2
    assert not torch.equal(net.token.weight, books.original.token.weight)
