"""What is asked of a GPU's libraries where figures must come out the same again."""

import os

import torch


def ask_for_same_bits() -> None:
    """Have the same arithmetic give the same bits, in full float32 where it is float32.

    An imported network may use what has no such way; torch then warns and goes on.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It would be filled for nothing but to make mistakes alike.
    torch._C._set_deterministic_fill_uninitialized_memory(False)
