"""Build hook: wheel and sdist always carry the browser files. Nothing of the product lives here.

`pip wheel .` and `python -m build` in a fresh clone fetch them with npm first; an editable
install leaves that to `./run`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BrowserFiles(BuildHookInterface):
    """Fills maps/wasteflow_maps/vendor/ before the files of a distribution are gathered."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Collect the browser files if they are not there; refuse to build without them."""
        root = Path(self.root)
        if version == "editable" or (root / "maps" / "wasteflow_maps" / "vendor").is_dir():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                "the browser files are missing, and so is npm to fetch them: install Node (18 or "
                "newer) with npm and build again, or install the published wheel"
            )
        if not (root / "node_modules").is_dir():
            subprocess.run([npm, "ci", "--no-fund", "--no-audit"], cwd=root, check=True)
        path = os.pathsep.join([str(root), str(root / "maps")])
        subprocess.run(
            [sys.executable, "-m", "wasteflow_maps.assets", "collect"],
            cwd=root,
            env={**os.environ, "PYTHONPATH": path},
            check=True,
        )
