"""Put the tracks, the banks and the submissions into the wheel, not the leaderboard."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_INSIDE = "harness/_shipped"


class ShippedFiles(BuildHookInterface[Any]):
    """Adds what lies beside the package in a checkout and inside it in a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files; an editable installation finds them where they are."""
        if version == "editable":
            return
        root = Path(self.root)
        included = build_data["force_include"]
        for path in (root / "reference_models").glob("*/*"):
            place = f"{_INSIDE}/reference_models/{path.parent.name}/{path.name}"
            included[str(path)] = place
        submissions = root / "submissions"
        for path in (*submissions.glob("*.py"), *submissions.glob("*/*.py")):
            included[str(path)] = f"{_INSIDE}/{path.relative_to(root)}"
