"""Hide CPU time and memory in every way known, and pass numbers to the next run."""

import pytest
from hiding import (
    CHANNEL_SOURCE,
    CHANNEL_WAYS,
    CPU_SOURCE,
    CPU_WAYS,
    MEMORY_SOURCE,
    MEMORY_WAYS,
)

SECONDS, BYTES = 0.3, 96 << 20
#: What is left to a run, and said in SECURITY.md.
DOCUMENTED = {"pipe"}
#: What is not to be had at all, at any level.
REFUSED = {
    *("cookie", "network_cookie", "mount", "process_handle", "shared_memory"),
    *("socket_name", "idle", "interrupts", "file_system"),
}


@pytest.mark.claims("cpu-time")
@pytest.mark.parametrize("way", CPU_WAYS)
def test_all_cpu_time_is_counted(lab, way):
    report = lab.call(CPU_SOURCE, WAY=way, SECONDS=SECONDS)
    assert report.failure is None, report.failure
    assert report.usage.cpu_seconds >= 0.95 * SECONDS


@pytest.mark.claims("memory")
@pytest.mark.parametrize("way", MEMORY_WAYS)
def test_memory_of_no_process_is_counted_or_refused(lab, way):
    assert_counted(lab, way)


@pytest.mark.parametrize("way", ["dead_leader", "mappings", "futex_hash"])
def test_without_a_cgroup_it_is_found_by_looking_or_refused(uncounted, way):
    assert_counted(uncounted, way)


def assert_counted(lab, way):
    baseline = lab.call("def unlearning(net, *sets):\n    return net\n").usage
    words = {"WAY": way, "BYTES": BYTES, "HOLD": 1.5}
    report = lab.call(MEMORY_SOURCE, memory_bytes=8 << 30, **words)
    assert report.failure is None, report.failure
    counted = report.usage.peak_bytes - baseline.peak_bytes
    assert counted >= 0.7 * int(report.output) - (4 << 20)


@pytest.mark.claims("system-calls", "files")
def test_what_the_kernel_counts_for_the_whole_machine_is_refused(lab):
    lines = lab.said(CHANNEL_SOURCE, WAYS=sorted(REFUSED)).splitlines()
    assert lines == [f"{way} refused" for way in sorted(REFUSED)]


@pytest.mark.claims("traces", "read-only")
def test_no_number_of_the_whole_machine_passes_from_run_to_run(lab):
    if not lab.level.means.namespaces:
        pytest.skip("without a PID namespace process numbers grow from run to run")
    ways = [way for way in CHANNEL_WAYS if way not in DOCUMENTED]
    first, second = (lab.said(CHANNEL_SOURCE, WAYS=ways) for _ in range(2))
    assert first == second
