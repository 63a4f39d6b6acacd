"""Convert a shipped bank of format 2, with its class logits beside it, to format 3.

    python -m scripts.convert_bank FOLDER

The retrained models keep their confidences to the bit and get calibrated ones from
their logits; the original model stays the first, and the track's others are trained.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from safetensors.numpy import load_file, save

from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import ModelOutputs
from harness.models.records import ModelRecord
from harness.models.temperature import fit_calibration
from harness.models.weights import Array, stack_weights
from harness.reference.bank import (
    BANK,
    FORMAT,
    MANIFEST,
    Manifest,
    bank_key,
    stack_members,
    write_bank,
)
from harness.reference.training import train_member
from harness.tasks.registry import find_task
from harness.track import find_track


def convert(folder: Path) -> None:
    """Write the new bank in the place of the old one."""
    document = json.loads((folder / MANIFEST).read_text())
    if document["format"] == FORMAT:
        print(f"{folder} is of format {FORMAT} already")
        return
    track = find_track(str(folder / "track.toml"))
    arrays, logits = load_file(folder / BANK), load_file(folder / "logits.safetensors")
    for prefix in ("", "original_"):
        calibrated, calibration = _calibrate(logits, prefix)
        arrays[f"{prefix}calibrated_confidence"] = calibrated.astype(np.float32)
        arrays[f"{prefix}calibration"] = calibration.astype(np.float32)
    first, weights = _original(arrays), load_file(folder / "original.safetensors")
    work = delayed(train_member)
    others = range(1, track.evaluation.originals)
    trained = [(first, weights)]
    trained += Parallel(n_jobs=2)(work(track, 0, -1 - k, None) for k in others)
    members = [record for record, _ in trained]
    retrained = {n: a for n, a in arrays.items() if not n.startswith("original_")}
    manifest = Manifest.from_document({**document, "format": FORMAT})
    write_bank(
        folder,
        replace(manifest, key=bank_key(find_task(track)), arithmetic="mixed"),
        retrained | stack_members(members, "original_"),
        save(stack_weights([weights for _, weights in trained])),
    )


def _calibrate(logits: dict[str, Array], prefix: str) -> tuple[Array, Array]:
    test, forget = (logits[f"{prefix}{of}_logits"] for of in ("test", "forget"))
    fits = [fit_calibration(each, logits["test_targets"]) for each in test]
    calibrated = [fit.apply(each) for fit, each in zip(fits, forget, strict=True)]
    confidences = logit_scaled_confidence(calibrated, logits["forget_targets"])
    return confidences, np.concatenate([fit.row() for fit in fits])


def _original(arrays: dict[str, Array]) -> ModelRecord:
    prefix, skip = "original_", ("index", "seed", "seconds")
    own = {n.removeprefix(prefix): a for n, a in arrays.items() if prefix in n}
    return ModelRecord(
        index=-1,
        seed=int(own["seed"][0]),
        cpu_seconds=float(own["seconds"][0]),
        outputs=ModelOutputs(**{n: a for n, a in own.items() if n not in skip}),
    )


if __name__ == "__main__":
    convert(Path(sys.argv[1]))
