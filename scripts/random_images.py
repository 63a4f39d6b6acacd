"""A track of random images, for a machine that no data set reaches."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.track import Track, find_track
from harness.track.schema import DataSpec

#: Classes of the images, and pixels of a side.
CLASSES, SIDE = 10, 32


def random_track(folder: Path, n_images: int) -> Track:
    """Write images that are noise on a pattern of their class; `cifar10-fast` on them.

    One file each, of the plainest format: they are read a few times.
    """
    rng = np.random.default_rng(0)
    patterns = rng.normal(128, 40, (CLASSES, SIDE // 8, SIDE // 8, 3))
    patterns = patterns.repeat(8, axis=1).repeat(8, axis=2).astype(np.float32)
    held_out = n_images // 20
    for part, count in (("train", n_images), ("test", 2 * held_out)):
        for label, pattern in enumerate(patterns):
            place = folder / "images" / part / str(label)
            place.mkdir(parents=True)
            for index in range(label, count, CLASSES):
                noise = rng.standard_normal(pattern.shape, dtype=np.float32)
                pixels = (pattern + 60 * noise).clip(0, 255).astype(np.uint8)
                head = f"P6 {SIDE} {SIDE} 255\n".encode()
                (place / f"{index}.ppm").write_bytes(head + pixels.tobytes())
    fast = find_track("cifar10-fast")
    data = DataSpec(
        dataset="image-folder",
        folder=str(folder / "images"),
        options=(("image_size", SIDE), ("n_classes", CLASSES)),
        train_size=n_images,
        forget_size=max(1, n_images // 50 // CLASSES) * CLASSES,
        validation_size=held_out,
        test_size=held_out,
        split_seed=0,
    )
    size = min(fast.recipe.batch_size, n_images // CLASSES)
    return replace(
        fast,
        name="random-images",
        description="random images of CIFAR-10's shape",
        data=data,
        recipe=replace(fast.recipe, batch_size=size),
        evaluation=replace(fast.evaluation, n_models=4, bank_size=8),
    )
