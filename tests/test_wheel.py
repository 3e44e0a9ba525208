"""The wheel works where there is no checkout: it holds every file that the package needs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.samples import write_openpose, write_tiny_weights

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*command: str, cwd: Path, path: Path | None = None) -> str:
    environment = {**os.environ, **({} if path is None else {"PYTHONPATH": str(path)})}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT))
    run(sys.executable, *build, cwd=ROOT)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed; what it depends on comes from this environment."""
    folder = tmp_path_factory.mktemp("site")
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder))
    run(sys.executable, *install, str(wheel), cwd=folder)
    return folder


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    listed = run("git", "ls-files", "src/motionlift", cwd=ROOT).splitlines()
    expected = {path.removeprefix("src/") for path in listed if (ROOT / path).exists()}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert expected - names == set()
    assert {"motionlift/py.typed", "motionlift/examples/walk.npz"} <= expected
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)


def test_the_installed_package_is_the_wheels(site: Path, tmp_path: Path) -> None:
    show = "import motionlift.api; print(motionlift.api.__file__)"
    assert run(sys.executable, "-c", show, cwd=tmp_path, path=site).startswith(str(site))
    version = run(sys.executable, "-m", "motionlift", "--version", cwd=tmp_path, path=site)
    assert version.startswith("motionlift 0.")


def test_the_installed_package_lifts_and_shows(site: Path, tmp_path: Path) -> None:
    weights = write_tiny_weights(tmp_path)
    write_openpose(tmp_path / "keypoints")
    motionlift = (sys.executable, "-m", "motionlift")
    said = run(*motionlift, "demo", "--model", str(weights), cwd=tmp_path, path=site)
    assert "lifted     400 frames" in said
    lift = (*motionlift, "lift", "keypoints", "-o", "motion.npz", "--model", str(weights))
    assert "lifted     12 frames" in run(*lift, cwd=tmp_path, path=site)
    run(*motionlift, "view", "motion.npz", cwd=tmp_path, path=site)
    assert (tmp_path / "motion.html").stat().st_size > 20_000
