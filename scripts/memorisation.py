"""Estimate how much of each example of D a track's models memorise, and list strata.

As Feldman and Zhang (2020) do: train models on random halves of D, and take for each
example the mean probability of its label under the models that were trained on it, less
that under the others.  The low stratum holds the examples with the smallest scores, the
high one those with the largest, the middle one those around the median; each as many as
the track forgets.  Run ``python scripts/memorisation.py FOLDER``; it trains 64 models
of ``cifar10-quick`` in about five minutes of one core, and resumes where it was killed.
``FOLDER`` then holds ``memorisation.csv`` and a list for each stratum, which a track
names as ``forget = "file:high.txt"``.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from harness.seeds import derive_seed
from harness.storage.files import write_atomic
from harness.tasks.base import Examples
from harness.tasks.images.splits import make_split
from harness.tasks.images.task import ImageTask
from harness.tasks.registry import find_task
from harness.track import find_track

#: With fewer, some example is in the half of every model, or of none.
LEAST_MODELS = 48
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class TrainingSet(NamedTuple):
    """D: the places of its examples among the training images, and the examples."""

    places: Indices
    examples: Examples


def training_set(task: ImageTask) -> TrainingSet:
    """Put D in the order of the data set, which no forget set changes."""
    images = task.images()
    targets = images.train_targets, images.held_out_targets
    split = make_split(*targets, task.track.data, task.n_classes)
    places = np.sort(np.concatenate([split.forget, split.retain]))
    examples = Examples(images.train_images[places], images.train_targets[places])
    return TrainingSet(places, examples)


def half(seed: int, size: int) -> NDArray[np.bool_]:
    """Choose half of the examples."""
    generator = np.random.RandomState(seed % 2**32)
    chosen = np.zeros(size, dtype=bool)
    chosen[generator.permutation(size)[: size // 2]] = True
    return chosen


def probabilities(task: ImageTask, examples: Examples, index: int) -> Floats:
    """Train a model on its half; returns a row of its choice and what it thinks."""
    device = torch.device(task.track.device)
    seed = derive_seed(task.track.hash, "memorisation", index)
    chosen = half(seed, len(examples.targets))
    kept = Examples(examples.inputs[chosen], examples.targets[chosen])
    network = task.trainer(kept, device)(seed)
    inputs, targets = task.tensors(examples)
    with torch.inference_mode():
        logits = [network(batch.to(device)).cpu() for batch in torch.split(inputs, 256)]
    shares = torch.cat(logits).double().softmax(1)
    own = shares[torch.arange(len(targets)), targets].numpy()
    return np.stack([chosen.astype(np.float64), own])


def kept_probabilities(
    task: ImageTask, examples: Examples, index: int, folder: Path
) -> Floats:
    """Train a model unless it has been."""
    path = folder / "models" / f"{index:05d}.npy"
    if not path.is_file():
        row = probabilities(task, examples, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, row.tobytes())
        print(f"model {index}", flush=True)
    return np.frombuffer(path.read_bytes()).reshape(2, -1)


def scores(trained_on: NDArray[np.bool_], probability: Floats) -> Floats:
    """Return the difference ``[D]`` of two means over models ``[M, D]``."""
    within = np.ma.masked_array(probability, ~trained_on).mean(axis=0)
    without = np.ma.masked_array(probability, trained_on).mean(axis=0)
    return np.asarray(within - without, dtype=np.float64)


def strata(score: Floats, size: int) -> dict[str, Indices]:
    """Choose `size` positions each: of the smallest, middle and largest scores."""
    order = np.argsort(score, kind="stable")
    start = (len(order) - size) // 2
    return {
        "low": np.sort(order[:size]),
        "middle": np.sort(order[start : start + size]),
        "high": np.sort(order[len(order) - size :]),
    }


def reliability(models: Floats) -> float:
    """Correlate the scores of the even models with those of the odd ones."""
    halves = [
        scores(part[:, 0] == 1, part[:, 1]) for part in (models[::2], models[1::2])
    ]
    return float(np.asarray(np.corrcoef(np.stack(halves)))[0, 1])


def held_out_separation(models: Floats, size: int) -> dict[str, tuple[float, float]]:
    """Choose strata by the even models, and compare the odd ones on them.

    Returns the mean shift of the logit-scaled confidence where a model was trained on
    the example, and its spread over models that were not.
    """
    chosen = strata(scores(models[::2, 0] == 1, models[::2, 1]), size)
    trained_on, probability = models[1::2, 0] == 1, models[1::2, 1]
    confidence = np.log(probability) - np.log1p(-probability)
    shift = scores(trained_on, confidence)
    variance = np.ma.masked_array(confidence, trained_on).var(axis=0, ddof=1)
    return {
        name: (float(shift[of].mean()), float(np.sqrt(variance[of].mean())))
        for name, of in chosen.items()
    }


def write(folder: Path, d: TrainingSet, score: Floats, size: int) -> None:
    """Write the scores, and a list for each stratum."""
    rows = zip(d.places, d.examples.targets, score, strict=True)
    lines = [f"{place},{label},{value:.4f}" for place, label, value in rows]
    text = "\n".join(["index,class,memorisation", *lines, ""])
    write_atomic(folder / "memorisation.csv", text.encode())
    for name, chosen in strata(score.round(4), size).items():
        listed = "\n".join(str(place) for place in d.places[chosen])
        write_atomic(folder / f"{name}.txt", f"{listed}\n".encode())
        values = score[chosen]
        print(f"{name}: {values.min():.3f} to {values.max():.3f}, of {size}")


def main() -> None:
    """Train, score and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--track", default="cifar10-quick")
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--data-dir", type=Path)
    asked = parser.parse_args()
    if asked.models < LEAST_MODELS:
        parser.error(f"--models must be at least {LEAST_MODELS}")
    torch.set_num_threads(1)
    track = find_track(asked.track)
    task = find_task(track, asked.data_dir)
    if not isinstance(task, ImageTask):
        parser.error(f"{track.name} is no track of images")
    d = training_set(task)
    models = np.stack(
        [
            kept_probabilities(task, d.examples, index, asked.folder)
            for index in range(asked.models)
        ]
    )
    score = scores(models[:, 0] == 1, models[:, 1])
    write(asked.folder, d, score, track.data.forget_size)
    for name, pair in held_out_separation(models, track.data.forget_size).items():
        shift, spread = pair
        print(f"{name}: shift / spread = {shift:.2f} / {spread:.2f}, other models")
    print(f"scores of two halves of the models correlate by {reliability(models):.3f}")


if __name__ == "__main__":
    main()
