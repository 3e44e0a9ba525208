"""The documentation site is whole: every page in the navigation, every link and docstring found."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    start = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "Quick start" in start
    functions = (tmp_path / "site" / "reference" / "functions.html").read_text("utf-8")
    assert 'id="motionlift.api.lift"' in functions


def test_pages_fetch_nothing_from_elsewhere() -> None:
    settings = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert "font: false" in settings
    assert "cdn" not in settings
