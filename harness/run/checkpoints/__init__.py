"""Checkpoints made elsewhere: found and vetted here, read only inside a run."""

from harness.run.checkpoints.checkpoint_set import (
    Checkpoint,
    CheckpointSet,
    largest_checkpoint,
    read_checkpoints,
)
from harness.run.checkpoints.selection import holds_checkpoints

__all__ = [
    "Checkpoint",
    "CheckpointSet",
    "holds_checkpoints",
    "largest_checkpoint",
    "read_checkpoints",
]
