"""Read a batch of ``cifar-10-batches-py``, a pickle from outside.

A pickle can have any function called, so its sum is compared with the published one
before anything of it is unpickled. The published sums are MD5: a second file of the
same sum can be made only together with the first, which its authors did in 2009.
"""

import hashlib
import pickle
import warnings
from pathlib import Path

import numpy as np

from harness.tasks.cifar10.binary import Batch
from harness.tasks.cifar10.source import SourceError


def read_pickled_batch(path: Path, md5: str) -> Batch:
    """Read one batch of the Python version, which is published with a hex `md5`.

    Raises
    ------
    SourceError
        When the file cannot be read or has another sum; then nothing of it is run.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read ({error.strerror})") from error
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise SourceError(f"{path.name} has MD5 {found}, not the published {md5}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy dislikes the age of these pickles
        loaded = pickle.loads(content, encoding="bytes")
    return Batch(np.array(loaded[b"labels"], dtype=np.uint8), loaded[b"data"])
