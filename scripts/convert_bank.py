"""Convert a reference bank that holds class logits (format 1) to confidences.

    python -m scripts.convert_bank FOLDER

Nothing is retrained, and the bank keeps its key. The logits stay beside it as
``logits.safetensors``. A logarithm's last digit depends on the processor: the shipped
bank of ``cifar10-quick`` was converted with those of the machine that wrote its
leaderboard, an AVX-512 one, so that every machine computes the committed figures.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from safetensors.numpy import load

from harness.reference.bank import (
    BANK,
    FORMAT,
    MANIFEST,
    ORIGINAL,
    Manifest,
    with_confidences,
    write_bank,
)


def convert(folder: Path) -> None:
    """Write the confidences, and keep the logits under another name."""
    manifest = Manifest.from_document(json.loads((folder / MANIFEST).read_text()))
    if manifest.format == FORMAT:
        print(f"{folder} holds confidences already")
        return
    content = (folder / BANK).read_bytes()
    arrays = with_confidences(load(content))
    for name in ("forget_targets", "test_targets"):
        arrays.pop(name)
    (folder / "logits.safetensors").write_bytes(content)
    original = (folder / ORIGINAL).read_bytes()
    write_bank(folder, replace(manifest, format=FORMAT), arrays, original)


if __name__ == "__main__":
    convert(Path(sys.argv[1]))
