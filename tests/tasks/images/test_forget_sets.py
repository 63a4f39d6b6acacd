"""Other forget sets than random ones, from the training to every metric."""

import numpy as np
import pytest

from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.registry import literature_metrics
from harness.metrics.official.metric import official_metric
from harness.models.records import stack
from harness.reference.training import train_member
from harness.track import find_track

N = 4


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


def test_every_metric_is_computed_on_a_forgotten_class(models):
    retrained, originals = models

    official = official_metric(originals, retrained)
    values = literature_metrics(Comparison(originals, retrained, seed=0))

    assert 0 <= official.forgetting_quality < 0.2
    by_name = {value.name: value for value in values}
    assert by_name["forget accuracy gap"].value > 0.02
    known = [value.value for value in values if value.value is not None]
    assert np.isfinite(known).all()
