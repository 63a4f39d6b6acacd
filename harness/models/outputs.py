"""What is kept of one model."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Outputs(NamedTuple):
    """Outputs of one model.

    Attributes
    ----------
    forget_logits, test_logits : float32 ``[S, 10]`` and ``[T, 10]``
        Logits on the forget and test examples.
    retain_accuracy, forget_accuracy, test_accuracy : float
        Shares of right answers, in ``[0, 1]``.
    """

    forget_logits: NDArray[np.float32]
    test_logits: NDArray[np.float32]
    retain_accuracy: float
    forget_accuracy: float
    test_accuracy: float
