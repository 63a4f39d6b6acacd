"""Which level is chosen, and what is said where one cannot be had."""

import json
import subprocess
import sys

import pytest

from harness.errors import UsageError
from harness.processes import WorkerDied
from harness.sandbox import (
    PROPERTIES,
    IsolationReport,
    Level,
    LevelNotAvailable,
    Sandbox,
    choose,
    probe,
    why_not,
)
from harness.sandbox.child.cpu_counter import perf_works
from harness.sandbox.child.probes import PROBES
from harness.sandbox.host import choosing, levels
from harness.sandbox.host import sandbox as sandbox_module
from harness.sandbox.host.cgroup import remove_leaf


@pytest.fixture
def fresh_probe():
    choosing.probe.cache_clear()
    yield choosing.probe
    choosing.probe.cache_clear()


@pytest.mark.parametrize("level", [Level.FULL, Level.PARTIAL])
def test_a_level_is_never_missed_because_a_probe_got_through(level):
    """Machines lack means; that a sandbox does not hold is a fault of ours."""
    assert "got through" not in why_not(level)


@pytest.mark.usefixtures("needs_full")
def test_the_full_level_enforces_every_property_required_of_it():
    report = probe(Level.FULL)
    assert report.missing == ()
    assert set(report.not_enforced) <= {PROPERTIES["cpu-time"].otherwise}


@pytest.mark.usefixtures("needs_partial")
def test_the_partial_level_says_what_it_does_not_enforce():
    report = probe(Level.PARTIAL)
    assert all(report.properties[name] for name in Level.PARTIAL.means.required)
    assert PROPERTIES["disk"].otherwise in report.not_enforced
    beyond_it = {"disk", "traces", "shared-memory", "tasks", "privileges", "cpu-time"}
    leaves = sandbox_module.make_leaves(98, 100)
    for leaf in leaves.distinct():
        remove_leaf(leaf)
    if leaves.memory is None:
        beyond_it.add("memory")
    assert {n for n, held in report.properties.items() if not held} <= beyond_it


@pytest.mark.usefixtures("needs_full")
@pytest.mark.skipif(not perf_works(), reason="perf is forbidden to this user")
def test_where_perf_works_no_cpu_time_is_missed():
    assert probe(Level.FULL).properties["cpu-time"]


def test_without_a_sandbox_almost_nothing_is_enforced():
    report = probe(Level.NONE)
    for name in ("files", "network", "processes", "signals", "traces"):
        assert not report.properties[name]
    assert choose(Level.NONE).not_enforced == report.not_enforced


@pytest.mark.parametrize("level", Level)
def test_a_sandbox_that_no_probe_has_tried_claims_nothing(level):
    everything = tuple(one.otherwise for one in PROPERTIES.values())
    assert Sandbox(level).not_enforced == everything
    assert not Sandbox(level).guards_template


def test_automatic_choice_takes_the_strictest_level_there_is():
    available = [level for level in Level if not why_not(level)]
    assert choose("auto").level == available[0]


def test_probes_are_run_once_a_process():
    assert probe(Level.NONE) is probe(Level.NONE)


def test_a_level_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(UsageError, match=r"--isolation strict is not legal: .*partial"):
        choose("strict")


def test_without_bubblewrap_the_message_says_how_to_install_it(
    monkeypatch, fresh_probe
):
    monkeypatch.setattr(levels, "find_bubblewrap", lambda: None)
    with pytest.raises(LevelNotAvailable, match="sudo apt install bubblewrap"):
        fresh_probe(Level.FULL)
    assert choose("auto").level is not Level.FULL


def test_without_landlock_the_message_names_the_kernel(monkeypatch, fresh_probe):
    monkeypatch.setattr(levels, "landlock_abi", lambda: 0)
    with pytest.raises(LevelNotAvailable, match="needs landlock, which Linux"):
        fresh_probe(Level.PARTIAL)


def test_other_systems_are_told_to_use_none(monkeypatch, fresh_probe):
    monkeypatch.setattr(levels, "this_architecture", lambda: None)
    with pytest.raises(LevelNotAvailable, match="use --isolation none"):
        fresh_probe(Level.FULL)
    assert choose("auto").level is Level.NONE


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("bwrap: setting up uid map: Permission denied", "apparmor_restrict"),
        ("bwrap: No permissions to create new namespace", "--security-opt"),
        ("bwrap: Creating new namespace failed: nesting depth", "--security-opt"),
        ("something else", "Use --isolation auto"),
    ],
)
def test_what_bubblewrap_says_is_answered_with_a_remedy(
    monkeypatch, fresh_probe, words, remedy
):
    def refuse(sandbox):
        raise WorkerDied(f"the sandbox ended unexpectedly: {words}")

    monkeypatch.setattr(levels, "find_bubblewrap", lambda: "/usr/bin/bwrap")
    monkeypatch.setattr(choosing, "probe_sandbox", refuse)
    with pytest.raises(LevelNotAvailable, match=remedy) as error:
        fresh_probe(Level.FULL)
    assert words in str(error.value)


@pytest.mark.parametrize("broken", sorted(Level.FULL.means.required))
def test_a_sandbox_that_one_required_probe_gets_through_is_not_full(
    monkeypatch, fresh_probe, broken
):
    properties = {name: name != broken for name in PROPERTIES}
    report = IsolationReport(Level.FULL, properties, {broken: "read a file"})
    monkeypatch.setattr(levels, "find_bubblewrap", lambda: "/usr/bin/bwrap")
    monkeypatch.setattr(choosing, "probe_sandbox", lambda sandbox: report)
    with pytest.raises(LevelNotAvailable, match=r"got through to .*read a file"):
        fresh_probe(Level.FULL)


CHOICE = """
import json
from harness.sandbox import Level, choose, why_not
chosen = choose("auto")
print(json.dumps([chosen.level, why_not(Level.FULL), chosen.not_enforced]))
"""


@pytest.mark.usefixtures("needs_full")
@pytest.mark.usefixtures("needs_partial")
def test_where_namespaces_are_forbidden_the_choice_falls_to_partial():
    """bubblewrap itself makes such a host: no user namespace, no capability."""
    host = ["bwrap", "--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
    host += ["--uid", "1000", "--dev-bind", "/", "/"]
    answer = subprocess.run(
        [*host, sys.executable, "-c", CHOICE],
        capture_output=True,
        text=True,
        check=False,
    )
    if "disable-userns" in answer.stderr:
        pytest.skip("this bubblewrap is too old to make such a host")
    level, reason, not_enforced = json.loads(answer.stdout)
    assert level == "partial"
    assert "--security-opt" in reason
    assert PROPERTIES["disk"].otherwise in not_enforced


def test_every_property_has_a_probe():
    assert set(PROPERTIES) <= set(PROBES)
