"""What every reader of motion owes, whatever it is given; a new format is held to it at once."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motionlift.errors import MotionliftError
from motionlift.formats import FORMATS, ReadOptions, find_format

_MOTION = [each.name for each in FORMATS if each.kind == "motion" and each.read_motion is not None]
# How files of these formats begin: what comes after is more often looked at.
_BEGINNINGS = (
    b"",
    b"HIERARCHY\nROOT ",
    b":FULLY-SPECIFIED\n:DEGREES\n1\nroot ",
    b"PathFileType\t4\n",
    b"PK\x03\x04",
    b"\x80\x04\x95",
    b"\x80\x04}(\x8c\x05train\x8c\x08joint_2d",
    b'{"joints3d_25": ',
    b"\x02\x50" + bytes(513) + b"\x54",
)

_content = st.builds(lambda start, rest: start + rest, st.sampled_from(_BEGINNINGS), st.binary())


def test_names_of_formats_are_those_of_their_modules() -> None:
    for name in FORMATS.names():
        assert FORMATS.get(name).name == name


@pytest.mark.parametrize("name", _MOTION)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=_content)
def test_anything_is_read_or_refused_with_a_clear_error(
    tmp_path: Path, name: str, content: bytes
) -> None:
    each = FORMATS.get(name)
    path = tmp_path / f"a{(each.suffixes or ('.dat',))[0]}"
    path.write_bytes(content)
    assert each.sniff(path) in (True, False)
    assert each.read_motion is not None
    try:
        assert each.read_motion(path, ReadOptions())
    except MotionliftError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize("name", _MOTION)
def test_a_folder_or_nothing_is_no_file_of_any_format(tmp_path: Path, name: str) -> None:
    each = FORMATS.get(name)
    assert each.read_motion is not None
    for path in (tmp_path, tmp_path / "nothing"):
        assert not each.sniff(path)
        with pytest.raises(MotionliftError, match=str(path)):
            each.read_motion(path, ReadOptions())


def test_what_no_format_knows_is_an_error_that_lists_them(tmp_path: Path) -> None:
    path = tmp_path / "a.bvh"
    path.write_text("no motion")
    with pytest.raises(MotionliftError, match=r"not motion in any known format .*BVH.*C3D"):
        find_format(path, kind="motion")
