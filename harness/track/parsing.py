"""From TOML text to a track; unknown and ill-typed keys are refused."""

import difflib
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import UsageError
from harness.track.schema import Forget, NetworkSpec, Options, Track

T = TypeVar("T")
_WORDS = {str: "text", int: "a whole number", float: "a number"}


def parse_track(text: str, origin: str, folder: Path | None = None) -> Track:
    """Read a track from TOML text; files that it names lie in the folder."""
    try:
        document = tomllib.loads(text)
        if isinstance(data := document.get("data"), dict):
            _read_forget(data, folder or Path())
        return build_track(document)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{origin} is not valid TOML: {error}.") from None
    except UsageError as error:
        raise UsageError(f"{origin}: {error}") from None


def _read_forget(data: dict[str, Any], folder: Path) -> None:
    """Put the places that a file lists in the place of its name.

    So they are part of the track and of its hash, and nobody needs the file again.
    """
    forget = data.get("forget")
    if not isinstance(forget, str) or not forget.startswith("file:"):
        return
    name = forget.removeprefix("file:")
    try:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the forget set {name}: {error}.") from None
    places = [(at, line.split("#")[0].strip()) for at, line in enumerate(lines, 1)]
    for at, place in places:
        if place and not (place.isascii() and place.isdigit() and len(place) < 10):
            raise UsageError(
                f"{name}, line {at}: {place!r:.40} is no place of a training example; "
                "write one whole number, 0 or more, a line."
            )
    data["forget"] = [int(place) for _, place in places if place]


def build_track(document: Mapping[str, Any], folder: str = "") -> Track:
    """Make a track of a TOML document that lies in a folder."""
    return replace(build_table(Track, document, ""), folder=folder)


def build_table(cls: type[T], table: Mapping[str, Any], prefix: str) -> T:
    """Make a dataclass of a TOML table; what has a default may be left out."""
    hints = typing.get_type_hints(cls)
    known = [field for field in fields(cls) if field.compare]  # type: ignore[arg-type]
    names = [field.name for field in known]
    for key in table:
        if key not in names:
            raise UsageError(_unknown(prefix + key, key, names))
    missing = [
        prefix + field.name
        for field in known
        if field.default is MISSING and field.name not in table
    ]
    if missing:
        raise UsageError(f"missing key {', '.join(missing)}.")
    return cls(
        **{key: _value(hints[key], value, prefix + key) for key, value in table.items()}
    )


def _unknown(path: str, key: str, names: list[str]) -> str:
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"legal keys: {', '.join(names)}."
    return f"unknown key {path!r}: {hint}"


def _value(kind: Any, value: Any, path: str) -> Any:
    if kind is NetworkSpec and isinstance(value, str):
        return NetworkSpec(name=value)  # network = "..." for short
    if is_dataclass(kind):
        return build_table(kind, _table(value, path), f"{path}.")  # type: ignore[arg-type]
    if kind == Options:
        return _options(_table(value, path), path)
    if kind == Forget:
        return _forget(value, path)
    if kind is float and type(value) is int:
        return _float(value, path)
    if type(value) is not kind:
        raise UsageError(f"{path} = {value!r} must be {_WORDS[kind]}.")
    return value


def _table(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{path} must be a table, [{path}].")
    return value


def _options(table: Mapping[str, Any], path: str) -> Options:
    for key, value in table.items():
        if type(value) not in (str, int, float, bool):
            raise UsageError(f"{path}.{key} must be a text, a number or a boolean.")
    return tuple(sorted(table.items()))


def _forget(value: Any, path: str) -> Forget:
    if isinstance(value, list | tuple) and all(type(place) is int for place in value):
        return tuple(sorted(value))
    if not isinstance(value, str):
        raise UsageError(f"{path} must be text or a list of whole numbers.")
    return value


def _float(value: int, path: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise UsageError(f"{path} is too large to be a number.") from None
