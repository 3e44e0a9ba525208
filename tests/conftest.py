"""Where the tests find the shared reference material; what needs it is skipped where it is not."""

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes on a busy machine says nothing of the code.
settings.register_profile("motionlift", deadline=None)
settings.load_profile("motionlift")

ROOT = Path(__file__).resolve().parents[1]
# The networks of the tests are tiny, and several processes share the cores: threads that wait for
# each other made the tests many times slower. Read when PyTorch is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with golden data, motion capture and detector output."""
    path = Path(os.environ.get("MOTIONLIFT_SHARED", ROOT.parent / "shared"))
    if not path.is_dir():
        pytest.skip("no shared reference material here; set MOTIONLIFT_SHARED to its folder")
    return path


@pytest.fixture(scope="session")
def mocap_source(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Unpacks one source of the shared motion capture, such as "bvh11", once a session."""
    base = tmp_path_factory.mktemp("mocap")

    def unpack(source: str) -> Path:
        folder = base / source
        if not folder.exists():
            with tarfile.open(shared / "mocap" / "archives" / f"{source}.tar.xz") as archive:
                archive.extractall(base, filter="data")
        return folder

    return unpack
