from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError
from motionlift.formats import ReadOptions, amass, find_format
from motionlift.formats._smpl import BODY_JOINTS, find_model
from motionlift.kinematics import NOSE_OFFSET, joints_from_landmarks, leg_length
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17
from tests.formats.bodies import to_z_up, walking
from tests.formats.fuzzing import assert_survives, packed, unpacked

_VERTICES = {52: 6890, 55: 10475, 24: 6890}
_PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19]
_UPRIGHT = (np.pi / 2, 0, 0)  # from the model's y up to AMASS's z up
_SHIFT = np.arange(4)[:, None] * [0.0, 0.0, 0.1]


def _rest() -> dict[str, np.ndarray]:
    """The walking body's first pose, with the joints that only the models have."""
    body = {name: path[0] for name, path in walking(1).items()}
    body["pelvis"] = np.array([0.0, 0.95, 0.0])
    body["spine_3"] = np.array([0.0, 1.3, -0.02])
    for side in ("left", "right"):
        body[f"{side}_foot"] = body[f"{side}_ankle"] + [0, -0.05, 0.12]
        body[f"{side}_collar"] = (body["neck"] + body[f"{side}_shoulder"]) / 2
    return body


def _write_model(path: Path, *, joints: int = 52, surface: bool = False) -> Path:
    """A model whose first vertices stand in its joints; its one shape parameter makes it larger."""
    vertices = _VERTICES[joints]
    places = [_rest()[name] for name in BODY_JOINTS]
    template = np.zeros((vertices, 3))
    template[:joints] = [*places, *[places[-1]] * (joints - len(places))]
    parents = [*_PARENTS, *[20] * (joints - len(_PARENTS))]
    arrays = {
        "v_template": template,
        "shapedirs": 0.1 * template[..., None],
        "J_regressor": np.eye(joints, vertices),
        "kintree_table": np.array([[2**32 - 1, *parents[1:]], range(joints)], dtype=np.uint32),
        "f": np.zeros((4, 3), np.uint32),
        "bs_style": np.array("lbs"),
    }
    if surface:
        weights = np.zeros((vertices, joints), np.float32)
        weights[:, 0] = 1
        weights[:joints] = np.eye(joints)
        poses = np.zeros((vertices, 3, 9 * (joints - 1)), np.float32)
        # The nose's point moves 1 cm to the left for every unit of one element of the head's turn.
        poses[joints, 0, 9 * (BODY_JOINTS.index("head") - 1) + 2] = 0.01
        template[joints] = _rest()["head"] + [0, 0, 0.13]
        weights[joints] = np.eye(joints)[BODY_JOINTS.index("head")]
        arrays |= {"weights": weights, "posedirs": poses}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def _write_motion(path: Path, *, columns: int = 156, **changes: object) -> Path:
    poses = np.zeros((4, columns))
    poses[:, :3] = _UPRIGHT
    # The root turns about where it stands, not about the origin.
    root = _rest()["pelvis"]
    arrays = {
        "poses": poses,
        "trans": to_z_up(root + _SHIFT) - root,
        "betas": np.zeros(16),
        "dmpls": np.zeros((4, 8)),
        "gender": np.array("female"),
        "mocap_framerate": np.array(59.94),
        **changes,
    }
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def _turned(joint: str, *angles: float) -> np.ndarray:
    poses = np.zeros((4, 156))
    poses[:, :3] = _UPRIGHT
    poses[:, 3 * BODY_JOINTS.index(joint) :][:, :3] = angles
    return poses


def _read(path: Path, **options: object) -> Pose3D:
    model = path.parent / "models"
    if not model.exists():
        _write_model(model / "female" / "model.npz")
    (pose,) = amass.read(path, ReadOptions(**{"body_model": model, **options}))
    return pose


def test_the_rest_pose_stands_as_the_model_says(tmp_path: Path) -> None:
    pose = _read(_write_motion(tmp_path / "a.npz"))
    body = {name: place + _SHIFT for name, place in _rest().items() if name != "pelvis"}
    upright = np.broadcast_to(np.eye(3), (4, 3, 3))
    expected = joints_from_landmarks(body, head_rotation=upright)
    assert_allclose(pose.positions, expected, atol=1e-9)
    assert pose.fps == 59.94
    assert pose.notes[0] == "SMPL+H, female"


def test_knee_bent_a_quarter_puts_the_ankle_behind(tmp_path: Path) -> None:
    pose = _read(_write_motion(tmp_path / "a.npz", poses=_turned("left_knee", np.pi / 2, 0, 0)))
    shank = _rest()["left_ankle"] - _rest()["left_knee"]
    bent = [shank[0], -shank[2], shank[1]]
    assert_allclose(pose.joint("left_ankle")[0], _rest()["left_knee"] + bent, atol=1e-9)
    assert pose.joint("left_ankle")[0, 2] < -0.3


def test_head_turned_to_the_left_points_the_nose_there(tmp_path: Path) -> None:
    pose = _read(_write_motion(tmp_path / "a.npz", poses=_turned("head", 0, np.pi / 2, 0)))
    size = leg_length({name: place[None] for name, place in _rest().items()})
    assert_allclose(pose.joint("nose")[0], _rest()["head"] + [size * NOSE_OFFSET[2], 0, 0])


def test_shape_parameters_change_the_body(tmp_path: Path) -> None:
    pose = _read(_write_motion(tmp_path / "a.npz", betas=np.array([1.0, 5.0, 5.0])))
    width = pose.joint("left_shoulder") - pose.joint("right_shoulder")
    assert_allclose(width, np.broadcast_to([1.1 * 0.36, 0, 0], (4, 3)), atol=1e-9)


