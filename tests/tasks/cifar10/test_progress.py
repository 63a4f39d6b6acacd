"""What a terminal shows, and what anything else does not."""

import io

from rich.console import Console

from harness.tasks.cifar10.progress import Progress


def _shown(*, terminal):
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=80)
    with Progress(console) as progress:
        progress.reach(1)
        progress.say("waiting for [another]")
        progress.start("Downloading", 170_000_000)
        progress.reach(17_000_000)
        progress.start("Packing", None)
        progress.reach(0)
        progress.reach(3_000_000)
    return file.getvalue()


def test_a_terminal_shows_the_stages_their_bytes_and_the_news():
    shown = _shown(terminal=True)
    assert "waiting for [another]" in shown
    assert "Downloading" in shown
    assert "17 of 170 MB" in shown
    assert "MB/s" in shown
    assert "Packing" in shown
    assert "3 MB" in shown


def test_off_a_terminal_nothing_is_written():
    assert _shown(terminal=False) == ""
