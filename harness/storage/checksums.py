"""A checksum inside a file, so that a change by hand or by a disk is noticed.

It is no signature: who wants to deceive can make one.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from harness.storage.files import sha256_of, to_json

CHECKSUM = "sha256"
Arrays = dict[str, NDArray[Any]]


def json_with_checksum(content: Mapping[str, Any]) -> str:
    """Write a JSON object with its checksum; NaN and infinity are a ValueError."""
    return to_json({**content, CHECKSUM: _json_sum(content)})


def checked_json(text: str | bytes, *, required: bool = True) -> dict[str, Any]:
    """Read a JSON object; what is not as it was written is a ValueError.

    Unless it is `required` there may be no checksum.
    """
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    if required or CHECKSUM in content:
        checksum = content.pop(CHECKSUM, None)
        if checksum != _json_sum(content):
            raise ValueError("it was changed after it was written")
    return content


def arrays_with_checksum(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays in the safetensors format with their checksum."""
    return save({**arrays, CHECKSUM: _array_sum(arrays)})


def checked_arrays(data: bytes) -> Arrays:
    """Read arrays; what is not as it was written is a ValueError."""
    try:
        arrays: Arrays = load(data)
    except (SafetensorError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it cannot be read ({error})") from None
    checksum = arrays.pop(CHECKSUM, np.empty(0, dtype=np.uint8))
    if not np.array_equal(checksum, _array_sum(arrays)):
        raise ValueError("it was changed after it was written")
    return arrays


def _json_sum(content: Mapping[str, Any]) -> str:
    return sha256_of(to_json(content).encode())


def _array_sum(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
    digest = sha256_of(save(dict(arrays)))
    return np.frombuffer(bytes.fromhex(digest), dtype=np.uint8)
