"""Checkpoints made elsewhere: found and vetted here, read only inside a run."""

from harness.run.checkpoints.checkpoint_set import (
    Checkpoint,
    CheckpointSet,
    read_checkpoints,
)
from harness.run.checkpoints.selection import holds_checkpoints

__all__ = [
    "Checkpoint",
    "CheckpointSet",
    "holds_checkpoints",
    "read_checkpoints",
]
