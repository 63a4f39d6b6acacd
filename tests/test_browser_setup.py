"""Asked for a browser, the script has one or fails: CI would skip tests of pages."""

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts" / "install_browser.sh"


def test_without_a_browser_it_fails_and_says_what_is_missing(tmp_path):
    told = subprocess.run(
        ["/bin/sh", SCRIPT],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1
    for missing in ("sudo apt-get install chromium", "playwright", "axe-core"):
        assert missing in told.stderr
