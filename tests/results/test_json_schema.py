"""The published JSON schema is what the types give, and results obey it."""

import json

import pytest
from jsonschema import Draft202012Validator

from harness.results.json_schema import PUBLISHED, result_schema
from harness.status import Status
from harness.storage.files import to_json
from harness.storage.shipped import shipped_submissions
from tests.typed_results import measured, number, typed_result

COMMITTED = sorted((shipped_submissions() / "leaderboard").glob("*/*/*/result.json"))
VALIDATOR = Draft202012Validator(result_schema())


def test_the_published_file_is_what_the_types_give():
    """Write it again with ``python -m harness.results.json_schema``."""
    assert PUBLISHED.read_text() == to_json(result_schema())


def test_it_is_a_json_schema():
    Draft202012Validator.check_schema(result_schema())


@pytest.mark.parametrize("path", COMMITTED, ids=lambda p: "-".join(p.parts[-3:-1]))
def test_a_committed_result_obeys_it(path):
    VALIDATOR.validate(json.loads(path.read_text()))


@pytest.mark.parametrize(
    "result",
    [
        typed_result(status=Status.ERROR, reason="it raised.", about={"made": "x"}),
        typed_result(metrics=measured(score=number(low=None, reason="too few"))),
    ],
)
def test_a_result_that_is_written_obeys_it(result):
    VALIDATOR.validate(json.loads(to_json(result.to_dict())))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"status": "splendid"},
        {"n_models": "many"},
        {"score": {"value": 0.5}},
        {"extra": 1},
        {"files": {"models.csv": "no digest"}},
        {"flags": [{"code": "x", "message": "", "evidence": {}}]},
    ],
)
def test_what_the_harness_refuses_does_not_obey_it(change):
    content = {**typed_result(metrics=measured()).to_dict(), **change}

    assert not VALIDATOR.is_valid(json.loads(to_json(content)))


def test_fields_are_described():
    kinds = result_schema()["$defs"]

    assert kinds["Number"]["properties"]["ceiling"]["description"].startswith("What")
    assert "floor" in kinds["Number"]["required"]
    assert "clipped" not in kinds["Number"]["required"]
