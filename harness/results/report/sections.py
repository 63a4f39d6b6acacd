"""What a page says of one result, in words and figures, ready for the template."""

import shlex
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from harness.metrics.literature.certified_bounds import SUMMARIES
from harness.metrics.literature.metric_value import MetricValue
from harness.models.outputs import Floats
from harness.results.card import numbers_of, sentences
from harness.results.metric_lines import interval_text
from harness.results.report import figures
from harness.results.report.cards import Card, cards_of
from harness.results.report.classes import class_medians, class_words
from harness.results.report.material import Confidences, Material, Pictures
from harness.results.report.strips import Scale, Strip
from harness.results.schema import Accuracy, Metrics, Number, Result
from harness.track import find_track, track_names

_LARGE = 3.0


class FigureSection(NamedTuple):
    """A figure below its heading, and what it says in words."""

    heading: str
    words: str
    figure: Markup


class MetricRow(NamedTuple):
    """A metric of the literature; without a value it says why."""

    metric: MetricValue
    interval: str
    strip: Strip | None


@dataclass(frozen=True, eq=False, kw_only=True)
class ResultSections:
    """All that the template shows of one result."""

    key: str
    result: Result
    title: str
    verdict: str
    score: Number | None
    strip: Strip | None
    product: str
    of_texts: bool
    numbers: dict[str, Number | Accuracy]
    sentences: tuple[str, ...]
    figures: tuple[FigureSection, ...]
    metrics: tuple[MetricRow, ...]
    worst: tuple[Card, ...]
    best: tuple[Card, ...]
    command: str


def sections_of(
    material: Material, pictures: Pictures, key: str, *, whole: bool = True
) -> ResultSections:
    """Prepare one result; `key` tells it from another on the same page.

    Without the `whole` there are no figures and no cards, which take most of the time.
    """
    result, metrics = material.result, material.result.metrics
    score = metrics.ranked_score
    worst, best = cards_of(material, pictures) if whole else ((), ())
    return ResultSections(
        key=key,
        result=result,
        title=title_of(result),
        verdict=verdict(result),
        score=score,
        strip=_score_strip(score),
        product=_product(metrics),
        of_texts=material.of_texts,
        numbers=numbers_of(metrics),
        sentences=tuple(sentences(result, alone=False)) if result.is_complete else (),
        figures=tuple(_figures(material, pictures)) if whole else (),
        metrics=tuple(map(_metric_row, metrics.metrics)),
        worst=worst,
        best=best,
        command=_command(result),
    )


def title_of(result: Result) -> str:
    """Return how a submission calls itself."""
    return result.about.title or result.name


def verdict(result: Result) -> str:
    """Say in a sentence what came out."""
    score, title = result.metrics.ranked_score, title_of(result)
    if score is None:
        return f"{title} was not scored ({result.status}): {result.reason}"
    words = f"{title} scores {score.value:.4f}"
    if score.low is not None and score.high is not None:
        words += f" (95 % interval {interval_text(score.low, score.high)})"
    if score.share_of_ceiling is not None:
        words += f", {score.share_of_ceiling:.0%} of what retraining itself gets"
    if score.floor is not None:
        words += f"; the original model, unchanged, gets {score.floor:.4f}"
    return f"{words}. {result.reason}".strip()


def _score_strip(score: Number | None) -> Strip | None:
    if score is None:
        return None
    ends = (0.0, score.high, score.value, score.ceiling, score.ceiling_high)
    return Scale.around(ends).strip(score.value, score.low, score.high, score.ceiling)


def _product(metrics: Metrics) -> str:
    """Take the score apart; elsewhere RA and TA are accuracies, no ratios."""
    score = metrics.ranked_score
    quality = metrics.calibrated_forgetting_quality or metrics.forgetting_quality
    accuracies = metrics.retain_accuracy, metrics.test_accuracy
    ratios = [each.ratio for each in accuracies if each and each.ratio is not None]
    if score is None or quality is None or len(ratios) < 2:
        return ""
    product = quality.value * ratios[0] * ratios[1]
    exact = f"{product:.4f}" == f"{score.value:.4f}"
    kind = "calibrated " if metrics.calibrated_forgetting_quality else ""
    words = (
        f"{score.value:.4f} {'=' if exact else '≈'} {kind}F {quality.value:.4f} × "
        f"{ratios[0]:.3f} of retraining's RA × {ratios[1]:.3f} of its TA"
    )
    return f"{words}{'' if exact else ' (the score is a mean of such products)'}."


