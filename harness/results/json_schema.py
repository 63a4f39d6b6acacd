"""The JSON schema of ``result.json``, made from its types.

Write the published file with ``python -m harness.results.json_schema``.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from inspect import cleandoc
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from harness.results.schema import SCHEMA, STORED, Metrics, Result
from harness.results.serialization import Json, JsonObject, is_left_out, types_of
from harness.storage.files import to_json, write_atomic

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "result.schema.json"
_SCALARS: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}
_NULL: JsonObject = {"type": "null"}
_SUM: JsonObject = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def result_schema() -> JsonObject:
    """Describe ``result.json`` in JSON Schema, draft 2020-12."""
    kinds: JsonObject = {}
    properties: JsonObject = {
        "schema": {"const": SCHEMA},
        "submission": {"type": "string", "description": "Its name."},
        "reference": {"type": "boolean", "description": "Shown, never ranked."},
        **_properties(Result, kinds),
        **{name: _nullable(each) for name, each in _properties(Metrics, kinds).items()},
    }
    required: list[Json] = [*properties]
    sums: JsonObject = {"type": "object", "additionalProperties": _SUM}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The result of one submission on one track",
        "type": "object",
        "properties": {**properties, **dict(zip(STORED, (sums, _SUM), strict=True))},
        "required": required,
        "additionalProperties": False,
        "$defs": {name: each for name, each in kinds.items() if name != "Metrics"},
    }


def _properties(kind: type, kinds: JsonObject) -> dict[str, JsonObject]:
    told, types = _descriptions(kind), types_of(kind)
    found = {}
    for each in fields(kind):
        found[each.name] = _type(types[each.name], kinds, bare=is_left_out(each))
        if each.name in told:
            found[each.name]["description"] = told[each.name]
    return found


def _object(kind: type, kinds: JsonObject) -> JsonObject:
    properties = _properties(kind, kinds)
    required: list[Json] = [e.name for e in fields(kind) if not is_left_out(e)]
    return {
        "type": "object",
        "properties": {**properties},
        "required": required,
        "additionalProperties": False,
    }


def _type(kind: Any, kinds: JsonObject, *, bare: bool = False) -> JsonObject:
    """Describe a type; `bare` where its key is left out instead of null."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        # Of several kinds of number the first admits the others.
        inner = _type(next(each for each in args if each is not NoneType), kinds)
        return _nullable(inner) if NoneType in args and not bare else inner
    if origin is tuple:
        return {"type": "array", "items": _type(args[0], kinds)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _type(args[1], kinds)}
    if is_dataclass(kind):
        return _reference(kind, kinds)
    if origin is Literal or issubclass(kind, StrEnum):
        return {"enum": [str(each) for each in args or kind]}
    return {"type": _SCALARS[kind]}


def _reference(kind: Any, kinds: JsonObject) -> JsonObject:
    if kind.__name__ not in kinds:
        kinds[kind.__name__] = _object(kind, kinds)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _nullable(content: JsonObject) -> JsonObject:
    inner = {key: each for key, each in content.items() if key != "description"}
    if "anyOf" in inner:
        return content
    described = {key: each for key, each in content.items() if key == "description"}
    return {"anyOf": [inner, _NULL], **described}


def _descriptions(kind: type) -> dict[str, str]:
    """Read what a docstring's section of attributes says of each."""
    section = cleandoc(kind.__doc__ or "").partition("Attributes\n----------\n")[2]
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            names = line.partition(" : ")[0].split(", ")
        else:
            found |= {name: f"{found.get(name, '')} {line.strip()}" for name in names}
    return {name: text.strip() for name, text in found.items() if text.strip()}


if __name__ == "__main__":
    write_atomic(PUBLISHED, to_json(result_schema()))
