"""Pages for tests: read as a browser reads them, and drawn from normal numbers."""

import io
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.literature.example_table import ExampleRow
from harness.metrics.literature.metric_value import Direction, MetricValue, missing
from harness.metrics.uncertainty.paired import PairedDifference
from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.results.report.material import Confidences, Contents, Material, Pictures
from harness.results.report.page import Report, report_of
from harness.tasks.base import Shown
from tests.typed_results import measured, number, typed_result

HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\x1b[2J\u202e{{7*7}}$x^2$"
)


class Page(HTMLParser):
    """All tags with their attributes, and the words outside of style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.words, self._within = [], "", ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._within = tag

    def handle_endtag(self, tag):
        self._within = ""

    def handle_data(self, data):
        if self._within not in ("style", "script"):
            self.words += data

    def all(self, attribute):
        return [a[attribute] for _, a in self.tags if a.get(attribute) is not None]

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pictures(n_examples: int, caption="dog") -> Pictures:
    shown = [Shown(f"{caption}{s % 10}", png=png(s)) for s in range(n_examples)]
    return Pictures(shown=tuple(shown))


def material(
    name="method",
    *,
    n_examples=20,
    n_models=8,
    shift=1.0,
    about=None,
    words="needs care",
    made=None,
    of_texts=False,
) -> Material:
    """A scored result, and arrays that go with it."""
    rng = np.random.default_rng(n_examples)
    metrics = measured(
        calibrated_score=number(0.05, 0.04, 0.06, share_of_ceiling=0.25),
        calibrated_forgetting_quality=number(0.052),
        flags=(Flag(FlagCode.ATTACK_GAP, words, {}),),
        precision=tuple(SampleSizeRow(n, 0.1, 0.08, 0.12) for n in (8, 16)),
        metrics=(
            MetricValue("KLOM mean", 1.2, 1.0, 1.4, Direction.LOWER, 0.7, None, 8),
            MetricValue(
                "certified ε", 0.21, None, None, Direction.NULL, 0.0003, None, 8
            ),
            missing("U-LiRA AUC", Direction.LOWER, "needs N ≥ 200"),
            *([missing("PrivLeak", Direction.NULL, "needs N ≥ 4")] if of_texts else []),
        ),
    )
    result = typed_result(
        name,
        n_models=n_models,
        metrics=metrics,
        about={"title": "My method", "authors": "A", **(about or {})},
        made={"track": "cifar10-quick", **(made or {})},
    )
    epsilon = np.linspace(0.2, 4.5, n_examples)
    return Material(
        result=result,
        rows=tuple(
            ExampleRow(1000 + s, s % 10, epsilon[s], epsilon[s] / 2, 1.0, 0.5, 0.1, 0.9)
            for s in range(n_examples)
        ),
        confidences=Confidences(
            calibrated=True,
            epsilon=epsilon,
            retraining=epsilon / 2,
            unlearned=rng.normal(shift, 1, (n_models, n_examples)),
            retrained=rng.normal(0, 1, (n_models, n_examples)),
        ),
        costs=tuple(0.1 + 0.001 * rng.normal(size=n_models)),
        precision=tuple(SampleSizeRow(n, 0.052, 0.04, 0.06) for n in (8, 16)),
    )


def difference(**changes) -> PairedDifference:
    made = PairedDifference("score", 0.05, 0.04, 0.01, -0.01, 0.03, 0.2, 8, 64)
    return replace(made, **changes)


def report(*materials: Material, shown: Pictures | None = None, **more) -> Report:
    """Of one result, or of two with a difference."""
    n_examples = len(materials[0].rows)
    told = {"differences": (difference(),)} if len(materials) > 1 else {}
    return report_of(
        Contents(
            materials=materials,
            pictures=pictures(n_examples) if shown is None else shown,
            **{**told, **more},
        )
    )


def hostile_material() -> Material:
    """Every word that a stranger writes is an attack."""
    about = dict.fromkeys(("title", "summary", "authors"), HOSTILE)
    about["url"] = "javascript:alert(3)"
    made = material(about=about, words=HOSTILE)
    result = replace(made.result, reason=HOSTILE, traceback=HOSTILE, repeat=HOSTILE)
    return replace(made, result=result)