def test_smplx_has_its_own_model_and_names(tmp_path: Path) -> None:
    _write_model(tmp_path / "models" / "SMPLX_MALE.npz", joints=55)
    path = _write_motion(
        tmp_path / "a_stageii.npz",
        columns=165,
        gender=np.array("male"),
        surface_model_type=np.array("smplx"),
        mocap_framerate=None,
        mocap_frame_rate=np.array(120.0),
    )
    pose = _read(path)
    assert pose.fps == 120
    assert pose.notes[:2] == ("SMPL-X, male", "body model SMPLX_MALE.npz")
    assert_allclose(pose.joint("left_ankle")[0], _rest()["left_ankle"], atol=1e-9)


@pytest.mark.parametrize(
    ("gender", "said"),
    [
        (np.array("male"), "male"),
        (np.array(b"female"), "female"),
        (np.array("male", dtype=object), "male"),
        (np.array([b"neutral"]), "neutral"),
        (None, "neutral"),
    ],
)
def test_gender_is_read_however_it_is_written(
    tmp_path: Path, gender: np.ndarray | None, said: str
) -> None:
    model = _write_model(tmp_path / "model.npz")
    path = _write_motion(tmp_path / "a.npz", gender=gender, dmpls=None)
    assert _read(path, body_model=model).notes[0] == f"SMPL+H, {said}"


@pytest.mark.parametrize("joints", [24, 52])
def test_smpls_72_numbers_go_with_a_model_of_smpl_or_smplh(tmp_path: Path, joints: int) -> None:
    model = _write_model(tmp_path / "model.npz", joints=joints)
    bent = _turned("left_knee", np.pi / 2, 0, 0)
    pose = _read(_write_motion(tmp_path / "a.npz", poses=bent[:, :72]), body_model=model)
    whole = _read(
        _write_motion(tmp_path / "b.npz", poses=bent),
        body_model=_write_model(tmp_path / "whole.npz"),
    )
    assert_allclose(pose.positions, whole.positions, atol=1e-9)
    assert pose.notes[0] == "SMPL, female"


def test_without_a_model_of_the_gender_the_neutral_one_is_taken_and_said(tmp_path: Path) -> None:
    neutral = tmp_path / "neutral" / "model.npz"
    neutral.parent.mkdir()
    neutral.touch()
    assert find_model(tmp_path, gender="male") == (
        neutral,
        "body model neutral/model.npz: there is none for male",
    )
    with pytest.raises(FormatError, match=r"expected female/model\.npz or .* _FEMALE\.npz"):
        find_model(tmp_path / "elsewhere", gender="female")


def test_a_regressor_takes_joints_from_the_posed_surface(tmp_path: Path) -> None:
    model = _write_model(tmp_path / "model.npz", joints=24, surface=True)
    regressor = np.zeros((17, 6890), np.float32)
    for number, joint in enumerate(H36M17.joints):
        vertex = BODY_JOINTS.index(joint) if joint in BODY_JOINTS else 24
        regressor[number, vertex] = 1
    np.save(tmp_path / "h36m.npy", regressor)
    options = {"body_model": model, "joint_regressor": tmp_path / "h36m.npy"}
    angle = np.pi / 2
    path = _write_motion(tmp_path / "a.npz", poses=_turned("head", 0, angle, 0))
    pose = _read(path, **options)
    assert_allclose(pose.joint("left_ankle")[0], _rest()["left_ankle"], atol=1e-6)
    # Turned to its left, the head has sin(angle) as the third element of its turn; then all of it
    # turns: what moved to the left before it points backward.
    expected = _rest()["head"] + [0.13, 0, -0.01]
    assert_allclose(pose.joint("nose")[0], expected, atol=1e-6)
    assert any("from the surface by h36m.npy" in note for note in pose.notes)


def test_without_a_body_model_the_error_says_what_to_fetch(tmp_path: Path) -> None:
    path = _write_motion(tmp_path / "a.npz")
    with pytest.raises(FormatError, match=r"parameters of SMPL\+H; give .* --body-model"):
        amass.read(path, ReadOptions())


def test_a_model_of_another_kind_is_an_error(tmp_path: Path) -> None:
    model = _write_model(tmp_path / "SMPLX_FEMALE.npz", joints=55)
    with pytest.raises(FormatError, match=r"surface has 6890 points; .* has 10475"):
        _read(_write_motion(tmp_path / "a.npz"), body_model=model)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"poses": np.zeros((4, 150))}, r"expected \(frames, 72, 156 or 165\)"),
        ({"trans": np.zeros((3, 3))}, r"trans \(3, 3\)"),
        ({"betas": np.full(16, np.nan)}, "'betas' holds NaN"),
        ({"mocap_framerate": None}, "--fps"),
        ({"mocap_framerate": np.array(0.0)}, "--fps"),
    ],
)
def test_what_does_not_fit_is_an_error(
    tmp_path: Path, changes: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        _read(_write_motion(tmp_path / "a.npz", **changes))


def test_recognised_by_content(tmp_path: Path) -> None:
    path = _write_motion(tmp_path / "a.npz")
    assert find_format(path, kind="motion").name == "amass"
    np.savez(tmp_path / "shape.npz", betas=np.zeros(16), gender=np.array("male"))
    assert not amass.FORMAT.sniff(tmp_path / "shape.npz")


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("member", ["poses", "betas", "gender", "mocap_framerate"])
def test_damaged_files_give_clear_errors(tmp_path: Path, member: str, count: int) -> None:
    path = _write_motion(tmp_path / "a.npz")
    _read(path)  # the model is kept
    members = unpacked(path)
    assert_survives(
        lambda: [_read(path)],
        path,
        count=count,
        inside=members[member],
        wrap=lambda damaged: packed({**members, member: damaged}),
    )
