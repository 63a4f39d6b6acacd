"""Other forget sets than random ones, from the training to every metric."""

import numpy as np
import pytest

from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.registry import literature_metrics
from harness.metrics.official.metric import official_metric
from harness.models.outputs import ModelOutputs
from harness.models.records import stack
from harness.reference.training import train_member
from harness.track import find_track

N = 3


@pytest.fixture(scope="module")
def path(tmp_path_factory, track_file):
    text = track_file.read_text().replace("epochs = 2", "epochs = 6")
    text = text.replace("forget_size = 50", 'forget_size = 40\nforget = "class:3"')
    path = tmp_path_factory.mktemp("class") / "class.toml"
    path.write_text(text)
    return str(path)


@pytest.fixture(scope="module")
def models(path):
    """Retrained models, and original models in the place of the unlearned ones."""
    track = find_track(path)
    return tuple(
        stack([train_member(track, 0, index, None)[0] for index in indices])
        for indices in (range(N), range(-N, 0))
    )


def test_models_retrained_without_a_class_never_answer_it(models):
    retrained, originals = models

    assert retrained.accuracy("forget").max() == 0.0
    assert originals.accuracy("forget").mean() > 0.02
    assert retrained.forget_confidence.mean() < -4
    assert (retrained.forget_confidence < originals.forget_confidence).mean() > 0.9


def of_a_class(seed: int, mean: float, forget: float) -> ModelOutputs:
    """Outputs as the quick track's: retrained models never answer the class."""
    rng, n = np.random.default_rng(seed), 64
    accuracy = {f"{of}_accuracy": rng.normal(0.6, 0.01, n) for of in ("retain", "test")}
    return ModelOutputs(
        forget_confidence=rng.normal(mean, 1, (n, 20)),
        test_confidence=rng.normal(0, 2, (n, 30)),
        forget_accuracy=np.full(n, forget),
        **accuracy,
    )


@pytest.mark.parametrize("mean", [-0.3, -10.1])
def test_every_metric_is_computed_on_a_forgotten_class(mean):
    retrained = of_a_class(0, -10.1, 0.0)
    unlearned = of_a_class(1, mean, 0.0 if mean < -10 else 0.6)

    official = official_metric(unlearned, retrained)
    values = literature_metrics(Comparison(unlearned, retrained, seed=0))

    if mean < -10:
        assert official.forgetting_quality > 0.1
    else:
        assert official.forgetting_quality < 0.01
    missing = [value.name for value in values if value.value is None]
    assert all("TPR" in name for name in missing)  # those want more models
    known = [value.value for value in values if value.value is not None]
    assert np.isfinite(known).all()
