"""From TOML text to a track; unknown and ill-typed keys are refused."""

import difflib
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from harness.errors import UsageError
from harness.track.schema import Track

T = TypeVar("T")
_WORDS = {str: "text", int: "a whole number", float: "a number"}


def parse_track(text: str, origin: str) -> Track:
    """Read a track from TOML text.

    Parameters
    ----------
    text : str
        The TOML document.
    origin : str
        Where it came from, for error messages.

    Raises
    ------
    UsageError
        If the text is not TOML, or a key is unknown, missing, ill-typed or out of
        range.
    """
    try:
        document = tomllib.loads(text)
        return _build(Track, document, "")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{origin} is not valid TOML: {error}.") from None
    except UsageError as error:
        raise UsageError(f"{origin}: {error}") from None


def _build(cls: type[T], table: Mapping[str, Any], prefix: str) -> T:
    hints = typing.get_type_hints(cls)
    names = [field.name for field in fields(cls) if field.compare]  # type: ignore[arg-type]
    for key in table:
        if key not in names:
            raise UsageError(_unknown(prefix + key, key, names))
    missing = [prefix + name for name in names if name not in table]
    if missing:
        raise UsageError(f"missing key {', '.join(missing)}.")
    return cls(
        **{name: _value(hints[name], table[name], prefix + name) for name in names}
    )


def _unknown(path: str, key: str, names: list[str]) -> str:
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"legal keys: {', '.join(names)}."
    return f"unknown key {path!r}: {hint}"


def _value(kind: type, value: Any, path: str) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise UsageError(f"{path} must be a table, [{path}].")
        return _build(kind, value, f"{path}.")
    if kind is float and type(value) is int:
        return _float(value, path)
    if type(value) is not kind:
        raise UsageError(f"{path} = {value!r} must be {_WORDS[kind]}.")
    return value


def _float(value: int, path: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise UsageError(f"{path} is too large to be a number.") from None
