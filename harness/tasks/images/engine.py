"""Train one model fast: the data resident as one tensor, bfloat16 arithmetic.

On one core of an AVX-512 server the quick track's recipe on 3,600 images takes about
two thirds of the plain float32 loop's time (``scripts/bench.py``), and nobody can tell
the models apart: the oracle submission, which runs the plain loop, lands on the
ceiling.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.tasks.images.networks import build_network
from harness.tasks.images.normalize import normalize
from harness.tasks.images.splits import Examples
from harness.track.schema import NetworkSpec, Recipe

_CROP_PADDING = 4


class TrainingSet(NamedTuple):
    """Every input and its mirror image, and the targets.

    Attributes
    ----------
    inputs : Tensor
        Normalised, ``[2, n, 32, 32, 3]``, in the arithmetic of the engine.
    targets : Tensor
        int64 ``[n]``.
    """

    inputs: Tensor
    targets: Tensor


def compute_dtype(device: torch.device) -> torch.dtype:
    """Arithmetic of the engine: bfloat16 where the device is fast at it."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported()
    else:
        fast = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if fast else torch.float32


def make_training_set(examples: Examples, device: torch.device) -> TrainingSet:
    """Move a set to the device, normalised, once mirrored and once not."""
    inputs = normalize(examples.images).to(device, compute_dtype(device))
    rows = inputs.permute(0, 2, 3, 1)
    both = torch.stack([rows, rows.flip(2)])
    return TrainingSet(both, torch.as_tensor(examples.targets).to(device))


def train(
    spec: NetworkSpec, recipe: Recipe, training_set: TrainingSet, *, seed: int
) -> nn.Module:
    """Train a network from scratch.

    Parameters
    ----------
    spec : NetworkSpec
        Architecture.
    recipe : Recipe
        Schedule, optimizer and augmentation.
    training_set : TrainingSet
        All of D for an original model, the retain set for a retrained one.
    seed : int
        Initial weights, order of the data and augmentation. On one CPU thread, the
        same seed gives the same bits on the same kind of machine.

    Returns
    -------
    nn.Module
        float32 weights, in evaluation mode.
    """
    inputs, targets = training_set
    device, n_images = targets.device, len(targets)
    network = build_network(spec, seed=seed).to(device)
    generator = torch.Generator(device=device).manual_seed(seed)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
        fused=True,
    )
    n_steps, step = recipe.steps(n_images), 0
    network.train()
    for _ in range(recipe.epochs):
        order = torch.randperm(n_images, generator=generator, device=device)
        for batch in torch.split(order, recipe.batch_size)[: n_steps // recipe.epochs]:
            optimizer.param_groups[0]["lr"] = recipe.rate_at(step, n_steps)
            images = augment(inputs, batch, recipe.augmentation, generator)
            loss = _loss(network, images, targets[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
    return network.eval()


def _loss(network: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    with torch.autocast(images.device.type, images.dtype, images.dtype != torch.float):
        logits = network(images)
    return F.cross_entropy(logits.float(), targets)


def augment(
    inputs: Tensor, batch: Tensor, augmentation: str, generator: torch.Generator
) -> Tensor:
    """Draw a batch of inputs, augmented.

    Parameters
    ----------
    inputs : Tensor
        ``[2, n, 32, 32, 3]``: every image and its mirror image.
    batch : Tensor
        Indices ``[b]`` of the images to draw.
    augmentation : str
        ``"flip"`` mirrors each image with probability one half; ``"flip-crop"`` also
        moves each by up to four pixels either way, filled in by reflection.

    Returns
    -------
    Tensor
        ``[b, 3, 32, 32]``, channels last in memory.
    """
    if augmentation == "none":
        return inputs[0, batch].permute(0, 3, 1, 2)
    side = torch.randint(2, batch.shape, generator=generator, device=batch.device)
    images = inputs[side, batch].permute(0, 3, 1, 2)
    return images if augmentation == "flip" else _crop(images, generator)


def _crop(images: Tensor, generator: torch.Generator) -> Tensor:
    n, _, height, width = images.shape
    pad, device = _CROP_PADDING, images.device
    padded = F.pad(images, (pad,) * 4, mode="reflect").permute(0, 2, 3, 1)
    shape = (2, n, 1)
    top, left = torch.randint(2 * pad + 1, shape, generator=generator, device=device)
    rows = (top + torch.arange(height, device=device))[:, :, None]
    columns = (left + torch.arange(width, device=device))[:, None, :]
    index = torch.arange(n, device=device)[:, None, None]
    return padded[index, rows, columns].permute(0, 3, 1, 2)
