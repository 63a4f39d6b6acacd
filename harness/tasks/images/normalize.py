"""Turn stored pixels into what a network sees."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2023, 0.1994, 0.2010)


def normalize(images: NDArray[np.uint8] | Tensor) -> Tensor:
    """Scale images to zero mean and unit variance, as the 2023 starting kit did.

    Parameters
    ----------
    images : uint8 ``[n, height, width, 3]``
        Stored pixels.

    Returns
    -------
    Tensor
        float32 ``[n, 3, height, width]`` in channels-last memory, on the device of
        `images`.
    """
    pixels = torch.as_tensor(images)
    mean, scale = _constants(pixels.shape[1:], pixels.device)
    return pixels.float().sub_(mean).mul_(scale).permute(0, 3, 1, 2)


@lru_cache
def _constants(shape: torch.Size, device: torch.device) -> tuple[Tensor, Tensor]:
    """Write them out for a whole image, which is several times as fast to subtract.

    Once for each device: while a CUDA graph is recorded nothing can be copied there.
    """
    mean, scale = torch.tensor(MEAN) * 255, 1 / (torch.tensor(STD) * 255)
    return mean.expand(shape).to(device).clone(), scale.expand(shape).to(device).clone()
