"""Files for other programs, read back by other programs' libraries."""

import json
import os
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pybvh
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError
from motionlift.example import make_example
from motionlift.finishing import LiftOptions, finish
from motionlift.formats import find_writer, read_motion
from motionlift.formats._fixed_skeleton import NODES, fix_skeleton
from motionlift.poses import Pose3D
from motionlift.scale import stature
from motionlift.skeletons import H36M17
from tests.formats.motion import lifted
from tests.samples import lifted_walk

NAMES = ("out.bvh", "out.trc", "out.c3d", "out.glb")


def _walk(*, frames: int = 30, noise: float = 0.003) -> Pose3D:
    """Somebody of human size who walks and swings their arms, in metres; bones change a little."""
    places = {"pelvis": (0, 0.95, 0), "spine": (0, 1.2, 0), "thorax": (0, 1.42, 0)}
    places |= {"nose": (0, 1.6, 0.1), "head_top": (0, 1.75, 0)}
    positions = np.zeros((frames, 17, 3))
    for name, place in places.items():
        positions[:, H36M17.index(name)] = place
    swing = 0.5 * np.sin(np.arange(frames) / 4)
    for side, sign in (("left", 1), ("right", -1)):
        for first, start, way, lengths in (
            ("hip", (0.1, 0.95, 0), 1, {"knee": 0.43, "ankle": 0.42}),
            ("shoulder", (0.18, 1.42, 0), -1, {"elbow": 0.29, "wrist": 0.26}),
        ):
            place = np.array(start) * [sign, 1, 1]
            positions[:, H36M17.index(f"{side}_{first}")] = place
            angle = swing * sign * way
            for joint, length in lengths.items():
                step = np.stack([0 * angle, -np.cos(angle), np.sin(angle)], axis=-1)
                place = place + length * step
                positions[:, H36M17.index(f"{side}_{joint}")] = place
                angle = angle - way * (0.3 + 0.3 * np.sin(np.arange(frames) / 4))
    positions[..., 2] += np.arange(frames)[:, None] * 0.04
    positions += np.random.default_rng(3).normal(0, noise, positions.shape)
    return Pose3D(
        skeleton=H36M17,
        positions=positions,
        confidence=np.ones((frames, 17)),
        frame_index=np.arange(frames),
        fps=30.0,
        source="walk",
    )


def _written(motion: Pose3D, path: Path) -> Path:
    write = find_writer(path).write
    assert write is not None
    write(motion, path)
    return path


def test_bvh_read_by_pybvh_has_the_joints_within_what_bones_changed(tmp_path: Path) -> None:
    motion = _walk()
    solved = fix_skeleton(motion.positions)
    file = pybvh.read_bvh_file(str(_written(motion, tmp_path / "out.bvh")))
    assert file.frame_count == 30
    assert file.fps == pytest.approx(30, abs=1e-3)
    positions = file.joint_positions() / 100
    names = [node.name for node in NODES if node.joint is not None]
    ours = [H36M17.index(node.joint) for node in NODES if node.joint is not None]
    theirs = [file.joint_names.index(name) for name in names]
    apart = np.linalg.norm(positions[:, theirs] - motion.positions[:, ours], axis=-1)
    assert_allclose(apart, solved.error[:, ours], atol=1e-6)
    assert 0.0005 < apart.max() < 0.03


def test_bvh_read_by_our_own_reader_is_the_same_person(tmp_path: Path) -> None:
    motion = _walk(noise=0.0)
    (back,) = read_motion(_written(motion, tmp_path / "out.bvh"))
    assert_allclose(back.positions, motion.positions, atol=0.03)
    limbs = [k for k, name in enumerate(H36M17.joints) if "_" in name and name != "head_top"]
    solved = fix_skeleton(motion.positions)
    apart = np.linalg.norm(back.positions - motion.positions, axis=-1)
    assert_allclose(apart[:, limbs], solved.error[:, limbs], atol=1e-5)


@pytest.mark.parametrize("name", ["out.trc", "out.c3d"])
def test_points_come_back_to_a_hundredth_of_a_millimetre(tmp_path: Path, name: str) -> None:
    pytest.importorskip("ezc3d")
    motion = _walk()
    positions, confidence = motion.positions.copy(), motion.confidence.copy()
    wrist = H36M17.index("right_wrist")
    positions[3, wrist], confidence[3, wrist] = np.nan, 0
    motion = replace(motion, positions=positions, confidence=confidence)
    (back,) = read_motion(_written(motion, tmp_path / name))
    # The spine is worked out anew, as half the way along the trunk.
    same = [
        k for k, joint in enumerate(H36M17.joints) if joint not in ("spine", "pelvis", "thorax")
    ]
    assert_allclose(back.positions[:, same], positions[:, same], atol=1e-5)
    assert back.fps == 30
    assert back.frame_index.tolist() == list(range(30))


