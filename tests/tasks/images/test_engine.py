"""The fast engine trains what the plain recipe says, bit for bit from its seed."""

from dataclasses import replace
from itertools import product

import pytest
import torch
import torch.nn.functional as F

from harness.tasks.images import engine
from harness.tasks.images.engine import augment, compute_dtype, make_training_set
from harness.tasks.images.normalize import normalize

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def training_set(task, split):
    return make_training_set(task.tensors(split.retain), CPU)


@pytest.fixture(scope="module")
def train(task):
    """Trains a fresh network from a seed."""

    def make(recipe, training_set, seed):
        return engine.train(task.network(seed), recipe, training_set, seed=seed)

    return make


def weights(network) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(
    track, training_set, train
):
    torch.manual_seed(0)
    first = weights(train(track.recipe, training_set, seed=3))
    torch.manual_seed(99)
    again = weights(train(track.recipe, training_set, seed=3))
    other = weights(train(track.recipe, training_set, seed=4))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_global_generator_is_neither_read_nor_moved(track, training_set, train):
    torch.manual_seed(5)
    untouched = torch.rand(1)
    torch.manual_seed(5)
    train(replace(track.recipe, epochs=1), training_set, seed=0)

    assert torch.equal(torch.rand(1), untouched)


def test_it_learns(track, training_set, split, train):
    recipe = replace(track.recipe, epochs=10)
    network = train(recipe, training_set, seed=0)

    inputs = normalize(split.retain.inputs)
    with torch.inference_mode():
        logits = network(inputs)
    right = logits.argmax(1) == torch.as_tensor(split.retain.targets)
    assert right.float().mean() > 0.5  # chance is 0.1


RECIPES = {
    "adam": {"optimizer": "adam", "learning_rate": 0.01},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.01},
    "label smoothing": {"label_smoothing": 0.1},
    "no augmentation": {"augmentation": "none"},
}


@pytest.fixture(scope="module")
def tensors(task, split):
    return task.tensors(split.retain)


@pytest.mark.parametrize("changes", RECIPES.values(), ids=RECIPES)
def test_it_learns_by_every_recipe(track, training_set, tensors, train, changes):
    recipe = replace(track.recipe, epochs=10, **changes)
    network = train(recipe, training_set, seed=0)

    inputs, targets = tensors
    with torch.inference_mode():
        right = network(inputs).argmax(1) == targets
    assert right.float().mean() > 0.5  # chance is 0.1


PLAIN = {
    "sgd": lambda weights, lr: torch.optim.SGD(
        weights, lr=lr, momentum=0.9, weight_decay=0.05, nesterov=True
    ),
    "adam": lambda weights, lr: torch.optim.Adam(
        weights, lr=lr, betas=(0.9, 0.999), weight_decay=0.05
    ),
    "adamw": lambda weights, lr: torch.optim.AdamW(
        weights, lr=lr, betas=(0.9, 0.999), weight_decay=0.05
    ),
}


@pytest.fixture
def _in_float32(monkeypatch):
    """bfloat16 would hide an error of one part in a hundred."""
    monkeypatch.setattr(engine, "compute_dtype", lambda device: torch.float32)


@pytest.mark.usefixtures("_in_float32")
@pytest.mark.parametrize("how", list(product(PLAIN, [0.0, 0.2])))
def test_its_steps_are_those_of_a_plain_loop(track, task, tensors, train, how):
    optimizer, smoothing = how
    recipe = replace(
        track.recipe,
        optimizer=optimizer,
        label_smoothing=smoothing,
        augmentation="none",
        learning_rate=0.01,
        weight_decay=0.05,
        epochs=1,
        batch_size=50,
    )
    inputs, targets = tensors
    network = task.network(seed=0).train()
    plain = PLAIN[optimizer](network.parameters(), 0.01)
    n_steps, generator = recipe.steps(350), torch.Generator().manual_seed(0)
    for step, batch in enumerate(torch.randperm(350, generator=generator).split(50)):
        plain.param_groups[0]["lr"] = recipe.rate_at(step, n_steps)
        logits = network(inputs[batch])
        smooth = F.one_hot(targets[batch], 10) * (1 - smoothing) + smoothing / 10
        loss = -(smooth * logits.log_softmax(1)).sum(1).mean()
        plain.zero_grad()
        loss.backward()
        plain.step()

    ours = train(recipe, make_training_set((inputs, targets), CPU), seed=0)

    start = weights(task.network(seed=0))
    moved, difference = weights(network) - start, weights(ours) - weights(network)
    assert moved.norm() > 0.1
    assert difference.norm() < 1e-2 * moved.norm()


