"""One model of a bank, as it is kept on disk while the bank grows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from harness.evaluator.outputs import Outputs
from harness.files import write_atomic


@dataclass(frozen=True)
class Member:
    """A trained model's place in the bank, seed, cost in CPU seconds and outputs."""

    index: int
    seed: int
    seconds: float
    outputs: Outputs


def member_path(folder: Path, index: int) -> Path:
    """Where a member is kept until its bank is packed."""
    return folder / "members" / f"{index:05d}.safetensors"


def member_paths(folder: Path) -> list[Path]:
    """Where members are kept now."""
    return sorted((folder / "members").glob("[0-9]*.safetensors"))


def write_member(path: Path, member: Member) -> None:
    """Keep a finished member, whole or not at all."""
    outputs = member.outputs
    numbers = [
        member.seconds,
        outputs.retain_accuracy,
        outputs.forget_accuracy,
        outputs.test_accuracy,
    ]
    content = {
        "identity": np.array([member.index, member.seed], dtype=np.int64),
        "numbers": np.array(numbers),
        "forget_logits": outputs.forget_logits,
        "test_logits": outputs.test_logits,
    }
    write_atomic(path, save(content))


def read_member(path: Path) -> Member | None:
    """Read a kept member; None if there is none or it is damaged."""
    try:
        arrays = load(path.read_bytes())
        index, seed = (int(number) for number in arrays["identity"])
        seconds, retain, forget, test = (float(x) for x in arrays["numbers"])
        logits = arrays["forget_logits"], arrays["test_logits"]
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    return Member(index, seed, seconds, Outputs(*logits, retain, forget, test))
