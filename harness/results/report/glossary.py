"""What each metric of the literature measures, in plain words for a first reader."""

from collections.abc import Iterable

from harness.metrics.literature.metric_value import MetricValue

_RATE = (
    "The share of unlearned models that this attacker recognises while taking {fpr} % "
    "of the retrained ones for unlearned; guessing gets {fpr} %, too."
)
_OF_EACH = " A threshold for each example; the mean over examples."
_POOLED = " One threshold for all examples."
_GAP = "Accuracy on the {of} set less that of retrained models; 0 is as theirs."
METRICS = {
    "certified ε": "The mean of certified ε over the examples, each proven by itself.",
    "certified mean ε": "What is proven of the mean of all ε, with 95 % certainty.",
    "certified ε of the worst example": "What is proven of the largest ε, with 95 % "
    "certainty.",
    "certified GDP µ": "The part of GDP µ that is proven of each example by itself, in "
    "the mean.",
    "U-LiRA AUC": "An attacker weighs how likely a model's confidence in an example is "
    "among unlearned and among retrained models: how often an unlearned model then "
    "looks more unlearned than a retrained one. 0.5 is guessing, 1 always; the mean "
    "over examples.",
    "U-LiRA AUC pooled": "The same of all examples' likelihood ratios together.",
    "U-LiRA TPR at 1 % FPR pooled": _RATE.format(fpr="1") + _POOLED,
    "U-LiRA TPR at 0.1 % FPR pooled": _RATE.format(fpr="0.1") + _POOLED,
    "U-LiRA TPR at 1 % FPR": _RATE.format(fpr="1") + _OF_EACH,
    "U-LiRA TPR at 0.1 % FPR": _RATE.format(fpr="0.1") + _OF_EACH,
    "KLOM mean": "How far the distribution of unlearned models' confidences in an "
    "example is from that of retrained ones, as a KL divergence in nats: 0 is none. "
    "The mean over examples.",
    "KLOM P95": "The same of a badly forgotten example: 95 % of them have less.",
    "GDP µ": "Two normal distributions, this many standard deviations apart, are as "
    "hard to tell from each other as unlearned from retrained models (Gaussian "
    "differential privacy). The mean over examples.",
    "Kolmogorov–Smirnov": "The most by which the shares of unlearned and of retrained "
    "models below one and the same confidence differ, from 0 to 1. The mean over "
    "examples.",
    "loss-threshold MIA accuracy": "A membership inference attack (MIA) sees a model's "
    "losses: how often it tells a forget example from a test example. 0.5 is guessing.",
    "PrivLeak": "An attacker takes a passage for read if even its least likely tokens "
    "are likely: by what share his AUC differs from that on retrained models. Below 0 "
    "the book is still known, above 0 it is avoided.",
    "forget quality (log10 p)": "TOFU's measure, and not the forgetting quality F: "
    "the logarithm of the p value of a test whether an unlearned and a retrained model "
    "are equally confident in the forget passages. Near 0 they may be.",
    "extracted tokens": "A model reads half of a forget passage and goes on: how many "
    "tokens are the book's before the first that is not.",
    "log-probability, forget passages": "How likely a model finds a forget passage, as "
    "a natural logarithm: nearer to 0 is likelier. A token's share of it is the "
    "negative loss.",
    "log-probability, test passages": "The same of passages that no model has read: "
    "what is left of its use.",
    "ToW": "Tug of war: 1 less the accuracy gap, multiplied over forget, retain and "
    "test set; 1 is as retraining.",
    "forget accuracy gap": _GAP.format(of="forget"),
    "retain accuracy gap": _GAP.format(of="retain"),
    "test accuracy gap": _GAP.format(of="test"),
}


def meanings(metrics: Iterable[MetricValue]) -> dict[str, str]:
    """Return what these measure and which way is better, by their names.

    Metrics of anybody's packages have no words here.
    """
    return {
        each.name: f"{METRICS[each.name]} {direction_words(each).capitalize()}."
        for each in metrics
        if each.name in METRICS
    }


def direction_words(metric: MetricValue) -> str:
    """Say which way is better to who does not know what a null is."""
    return metric.direction.replace("the null", "retraining")
