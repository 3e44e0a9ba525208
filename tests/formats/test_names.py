import tomllib
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import SkeletonError
from motionlift.formats import ReadOptions
from motionlift.formats import _names as names
from motionlift.formats._names import find_naming, read_naming
from motionlift.formats.bvh import read
from motionlift.kinematics import LIMB_LANDMARKS
from tests.formats.stick import STICK, write_stick

BUILT_IN = sorted((Path(names.__file__).parent / "names").glob("*.toml"))
OWN = {name: f"bone{number}" for number, name in enumerate(STICK)}


def own_toml(path: Path, extra: str = "", head: str = "") -> Path:
    """A naming for the stick figure with joints named bone0, bone1, ..."""
    sides = {
        "hip": "UpLeg",
        "knee": "Leg",
        "ankle": "Foot",
        "shoulder": "Arm",
        "elbow": "ForeArm",
        "wrist": "Hand",
    }
    lines = [
        f'{side}_{joint} = "{OWN[side.title() + word]}"'
        for side in ("left", "right")
        for joint, word in sides.items()
    ]
    lines.append(f'spine = ["{OWN["Spine"]}", "{OWN["Spine1"]}"]')
    lines.append(f'neck = "{OWN["Neck"]}"\nhead = "{OWN["Head"]}"')
    path.write_text(f"{extra}\n[joints]\n" + "\n".join(lines) + f"\n{head}\n")
    return path


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    path = own_toml(tmp_path / "own.toml")
    naming = read_naming(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_naming(path).joints == naming.joints


@pytest.mark.parametrize("path", BUILT_IN, ids=lambda path: path.stem)
def test_built_in_namings_are_whole_and_recognise_themselves(path: Path) -> None:
    naming = read_naming(path)
    assert set(LIMB_LANDMARKS) <= set(naming.joints)
    found, joints = find_naming([*naming.joints.values(), "SomeFinger"], source="some.bvh")
    assert found.name == path.stem
    assert joints == naming.joints


def test_an_own_naming_reads_an_unknown_skeleton(tmp_path: Path) -> None:
    path = write_stick(tmp_path / "a.bvh", rename=OWN)
    own = own_toml(tmp_path / "mine.toml", head='[head]\naxes = ["+x", "+y", "+z"]')
    (pose,) = read(path, ReadOptions(names=own))
    (expected,) = read(write_stick(tmp_path / "b.bvh"), ReadOptions())
    limbs = slice(0, 9)
    assert_allclose(pose.positions[:, limbs], expected.positions[:, limbs], atol=1e-9)
    assert pose.notes[0] == "joints named as mine"


def test_an_unknown_skeleton_is_an_error_that_shows_its_joints_and_a_toml(tmp_path: Path) -> None:
    path = write_stick(tmp_path / "a.bvh", rename=OWN)
    with pytest.raises(SkeletonError) as caught:
        read(path, ReadOptions())
    message = str(caught.value)
    assert "bone0, " in message
    assert "motionbuilder" in message
    template = tomllib.loads(message.split("\n\n", 1)[1])
    assert set(template["joints"]) == set(LIMB_LANDMARKS)


def test_the_template_filled_in_is_a_naming(tmp_path: Path) -> None:
    with pytest.raises(SkeletonError) as caught:
        find_naming(["a", "b"], source="a.bvh")
    text = str(caught.value).split("\n\n", 1)[1]
    for number, name in enumerate(LIMB_LANDMARKS):
        text = text.replace(f'{name} = ""', f'{name} = "bone{number}"')
    (tmp_path / "mine.toml").write_text(text)
    assert read_naming(tmp_path / "mine.toml").joints["left_hip"] == "bone0"


def test_the_naming_with_more_joints_wins() -> None:
    few = read_naming(next(path for path in BUILT_IN if path.stem == "motionbuilder"))
    joints = [joint for mark, joint in few.joints.items()]
    naming, _ = find_naming(joints, source="a.bvh")
    assert naming.name == "motionbuilder"


def test_an_own_naming_that_does_not_fit_says_which_joints_are_not_there(tmp_path: Path) -> None:
    own = own_toml(tmp_path / "mine.toml")
    with pytest.raises(
        SkeletonError, match=r"has no joints bone1, .*mine\.toml names; it has: Hips"
    ):
        read(write_stick(tmp_path / "a.bvh"), ReadOptions(names=own))


def test_own_unit_and_up_axis_are_used(tmp_path: Path) -> None:
    own = read_naming(own_toml(tmp_path / "mine.toml", 'metres_per_unit = 0.05\nup = "z"'))
    assert own.metres_per_unit == 0.05
    assert own.up == "z"


def test_head_axes_are_the_columns_named(tmp_path: Path) -> None:
    own = own_toml(tmp_path / "mine.toml", head='[head]\naxes = ["+y", "-z", "-x"]')
    expected = np.array([[0, 0, -1.0], [1, 0, 0], [0, -1, 0]])
    assert_allclose(read_naming(own).head_axes, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "cannot be read as TOML"),
        ('titel = "a"', "unknown titel; there are: head, joints"),
        ("joints = 3", r"joints must be a table, \[joints\]"),
        ('[joints]\nleft_hip = "a"', "does not name left_knee"),
        ('[joints]\nleft_hup = "a"', "unknown left_hup"),
        ("metres_per_unit = -1", "metres_per_unit is -1"),
        ("metres_per_unit = true", "metres_per_unit is True"),
        ('up = "w"', "up is 'w'"),
        ("[head]\nskull_base = [1, 2]", "skull_base is"),
    ],
)
def test_a_damaged_naming_is_an_error_that_says_what_is_wrong(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SkeletonError, match=rf"mine\.toml: .*{message}"):
        read_naming(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (OWN["LeftHand"], OWN["LeftArm"], "two landmarks the same joint"),
        (OWN["LeftHand"], "", "left_wrist is ''"),
        (f'["{OWN["Spine"]}", "{OWN["Spine1"]}"]', '"a"', "spine is 'a'; expected a list"),
        ('"+y"', '"-y"', "left x up must be forward"),
        ('"+y"', '"up"', "expected three such as"),
    ],
)
def test_a_naming_that_cannot_be_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = own_toml(tmp_path / "mine.toml", head='[head]\naxes = ["+x", "+y", "+z"]')
    old, new = (f'"{old}"', f'"{new}"') if old[0] not in '["' else (old, new)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(SkeletonError, match=message):
        read_naming(path)