def _figures(material: Material, pictures: Pictures) -> Iterator[FigureSection]:
    metrics, known = material.result.metrics, material.confidences
    if known is not None:
        yield FigureSection(
            "How well each example is forgotten",
            _epsilon_words(known),
            figures.epsilon_histogram(known.epsilon, known.retraining),
        )
    if known is not None and (classes := class_medians(material, known, pictures)):
        yield FigureSection(
            "Which class is forgotten worst",
            class_words(classes),
            figures.epsilon_of_classes(classes),
        )
    if rows := material.precision:
        last = rows[-1]
        quality = "calibrated F" if material.is_calibrated else "official F"
        yield FigureSection(
            "F against the number of models",
            f"At N = {last.n_models} the {quality} is {last.mean:.4f}, 95 % interval "
            f"{interval_text(last.low, last.high)}. F changes with N, for an attacker "
            "who sees more models tells more apart; read off how fast the band "
            "narrows.",
            figures.quality_against_models(rows, quality),
        )
    if material.costs and (cost := metrics.efficiency) is not None:
        over = np.mean(np.array(material.costs) > cost.cap)
        yield FigureSection(
            "What the runs cost",
            f"The median run costs {statistics.median(material.costs):.3f} of a "
            f"retraining, 95 % interval {interval_text(cost.low, cost.high, 3)}; the "
            f"cap is {cost.cap:.2f}, and {over:.0%} of the runs are above it.",
            figures.costs_against_cap(material.costs, cost.cap),
        )


def _epsilon_words(known: Confidences) -> str:
    kind = "Calibrated" if known.calibrated else "Official"
    words = (
        f"{kind} ε of {len(known.epsilon)} forget examples: median "
        f"{np.median(known.epsilon):.2f}, {np.mean(known.epsilon > _LARGE):.0%} above "
        f"{_LARGE:.0f}."
    )
    if known.retraining is None:
        words += " The bank is too small to show retraining's own beside it."
        return words + beyond_words(known.epsilon)
    return (
        f"{words} Retrained models against held-out retrained models: median "
        f"{np.median(known.retraining):.2f}, "
        f"{np.mean(known.retraining > _LARGE):.0%} above {_LARGE:.0f}."
        f"{beyond_words(known.epsilon, known.retraining)}"
    )


def beyond_words(*epsilon: Floats) -> str:
    """Say where what has no room in a figure stands, if anything has none."""
    largest = max(float(each.max()) for each in epsilon)
    top = figures.MOST_EPSILON
    return f" What is beyond {top:.0f} stands at {top:.0f}." if largest > top else ""


def _metric_row(metric: MetricValue) -> MetricRow:
    if metric.value is None:
        return MetricRow(metric, "", None)
    ends = (metric.value, metric.low, metric.high, metric.null)
    strip = Scale.around(ends).strip(*ends)
    interval = interval_text(metric.low, metric.high)
    if metric.low is None or metric.high is None:
        interval = "a mean of bounds" if metric.name in SUMMARIES else "a 95 % bound"
    return MetricRow(metric, interval, strip)


def _command(result: Result) -> str:
    """Return what scores it again; a split's seed may be somebody's secret.

    An official result is of the track's own N, and the seeds of its runs are secret.
    """
    made = result.provenance
    words = ["unlearn-eval", "score", f"{result.name}.py", "--track", made.track]
    if made.secret_name:
        words.append("--official")
    else:
        words += ["--n-models", str(result.n_models), "--seed", str(made.seed)]
    if not made.secret_name or made.originals != _own_originals(made.track):
        words += ["--originals", str(made.originals)]
    return shlex.join([*words, "--device", made.device])


def compare_command(results: Sequence[Result]) -> str:
    """Return what compares stored results of these names."""
    track = results[0].provenance.track
    names = (result.name for result in results)
    return shlex.join(("unlearn-eval", "compare", *names, "--track", track))


def _own_originals(track: str) -> int | None:
    """Return how many originals a shipped track asks for."""
    return find_track(track).evaluation.originals if track in track_names() else None
