"""Dataclasses to JSON and back: one pair of functions for every type of a result."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from harness.plain_text import harmless

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]
T = TypeVar("T")

_LEFT_OUT = "left out"
_SCALARS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
}


class NotOfSchema(ValueError):
    """JSON that is not of the type that was asked for; the sentence names the key."""


def left_out() -> Any:
    """Declare a field whose key is not in the JSON object where it is None."""
    return field(default=None, metadata={_LEFT_OUT: True})


def is_left_out(declared: "Field[Any]") -> bool:
    """Whether a field was declared with `left_out`."""
    return _LEFT_OUT in declared.metadata


@cache
def types_of(kind: Hashable) -> Mapping[str, object]:
    """Types of the fields of a dataclass, by name."""
    return get_type_hints(kind)


def to_json(value: object) -> JsonObject:
    """Write a dataclass as a JSON object, keys in the order of its fields."""
    content = _plain(value)
    if not isinstance(content, dict):
        raise TypeError(f"{type(value).__name__} is no dataclass")
    return content


def _plain(value: object) -> Json:
    if is_dataclass(value):
        pairs = [(each, getattr(value, each.name)) for each in fields(value)]
        return {
            each.name: _plain(found)
            for each, found in pairs
            if found is not None or not is_left_out(each)
        }
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a result")


def from_json(kind: type[T], content: object, place: str = "") -> T:
    """Read a dataclass from what `to_json` wrote; errors say at which `place`.

    Raises
    ------
    NotOfSchema
        A key is missing or unknown, or its value of another type.
    """
    if not isinstance(content, dict):
        raise NotOfSchema(f"{place or 'it'} is no JSON object")
    declared = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    for name in content:
        if name not in declared:
            words = harmless(_inside(place, name))
            raise NotOfSchema(f"{words} is no key of this version")
    found, kinds = {}, types_of(cast("Hashable", kind))
    for name, each in declared.items():
        where = _inside(place, name)
        if name in content:
            found[name] = _read(kinds[name], content[name], where)
        elif each.default is MISSING and each.default_factory is MISSING:
            raise NotOfSchema(f"{where} is missing")
    try:
        return kind(**found)
    except ValueError as error:
        raise NotOfSchema(f"{place or 'it'} does not fit together: {error}") from None


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _read(kind: Any, value: object, where: str) -> object:
    if get_origin(kind) in (Union, UnionType):
        if value is None and NoneType in get_args(kind):
            return None
        # Of several kinds of number the first admits the others.
        kind = next(each for each in get_args(kind) if each is not NoneType)
    if get_origin(kind) is not None:
        return _read_generic(kind, value, where)
    if is_dataclass(kind):
        return from_json(cast("type", kind), value, where)
    if issubclass(kind, StrEnum):
        return kind(_one_of([str(each) for each in kind], value, where))
    if not _is(kind, value):
        raise NotOfSchema(f"{where} is {_shown(value)}, not {_SCALARS[kind]}")
    return value


def _read_generic(kind: Any, value: object, where: str) -> object:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _one_of(args, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise NotOfSchema(f"{where} is {_shown(value)}, not a list")
        return tuple(_read(args[0], x, f"{where}[{i}]") for i, x in enumerate(value))
    if not isinstance(value, dict):
        raise NotOfSchema(f"{where} is {_shown(value)}, not a JSON object")
    return {key: _read(args[1], x, f"{where}.{key}") for key, x in value.items()}


def _one_of(legal: Sequence[object], value: object, where: str) -> Any:
    if value not in legal:
        known = ", ".join(map(str, legal))
        raise NotOfSchema(f"{where} is {_shown(value)}, not one of {known}")
    return value


def _is(kind: type, value: object) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is not float:
        return isinstance(value, kind)
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
