"""Train one model fast: the pixels resident as one tensor, bfloat16 arithmetic.

On one core of an AVX-512 server the quick track's recipe on 3,600 images takes about
two thirds of the plain float32 loop's time (``scripts/bench.py``), and nobody can tell
the models apart: the oracle submission, which runs the plain loop, lands on the
ceiling.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.tasks.images.normalize import normalize
from harness.tasks.optimizer import recipe_optimizer
from harness.track.schema import Recipe

_CROP_PADDING = 4


class TrainingSet(NamedTuple):
    """Pixels, uint8 ``[1 or 2, n, height, width, 3]``, and targets, int64 ``[n]``.

    The second half of the pixels are the mirror images, where they are needed.
    """

    pixels: Tensor
    targets: Tensor


def compute_dtype(device: torch.device) -> torch.dtype:
    """Arithmetic of the engine: bfloat16 where the device is fast at it."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if fast else torch.float32


def make_training_set(
    stored: tuple[Tensor, Tensor], augmentation: str, device: torch.device
) -> TrainingSet:
    """Move pixels and targets to the device."""
    pixels, targets = stored[0].to(device), stored[1].to(device)
    views = [pixels] if augmentation == "none" else [pixels, pixels.flip(2)]
    return TrainingSet(torch.stack(views), targets)


def train(
    network: nn.Module, recipe: Recipe, training_set: TrainingSet, *, seed: int
) -> nn.Module:
    """Train a fresh network on the device of the set; return it in evaluation mode.

    The seed draws the order of the data and the augmentation. On one CPU thread, the
    same seed gives the same bits on the same kind of machine.
    """
    pixels, targets = training_set
    device, n_images = targets.device, len(targets)
    generator = torch.Generator(device=device).manual_seed(seed)
    optimizer = recipe_optimizer(network, recipe)
    n_steps, step = recipe.steps(n_images), 0
    network.train()
    for _ in range(recipe.epochs):
        order = torch.randperm(n_images, generator=generator, device=device)
        for batch in torch.split(order, recipe.batch_size)[: n_steps // recipe.epochs]:
            optimizer.param_groups[0]["lr"] = recipe.rate_at(step, n_steps)
            images = augment(pixels, batch, recipe.augmentation, generator)
            loss = loss_of(network, images, targets[batch], recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
    return network.eval()


def loss_of(
    network: nn.Module, images: Tensor, targets: Tensor, smoothing: float
) -> Tensor:
    """Compute the loss of a batch in the engine's arithmetic."""
    with torch.autocast(images.device.type, images.dtype, images.dtype != torch.float):
        logits = network(images)
    return F.cross_entropy(logits.float(), targets, label_smoothing=smoothing)


def augment(
    pixels: Tensor, batch: Tensor, augmentation: str, generator: torch.Generator
) -> Tensor:
    """Draw a batch of images, normalised and augmented.

    Parameters
    ----------
    pixels : Tensor
        uint8 ``[1 or 2, n, height, width, 3]``.
    batch : Tensor
        Indices ``[b]`` of the images to draw.
    augmentation : str
        ``"flip"`` mirrors each image with probability one half; ``"flip-crop"`` also
        moves each by up to four pixels either way, filled in by reflection.

    Returns
    -------
    Tensor
        ``[b, 3, height, width]`` in the engine's arithmetic, channels last in memory.
    """
    places, device = batch, batch.device
    if augmentation != "none":
        side = torch.randint(2, batch.shape, generator=generator, device=device)
        places = batch + side * pixels.shape[1]
    chosen = pixels.flatten(0, 1).index_select(0, places)
    images = normalize(chosen).to(compute_dtype(device))
    return _crop(images, generator) if augmentation == "flip-crop" else images


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