def test_what_comes_out_is_float32_and_ready_to_evaluate(track, training_set, train):
    recipe = replace(track.recipe, epochs=1)
    network = train(recipe, training_set, seed=0)

    assert not network.training
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert all(torch.isfinite(t).all() for t in network.state_dict().values())


def test_training_changes_no_image(track, task, split, train):
    training_set = make_training_set(task.tensors(split.forget), CPU)
    before = training_set.inputs.clone()

    train(track.recipe, training_set, seed=0)

    assert torch.equal(training_set.inputs, before)


def test_the_training_set_holds_each_image_and_its_mirror_image(task, split):
    inputs, targets = make_training_set(task.tensors(split.forget), CPU)

    wanted = normalize(split.forget.inputs).to(compute_dtype(CPU))
    assert torch.equal(inputs[0].permute(0, 3, 1, 2), wanted)
    assert torch.equal(inputs[1].permute(0, 3, 1, 2), wanted.flip(3))
    assert targets.tolist() == split.forget.targets.tolist()


@pytest.fixture(scope="module")
def both() -> torch.Tensor:
    """Sixty-four images of distinct pixels, and their mirror images."""
    plain = torch.rand(64, 32, 32, 3, generator=torch.Generator().manual_seed(0))
    return torch.stack([plain, plain.flip(2)])


def drawn(both, augmentation) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return augment(both, torch.arange(64), augmentation, generator)


def test_no_augmentation_leaves_images_as_they_are(both):
    assert torch.equal(drawn(both, "none"), both[0].permute(0, 3, 1, 2))


def test_flipping_mirrors_about_half_of_the_images(both):
    images = drawn(both, "flip").permute(0, 2, 3, 1)

    mirrored = [torch.equal(x, m) for x, m in zip(images, both[1], strict=True)]
    plain = [torch.equal(x, p) for x, p in zip(images, both[0], strict=True)]
    assert all(m != p for m, p in zip(mirrored, plain, strict=True))
    assert 20 <= sum(mirrored) <= 44


def test_cropping_moves_each_image_by_up_to_four_pixels_reflected_at_the_edge(both):
    images = drawn(both, "flip-crop")

    moves = [_moves(image, both[:, i]) for i, image in enumerate(images)]
    assert all(len(found) == 1 for found in moves)
    distinct = {found[0] for found in moves}
    assert {top for _, top, _ in distinct} == set(range(9))
    assert {left for _, _, left in distinct} == set(range(9))


def _moves(image, sides):
    """Every (side, top, left) whose window is this image."""
    found = []
    for side, rows in enumerate(sides):
        padded = F.pad(rows.permute(2, 0, 1)[None], (4,) * 4, mode="reflect")[0]
        found += [
            (side, top, left)
            for top in range(9)
            for left in range(9)
            if torch.equal(padded[:, top : top + 32, left : left + 32], image)
        ]
    return found


def test_other_draws_follow_from_the_generator(both):
    generator = torch.Generator().manual_seed(1)
    first = augment(both, torch.arange(64), "flip-crop", generator)
    second = augment(both, torch.arange(64), "flip-crop", generator)

    assert torch.equal(first, drawn(both, "flip-crop"))
    assert not torch.equal(first, second)
