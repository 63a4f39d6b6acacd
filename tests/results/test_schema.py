"""``result.json``: what is written is what is read."""

import json

import pytest

from harness.results.schema import METRICS, SCHEMA, Result
from harness.status import Status


@pytest.fixture
def result() -> Result:
    return Result(
        submission={"name": "method", "title": "Method", "reference": False},
        status=Status.SCORED,
        n_models=4,
        n_finished=4,
        provenance={"track": "tiny", "seed": 0},
        metrics={"score": {"value": 0.1, "direction": "higher"}, "flags": []},
    )


def test_a_result_comes_back_from_json(result):
    text = json.dumps(result.to_dict(), allow_nan=False)

    assert Result.from_dict(json.loads(text)) == result


def test_a_failed_result_comes_back_from_json(result):
    failed = Result(
        submission=result.submission,
        status=Status.TIMEOUT,
        reason="it was stopped.",
        traceback="Traceback\n",
        repeat="unlearn-eval validate",
        n_models=4,
        n_finished=1,
        provenance={},
    )

    assert Result.from_dict(json.loads(json.dumps(failed.to_dict()))) == failed


def test_every_metric_is_a_key_whatever_became_of_it(result):
    assert set(METRICS) <= set(result.to_dict())
    assert result.to_dict()["efficiency"] is None


def test_the_words_of_the_documented_object(result):
    content = result.to_dict()

    assert content["submission"] == "method"
    assert content["status"] == "scored"
    assert content["schema"] == SCHEMA
    assert content["score"]["value"] == 0.1


def test_files_beside_it_are_no_metric(result):
    content = {**result.to_dict(), "files": {"models.csv": "ab"}}

    assert Result.from_dict(content) == result


@pytest.mark.parametrize(
    "change",
    [
        {"schema": SCHEMA + 1},
        {"status": "splendid"},
        {"n_models": "many"},
        {"about": 3},
    ],
)
def test_what_is_no_result_of_this_schema_is_refused(result, change):
    with pytest.raises((ValueError, TypeError)):
        Result.from_dict({**result.to_dict(), **change})


@pytest.mark.parametrize("key", ["schema", "status", "about", "n_models", "provenance"])
def test_a_result_without_a_field_is_refused(result, key):
    content = result.to_dict()
    del content[key]

    with pytest.raises(KeyError):
        Result.from_dict(content)


def test_the_statuses_are_the_documented_words():
    assert {str(status) for status in Status} == {
        "scored",
        "over-budget",
        "invalid",
        "error",
        "timeout",
        "out-of-memory",
        "non-finite",
        "skipped",
        "harness-error",
    }
