"""``result.json``: what is written is what is read, and nothing else is."""

import json
from dataclasses import replace

import pytest

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.literature.metric_value import Direction, MetricValue
from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.results.schema import SCHEMA, Metrics, Result
from harness.results.serialization import NotOfSchema
from harness.status import Status
from harness.storage.shipped import shipped_submissions
from tests.typed_results import measured, number, typed_result

COMMITTED = sorted((shipped_submissions() / "leaderboard").glob("*/*/*/result.json"))


@pytest.fixture
def result() -> Result:
    """A result with every field in use."""
    missing = MetricValue("ToW", None, None, None, Direction.HIGHER, None, "too few")
    klom = MetricValue("KLOM", 1.0, 0.5, 2, Direction.NULL, 0.1, None, 2)
    return typed_result(
        metrics=measured(
            metrics=(missing, klom),
            flags=(Flag(FlagCode.MIXED_RUNS, "mixed.", {"runs": 3, "share": 0.5}),),
            precision=(SampleSizeRow(8, 0.1, 0.05, 0.2),),
        ),
        about={"title": "Method", "made": "elsewhere"},
        made={"retraining_seconds": (1.0, 2.5)},
    )


def test_a_result_comes_back_from_json(result):
    text = json.dumps(result.to_dict(), allow_nan=False)

    assert Result.from_dict(json.loads(text)) == result


def test_a_failed_result_comes_back_from_json():
    failed = typed_result(
        status=Status.TIMEOUT,
        reason="it was stopped.",
        traceback="Traceback\n",
        repeat="unlearn-eval validate",
    )

    assert Result.from_dict(json.loads(json.dumps(failed.to_dict()))) == failed


@pytest.mark.parametrize("path", COMMITTED, ids=lambda p: "-".join(p.parts[-3:-1]))
def test_a_committed_result_is_written_as_it_was_read(path):
    content = json.loads(path.read_text())
    again = Result.from_dict(content).to_dict()
    for key in ("files", "sha256"):
        del content[key]

    assert json.dumps(again) == json.dumps(content)


def test_there_are_committed_results():
    assert len(COMMITTED) >= 2


def test_every_metric_is_a_key_whatever_became_of_it(result):
    failed = replace(result, metrics=Metrics())

    assert set(Metrics.names()) <= set(result.to_dict())
    assert {failed.to_dict()[key] for key in Metrics.names()} == {None}
    assert typed_result(metrics=measured()).to_dict()["flags"] == []


def test_a_reason_is_a_key_only_where_something_is_missing():
    none = number(low=None, high=None, reason="interval: needs N", ceiling=None)
    content = typed_result(metrics=measured(score=none)).to_dict()

    assert content["score"]["reason"] == "interval: needs N"
    assert content["score"]["ceiling"] is None
    assert "reason" not in content["forgetting_quality"]
    assert "clipped" not in content["forgetting_quality"]
    assert "reason" not in content["efficiency"]
    assert "made" not in content["about"]


def test_the_words_of_the_documented_object(result):
    content = result.to_dict()

    assert content["submission"] == "method"
    assert content["status"] == "scored"
    assert content["schema"] == SCHEMA
    assert content["score"]["value"] == 0.0612


def test_files_beside_it_are_no_metric(result):
    content = {**result.to_dict(), "files": {"models.csv": "ab"}}

    assert Result.from_dict(content) == result


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("schema", SCHEMA + 1, "schema is 2, not 1"),
        ("status", "splendid", "status is 'splendid', not one of scored, over-budget"),
        ("n_models", "many", "n_models is 'many', not a whole number"),
        ("n_models", True, "n_models is True, not a whole number"),
        ("n_models", 3.5, "n_models is 3.5, not a whole number"),
        ("about", 3, "about is no JSON object"),
        ("about.title", None, "about.title is None, not text"),
        ("about.pet", "cat", "about.pet is no key of this version"),
        ("extra", 1, "extra is no key of this version"),
        ("score.value", "x", "score.value is 'x', not a finite number"),
        ("score.value", float("nan"), "score.value is nan, not a finite number"),
        ("score.value", 10**400, "score.value is 1000"),
        ("score.direction", "lower", "score.direction is 'lower', not one of higher"),
        ("score", 0.5, "score is no JSON object"),
        ("flags", {}, "flags is {}, not a list"),
        ("flags", [{"code": "x"}], r"flags[0].code is 'x', not one of attack-gap"),
        ("metrics.1.null", None, "metrics[1] does not fit together: KLOM: give a null"),
        ("provenance.isolation.level", 1, "provenance.isolation.level is 1, not text"),
        ("provenance.retraining_seconds", ["1"], "retraining_seconds[0] is '1', not a"),
    ],
)
def test_what_is_no_result_of_this_schema_is_refused_by_its_key(
    result, place, value, words
):
    content = json.loads(json.dumps(result.to_dict()))
    *outer, last = place.split(".")
    inner = content
    for key in outer:
        inner = inner[int(key) if key.isdecimal() else key]
    inner[last] = value

    with pytest.raises(NotOfSchema) as caught:
        Result.from_dict(content)
    assert words in str(caught.value)


@pytest.mark.parametrize("key", ["status", "about", "n_models", "provenance"])
def test_a_result_without_a_field_is_refused(result, key):
    content = result.to_dict()
    del content[key]

    with pytest.raises(NotOfSchema, match=f"^{key} is missing"):
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
        "harness-error",
    }