def test_c3d_read_by_ezc3d_says_millimetres_and_what_was_not_seen(tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    motion = _walk()
    positions, confidence = motion.positions.copy(), motion.confidence.copy()
    positions[3, 16], confidence[3, 16] = np.nan, 0
    motion = replace(motion, positions=positions, confidence=confidence)
    file = ezc3d.c3d(str(_written(motion, tmp_path / "out.c3d")))
    point = file["parameters"]["POINT"]
    assert point["LABELS"]["value"] == list(H36M17.joints)
    assert point["UNITS"]["value"] == ["mm"]
    assert point["Y_SCREEN"]["value"] == ["+Y"]
    assert point["RATE"]["value"][0] == 30
    assert file["data"]["meta_points"]["residuals"][0, 16, 2:5].tolist() == [0, -1, 0]
    assert_allclose(file["data"]["points"][:3, :, 9].T / 1000, positions[9], atol=1e-6)


def test_trc_is_a_table_of_names_units_and_metres(tmp_path: Path) -> None:
    motion = _walk()
    lines = _written(motion, tmp_path / "out.trc").read_text().splitlines()
    assert lines[2].split("\t")[:5] == ["30", "30", "30", "17", "m"]
    assert lines[3].split("\t")[2::3][:17] == list(H36M17.joints)
    assert lines[5].split("\t")[:2] == ["1", "0.0000000"]
    cells = [float(cell) for cell in lines[14].split("\t")]
    assert_allclose(cells[2:], motion.positions[9].reshape(-1), atol=1e-7)


def _read_glb(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    binary = 20 + size
    assert data[binary + 4 : binary + 8] == b"BIN\0"
    return json.loads(data[20:binary]), data[binary + 8 :]


def _accessor(content: dict[str, Any], data: bytes, number: int) -> np.ndarray:
    accessor = content["accessors"][number]
    view = content["bufferViews"][accessor["bufferView"]]
    dtype = {5126: "<f4", 5123: "<u2", 5121: "u1"}[accessor["componentType"]]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor["type"]]
    count = accessor["count"] * width
    array = np.frombuffer(data, dtype, count, view["byteOffset"])
    return array.reshape(accessor["count"], width)


def _placed(content: dict[str, Any], data: bytes) -> dict[str, np.ndarray]:
    """Where each node is in each frame, by the rules of glTF."""
    from scipy.spatial.transform import Rotation

    animation = content["animations"][0]
    moving: dict[tuple[int, str], np.ndarray] = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        target = (channel["target"]["node"], channel["target"]["path"])
        moving[target] = _accessor(content, data, sampler["output"])
        times = _accessor(content, data, sampler["input"])[:, 0]
    placed: dict[str, np.ndarray] = {"": times}

    def visit(number: int, above: np.ndarray) -> None:
        node = content["nodes"][number]
        matrix = np.tile(np.eye(4), (len(times), 1, 1))
        if (number, "rotation") in moving:
            matrix[:, :3, :3] = Rotation.from_quat(moving[number, "rotation"]).as_matrix()
        matrix[:, :3, :3] *= np.array(node.get("scale", [1, 1, 1]))
        matrix[:, :3, 3] = moving.get((number, "translation"), node.get("translation", [0, 0, 0]))
        matrix = above @ matrix
        placed[node["name"]] = matrix[:, :3, 3]
        for child in node.get("children", []):
            visit(child, matrix)

    for number in content["scenes"][0]["nodes"]:
        visit(number, np.tile(np.eye(4), (len(times), 1, 1)))
    return placed


def test_glb_moves_the_joints_as_they_were_lifted(tmp_path: Path) -> None:
    motion = _walk()
    content, data = _read_glb(_written(motion, tmp_path / "out.glb"))
    placed = _placed(content, data)
    solved = fix_skeleton(motion.positions)
    for node in NODES:
        if node.joint is None:
            continue
        joint = H36M17.index(node.joint)
        apart = np.linalg.norm(placed[node.name] - motion.positions[:, joint], axis=-1)
        assert_allclose(apart, solved.error[:, joint], atol=1e-5)
    assert_allclose(placed[""], np.arange(30) / 30, atol=1e-6)


def test_glb_figure_hangs_on_the_skeleton(tmp_path: Path) -> None:
    content, data = _read_glb(_written(_walk(), tmp_path / "out.glb"))
    primitive = content["meshes"][0]["primitives"][0]
    joints = _accessor(content, data, primitive["attributes"]["JOINTS_0"])
    weights = _accessor(content, data, primitive["attributes"]["WEIGHTS_0"])
    faces = _accessor(content, data, primitive["indices"])
    assert len(joints) == 16 * 6  # a bone for each joint but the root
    assert joints.max() < len(content["skins"][0]["joints"])
    assert (weights.sum(axis=1) == 1).all()
    assert faces.max() == len(joints) - 1


def test_glb_passes_the_validator_of_khronos(tmp_path: Path) -> None:
    node = shutil.which("node")
    find = "try { console.log(require.resolve('gltf-validator')) } catch { }"
    if node is None or not subprocess.run([node, "-e", find], capture_output=True).stdout.strip():
        pytest.skip("needs node and the npm package gltf-validator (on NODE_PATH)")
    check = (
        "require('gltf-validator').validateBytes(new Uint8Array(require('fs').readFileSync("
        "process.argv[1]))).then(r => console.log(JSON.stringify(r.issues)))"
    )
    for number, motion in enumerate((_walk(), _walk(frames=1), lifted_whole())):
        path = _written(motion, tmp_path / f"{number}.glb")
        ran = subprocess.run([node, "-e", check, str(path)], capture_output=True, check=True)
        issues = json.loads(ran.stdout)
        assert issues["numErrors"] == issues["numWarnings"] == 0, issues["messages"]


def lifted_whole() -> Pose3D:
    """Lifted motion in pixels, camera space, nothing missing."""
    motion = lifted()
    positions = np.nan_to_num(motion.positions)
    return replace(motion, positions=positions, confidence=np.ones((4, 17)))


def test_camera_space_becomes_y_up_and_left_stays_left(tmp_path: Path) -> None:
    walk = _walk(noise=0.0)
    camera = replace(walk, positions=walk.positions * [1, -1, -1], space="camera")
    one = _written(walk, tmp_path / "a.trc").read_text().splitlines()[5:]
    other = _written(camera, tmp_path / "b.trc").read_text().splitlines()[5:]
    for a, b in zip(one, other, strict=True):
        assert_allclose(
            [float(cell) for cell in a.split("\t")], [float(cell) for cell in b.split("\t")]
        )


def test_pixels_stay_pixels_and_take_the_roots_path(tmp_path: Path) -> None:
    motion = lifted_whole()
    lines = _written(motion, tmp_path / "out.trc").read_text().splitlines()
    assert lines[2].split("\t")[4] == "px"
    assert motion.root_xy is not None
    cells = np.array([line.split("\t") for line in lines[5:]], dtype=float)
    moved = motion.root_xy[3] - motion.root_xy[0]
    pelvis = cells[3, 2:5] - motion.positions[3, 0] * [1, -1, -1]
    assert_allclose(pelvis, [moved[0], -moved[1], 0], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("has_camera", [False, True])
def test_somebody_of_known_height_stands_upright_on_the_ground(
    tmp_path: Path, name: str, has_camera: bool
) -> None:
    truth = make_example().truth.joint("pelvis")
    walk = replace(lifted_walk(), root_xy=640 + 240 * truth[:, :2])
    lens = {"focal": 1450.0, "image_size": (1280, 720)} if has_camera else {}
    motion = finish(walk, LiftOptions(height=1.75, **lens))
    joints = _joints_in(_written(motion, tmp_path / name))
    index = H36M17.index
    ankles = joints[:, [index("left_ankle"), index("right_ankle")], 1].min(axis=1)
    # An ankle is 7 cm above the ground; somebody walking holds the head at 1.6 to 1.8 m.
    assert np.percentile(ankles, 10) == pytest.approx(0.068, abs=0.04)
    assert 1.6 < np.median(joints[:, index("head_top"), 1]) < 1.85
    assert stature(joints) == pytest.approx(1.75, abs=0.02)
    assert np.ptp(joints[:, index("pelvis"), 0]) == pytest.approx(np.ptp(truth[:, 0]), rel=0.1)


def _joints_in(path: Path) -> np.ndarray:
    """The joints that a file holds, in metres, y up."""
    if path.suffix != ".glb":
        return read_motion(path)[0].positions.astype(np.float64)
    placed = _placed(*_read_glb(path))
    names = {node.joint: node.name for node in NODES if node.joint is not None}
    return np.stack([placed[names[joint]] for joint in H36M17.joints], axis=1)


def test_glb_of_unknown_scale_is_one_unit_tall_and_says_so(tmp_path: Path) -> None:
    walk = _walk(noise=0.0)
    motion = replace(walk, positions=walk.positions * 400, units="px")
    content, data = _read_glb(_written(motion, tmp_path / "out.glb"))
    placed = _placed(content, data)
    assert "person of unknown scale, one unit tall" in placed
    height = np.linalg.norm(placed["HeadTop"][0] - placed["LeftFoot"][0])
    assert 0.85 < height < 1.05


@pytest.mark.parametrize("name", NAMES)
def test_unknown_frame_rate_is_an_error_that_says_how_to_give_it(tmp_path: Path, name: str) -> None:
    pytest.importorskip("ezc3d")
    with pytest.raises(FormatError, match="give --fps"):
        _written(replace(_walk(), fps=None), tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out.bvh", "out.glb"])
def test_missing_joints_are_refused_where_they_cannot_be_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match=r"spine is missing in frame 8 \(and 0 times more\)"):
        _written(lifted(), tmp_path / name)


@pytest.mark.parametrize("name", ["out.bvh", "out.glb"])
def test_frames_before_and_after_the_person_are_left_out(tmp_path: Path, name: str) -> None:
    walk = replace(_walk(frames=20), root_xy=np.ones((20, 2)), expected_error=np.ones((20, 17)))
    part = replace(
        walk,
        positions=walk.positions[5:17],
        confidence=walk.confidence[5:17],
        frame_index=walk.frame_index[5:17],
        root_xy=None,
        expected_error=None,
    )
    written = _written(_without(walk, slice(0, 5), slice(17, 20)), tmp_path / name)
    assert written.read_bytes() == _written(part, tmp_path / f"part{name[3:]}").read_bytes()
    with pytest.raises(FormatError, match=f"missing in frame {walk.frame_index[9]} "):
        _written(_without(walk, slice(0, 5), slice(9, 10)), tmp_path / name)
    with pytest.raises(FormatError, match="missing in frame"):
        _written(_without(walk, slice(0, 20)), tmp_path / name)


def _without(pose: Pose3D, *frames: slice) -> Pose3D:
    """The motion with nobody there in these frames."""
    positions, confidence = pose.positions.copy(), pose.confidence.copy()
    for each in frames:
        positions[each], confidence[each] = np.nan, 0
    return replace(pose, positions=positions, confidence=confidence)


@pytest.mark.parametrize("name", NAMES)
def test_one_frame_is_enough(tmp_path: Path, name: str) -> None:
    pytest.importorskip("ezc3d")
    assert _written(_walk(frames=1), tmp_path / name).stat().st_size > 0


def _every(step: int, frames: int = 30) -> Pose3D:
    return replace(_walk(), frame_index=np.arange(frames) * step + 38)


@pytest.mark.parametrize("name", ["out.trc", "out.c3d"])
def test_a_walk_that_begins_later_comes_back_at_its_own_frames(tmp_path: Path, name: str) -> None:
    pytest.importorskip("ezc3d")
    motion = _every(1)
    (back,) = read_motion(_written(motion, tmp_path / name))
    assert back.frame_index.tolist() == motion.frame_index.tolist()


def test_every_other_frame_plays_as_long_as_it_took(tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    motion = _every(2)
    assert pybvh.read_bvh_file(str(_written(motion, tmp_path / "out.bvh"))).fps == pytest.approx(15)
    file = ezc3d.c3d(str(_written(motion, tmp_path / "out.c3d")))
    assert file["parameters"]["POINT"]["RATE"]["value"][0] == 15
    assert file["data"]["points"].shape[2] == 30


def test_frames_that_are_left_out_are_unseen_in_c3d_and_refused_in_bvh(tmp_path: Path) -> None:
    pytest.importorskip("ezc3d")
    numbers = np.concatenate([np.arange(10), np.arange(15, 35)])
    motion = replace(_walk(), frame_index=numbers)
    (back,) = read_motion(_written(motion, tmp_path / "out.c3d"))
    knee = H36M17.index("left_knee")
    assert np.flatnonzero(back.confidence[:, knee] == 0).tolist() == list(range(10, 15))
    assert_allclose(back.positions[numbers, knee], motion.positions[:, knee], atol=1e-5)
    with pytest.raises(FormatError, match=r"frames 10 to 14 are not there, .* --fps-out 30"):
        _written(motion, tmp_path / "out.bvh")


@pytest.mark.parametrize("first", [65_510, 70_000])
def test_c3d_holds_frames_whose_numbers_it_cannot(tmp_path: Path, first: int) -> None:
    pytest.importorskip("ezc3d")
    motion = replace(_walk(), frame_index=np.arange(first, first + 30))
    (back,) = read_motion(_written(motion, tmp_path / "out.c3d"))
    assert back.frame_index.tolist() == list(range(30))


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_no_text_are_names_of_files_all_the_same(tmp_path: Path, name: str) -> None:
    pytest.importorskip("ezc3d")
    path = tmp_path / os.fsdecode(b"\xdc" + name.encode())
    assert _written(_walk(), path).stat().st_size > 1000


def test_npz_may_be_named_in_capitals(tmp_path: Path) -> None:
    path = _written(_walk(), tmp_path / "OUT.NPZ")
    assert [each.name for each in tmp_path.iterdir()] == ["OUT.NPZ"]
    assert np.load(path)["positions"].shape == (30, 17, 3)
