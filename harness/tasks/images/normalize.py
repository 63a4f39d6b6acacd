"""Turn stored pixels into what a network sees."""

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
    mean = torch.tensor(MEAN, device=pixels.device) * 255
    scale = 1 / (torch.tensor(STD, device=pixels.device) * 255)
    return pixels.float().sub_(mean).mul_(scale).permute(0, 3, 1, 2)
