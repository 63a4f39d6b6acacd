"""The tables of ``show -v``: columns apart, within a terminal's 80."""

from harness.metrics.literature.metric_value import Direction, MetricValue
from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.results.metric_lines import metric_lines, precision_lines


def test_the_widest_interval_leaves_the_columns_apart():
    ends = (-300.0, -300.1234, -299.8765)
    name = "certified ε of the worst example"
    row = MetricValue(name, *ends, Direction.NULL, -10.1397, None, 8)

    heading, line = metric_lines([row])

    told = ["-300.0000", "-300.1234", "to", "-299.8765", "-10.1397"]
    assert line.removeprefix(name).split() == told
    assert len(line) == len(heading) <= 80


def test_f_against_n_says_whose_f_it_is():
    heading, line = precision_lines([SampleSizeRow(64, 0.1, 0.08, 0.12)])

    assert heading.split() == ["N", "official", "F", "95", "%", "interval"]
    assert line.split() == ["64", "0.1000", "0.0800", "to", "0.1200"]
    assert heading.index("official F") + len("official F") == line.index("0.1000") + 6
