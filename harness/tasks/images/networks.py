"""Architectures for normalised images ``[n, 3, height, width]`` of 32 pixels or so."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UnlearnEvalError, UsageError


def conv_block(n_in: int, n_out: int, kernel: int, stride: int) -> nn.Sequential:
    """Convolution, batch norm and ReLU; output side = input side / stride."""
    padding = (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )


class SmallCNN(nn.Module):
    """The quick track's network: 71 k parameters, 9 MFLOP an image.

    A strided 4x4 stem, four 3x3 blocks, global average pooling, a linear layer.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.stem = conv_block(3, 16, kernel=4, stride=2)
        self.blocks = nn.Sequential(
            conv_block(16, 32, kernel=3, stride=2),
            conv_block(32, 32, kernel=3, stride=1),
            conv_block(32, 64, kernel=3, stride=2),
            conv_block(64, 64, kernel=3, stride=1),
        )
        self.fc = nn.Linear(64, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits ``[n, n_classes]``."""
        features: Tensor = self.blocks(self.stem(inputs))
        logits: Tensor = self.fc(features.mean((2, 3)))
        return logits


class OpponentHaar(nn.Module):
    """A frozen 2x2 convolution: Haar functions of opponent colours, in both signs.

    Twelve orthonormal functions. Small patches of natural images have nearly these
    principal components, so that with batch norm behind it this is the usual whitening
    layer; but it was computed from no data, a forget set least of all. It has no
    weights: no state dict holds it, and nothing trains it.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride
        signs = ((1, 1, 1, 1), (1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1))
        haar = torch.tensor(signs, dtype=torch.float32) / 2
        colours = torch.tensor(((1.0, 1, 1), (1, 0, -1), (1, -2, 1)))
        colours = F.normalize(colours, dim=1)
        kernels = torch.einsum("hp,cr->hcrp", haar, colours).reshape(12, 3, 2, 2)
        signed = torch.cat([kernels, -kernels])
        self.register_buffer("kernels", signed, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return 24 maps; with stride 1 they are one pixel smaller than the image."""
        return F.conv2d(inputs, self.get_buffer("kernels"), stride=self.stride)


def _group(n_in: int, n_out: int) -> nn.Sequential:
    convolution, *norm_and_relu = conv_block(n_in, n_out, kernel=3, stride=1)
    return nn.Sequential(
        convolution,
        nn.MaxPool2d(2),  # first, so that a quarter is left to normalise
        *norm_and_relu,
        conv_block(n_out, n_out, kernel=3, stride=1),
    )


class WhitenedCNN(nn.Module):
    """Groups of two 3x3 convolutions on whitened patches, in the manner of airbench.

    Maximum pooling, within a group and over what is left of the image, and a linear
    layer. With two narrow groups, on patches that do not overlap, it is for CPUs: 157 k
    parameters, 16 MFLOP an image; with three wide ones, on all patches, for GPUs: 2 M
    and 240.
    """

    def __init__(self, n_classes: int, widths: Sequence[int], stride: int) -> None:
        super().__init__()
        haar = OpponentHaar(stride)
        self.stem = nn.Sequential(haar, nn.BatchNorm2d(24), nn.ReLU(inplace=True))
        self.groups = nn.Sequential(*(_group(*p) for p in pairwise((24, *widths))))
        self.fc = nn.Linear(widths[-1], n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits ``[n, n_classes]``."""
        features: Tensor = self.groups(self.stem(inputs))
        logits: Tensor = self.fc(features.amax((2, 3)))
        return logits


class Residual(nn.Module):
    """Adds its input to what two blocks make of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_block(width, width, kernel=3, stride=1),
            conv_block(width, width, kernel=3, stride=1),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return ``inputs + body(inputs)``."""
        outputs: Tensor = inputs + self.body(inputs)
        return outputs


class ResNet9(nn.Module):
    """A nine-layer residual network of 6.6 M parameters, for speed on a GPU."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.stem = conv_block(3, 64, kernel=3, stride=1)
        self.blocks = nn.Sequential(
            conv_block(64, 128, kernel=3, stride=1),
            nn.MaxPool2d(2),
            Residual(128),
            conv_block(128, 256, kernel=3, stride=1),
            nn.MaxPool2d(2),
            conv_block(256, 512, kernel=3, stride=1),
            nn.MaxPool2d(2),
            Residual(512),
        )
        self.fc = nn.Linear(512, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits ``[n, n_classes]``."""
        features: Tensor = self.blocks(self.stem(inputs))
        logits: Tensor = self.fc(features.amax((2, 3)))
        return logits


def _resnet18(n_classes: int) -> nn.Module:
    try:
        # Imported late: only this network needs torchvision.
        from torchvision.models import resnet18  # noqa: PLC0415
    except (ImportError, RuntimeError) as error:
        # A torchvision built for another torch fails at its import.
        raise UnlearnEvalError(
            f"torchvision cannot be imported ({error}): install one that fits its "
            "torch: pip install --force-reinstall torch torchvision."
        ) from error

    network: nn.Module = resnet18(num_classes=n_classes)
    return network


def _channels_last(network: nn.Module) -> nn.Module:
    if not isinstance(network, nn.Module):
        raise TypeError(f"{type(network).__name__} is no torch.nn.Module")
    # Untyped in torch, though documented.
    moved: nn.Module = network.to(memory_format=torch.channels_last)
    return moved


#: By their names in a track.
BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "small-cnn": SmallCNN,
    "whitened-cnn": partial(WhitenedCNN, widths=(48, 96), stride=2),
    "wide-whitened-cnn": partial(WhitenedCNN, widths=(64, 256, 256), stride=1),
    "resnet9": ResNet9,
    "resnet18": _resnet18,
}


def fresh(
    build: Callable[..., nn.Module], n_classes: int, seed: int | None
) -> nn.Module:
    """Build a network with fresh float32 weights, channels last, in training mode.

    `build` gets ``n_classes`` if it names it, and else nothing. A seed draws the
    weights and leaves the global generator untouched; None draws them from that.
    """
    known = "n_classes" in inspect.signature(build).parameters
    options = {"n_classes": n_classes} if known else {}
    if seed is None:
        return _channels_last(build(**options))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _channels_last(build(**options))


def fresh_imported(
    build: Callable[..., nn.Module], name: str, n_classes: int, seed: int | None
) -> nn.Module:
    """Build a network by somebody's own function; `name` is what messages call it."""
    try:
        return fresh(build, n_classes, seed)
    except Exception as error:  # whatever a user's function raises
        raise UsageError(
            f"network.name = {name!r} builds no network: "
            f"{type(error).__name__}: {error}."
        ) from error


def require_logits(
    network: nn.Module, name: str, inputs: Tensor, n_classes: int
) -> None:
    """Refuse a network that does not give a logit for each class."""
    try:
        with torch.inference_mode():
            found = network.eval()(inputs)
    except Exception as error:  # whatever a user's network raises
        raise UsageError(
            f"network.name = {name!r} cannot take images of shape "
            f"{list(inputs.shape[1:])}: {type(error).__name__}: {error}."
        ) from error
    shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
    if shape != [len(inputs), n_classes]:
        raise UsageError(
            f"network.name = {name!r} outputs {shape} for {len(inputs)} images; it "
            f"must output {[len(inputs), n_classes]}, a logit for each class."
        )
