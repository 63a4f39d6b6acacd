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
    return make_training_set(task.stored(split.retain), "flip", CPU)


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
def test_its_steps_are_those_of_a_plain_loop(track, task, split, train, how):
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
    inputs, targets = task.tensors(split.retain)
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

    stored = task.stored(split.retain)
    ours = train(recipe, make_training_set(stored, "none", CPU), seed=0)

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


def test_bfloat16_that_a_gpu_only_emulates_is_not_used(monkeypatch):
    def supported(including_emulation=True):
        return including_emulation

    monkeypatch.setattr("torch.cuda.is_bf16_supported", supported)
    assert compute_dtype(torch.device("cuda")) == torch.float32


def test_training_changes_no_image(track, task, split, train):
    training_set = make_training_set(task.stored(split.forget), "flip", CPU)
    before = training_set.pixels.clone()

    train(track.recipe, training_set, seed=0)

    assert torch.equal(training_set.pixels, before)


def test_the_training_set_holds_bytes_and_mirror_images_where_they_are_needed(
    task, split
):
    stored = task.stored(split.forget)
    plain, _ = make_training_set(stored, "none", CPU)
    pixels, targets = make_training_set(stored, "flip", CPU)

    wanted = torch.as_tensor(split.forget.inputs)
    assert torch.equal(plain, wanted[None])
    assert torch.equal(pixels, torch.stack([wanted, wanted.flip(2)]))
    assert targets.tolist() == split.forget.targets.tolist()


@pytest.fixture(scope="module")
def both() -> torch.Tensor:
    """Sixty-four images of distinct pixels, and their mirror images."""
    generator = torch.Generator().manual_seed(0)
    plain = torch.randint(256, (64, 32, 32, 3), generator=generator)
    return torch.stack([plain, plain.flip(2)]).to(torch.uint8)


def seen(images) -> torch.Tensor:
    """Images as a network sees them."""
    return normalize(images).to(compute_dtype(CPU))


def drawn(both, augmentation) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return augment(both, torch.arange(64), augmentation, generator)


def test_no_augmentation_leaves_images_as_they_are(both):
    assert torch.equal(drawn(both, "none"), seen(both[0]))


def test_flipping_mirrors_about_half_of_the_images(both):
    images = drawn(both, "flip")

    mirrored = [torch.equal(x, m) for x, m in zip(images, seen(both[1]), strict=True)]
    plain = [torch.equal(x, p) for x, p in zip(images, seen(both[0]), strict=True)]
    assert all(m != p for m, p in zip(mirrored, plain, strict=True))
    assert 20 <= sum(mirrored) <= 44


def test_cropping_moves_each_image_by_up_to_four_pixels_reflected_at_the_edge(both):
    images = drawn(both, "flip-crop")

    moves = [_moves(image, seen(both[:, i])) for i, image in enumerate(images)]
    assert all(len(found) == 1 for found in moves)
    distinct = {found[0] for found in moves}
    assert {top for _, top, _ in distinct} == set(range(9))
    assert {left for _, _, left in distinct} == set(range(9))


def _moves(image, sides):
    """Every (side, top, left) whose window is this image."""
    found = []
    for side, rows in enumerate(sides):
        padded = F.pad(rows[None], (4,) * 4, mode="reflect")[0]
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
