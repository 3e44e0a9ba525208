"""However a file of keypoints is damaged: people, or an error of one line, within bounds."""

import copy
import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motionlift.errors import MotionliftError
from motionlift.formats import FORMATS, ReadOptions
from motionlift.formats.keypoints_npz import write_keypoints
from motionlift.poses import Pose2D
from motionlift.skeletons import BODY_25, COCO17, HALPE26, MEDIAPIPE33
from tests.formats.fuzzing import assert_survives, packed, unpacked
from tests.formats.people import figure, flat

OPTIONS = ReadOptions(image_size=(640, 480))
COUNT = 3


def _figures(skeleton: Any) -> list[Any]:
    return [figure(skeleton, at=(300 + k, 100)) for k in range(COUNT)]


def _objects(value: Any) -> np.ndarray:
    array = np.empty((), dtype=object)
    array[()] = value
    return array


JSON: dict[str, Any] = {
    "openpose": {"people": [{"person_id": [1], "pose_keypoints_2d": flat(figure(BODY_25))}]},
    "alphapose": [
        {"image_id": f"{k}.jpg", "keypoints": flat(points), "score": 1.5, "idx": 1}
        for k, points in enumerate(_figures(HALPE26))
    ],
    "coco": [
        {"image_id": k, "keypoints": flat(points), "score": 1.5, "track_id": 1}
        for k, points in enumerate(_figures(COCO17))
    ],
    "mmpose": {
        "meta_info": {},
        "instance_info": [
            {
                "frame_id": k,
                "instances": [
                    {"keypoints": points[:, :2].tolist(), "keypoint_scores": points[:, 2].tolist()}
                ],
            }
            for k, points in enumerate(_figures(COCO17))
        ],
    },
    "vitpose": {
        "keypoints": [{"1": points.tolist()} for points in _figures(COCO17)],
        "skeleton": {"0": "nose"},
    },
    "rtmlib": [
        {"keypoints": [points[:, :2].tolist()], "scores": [points[:, 2].tolist()]}
        for points in _figures(HALPE26)
    ],
    "mediapipe": {
        "width": 640,
        "height": 480,
        "fps": 30,
        "frames": [
            {
                "frame": k,
                "pose_landmarks": [
                    {"x": x / 640, "y": y / 480, "z": 0, "visibility": c} for x, y, c in points
                ],
            }
            for k, points in enumerate(_figures(MEDIAPIPE33))
        ],
    },
}


def _tables() -> dict[str, str]:
    parts = [name for name in COCO17.joints if "eye" not in name]
    joints = [COCO17.index(name) for name in parts]
    dlc = [
        "scorer," + ",".join(["net"] * 3 * len(parts)),
        "bodyparts," + ",".join(name for name in parts for _ in range(3)),
        "coords," + ",".join(["x", "y", "likelihood"] * len(parts)),
    ]
    trc = [
        "PathFileType\t4\t(X/Y/Z)\ta.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits",
        f"30\t30\t{COUNT}\t{len(parts)}\tpx",
        "Frame#\tTime\t" + "\t\t\t".join(parts),
        "\t\t" + "\t".join(f"{c}{k}" for k in range(len(parts)) for c in "XYZ"),
    ]
    landmarks = ["frame," + ",".join(f"{c}{k}" for k in range(33) for c in "xyzv")]
    for k, points in enumerate(_figures(COCO17)):
        dlc.append(f"{k}," + ",".join(map(str, points[joints].reshape(-1))))
        cells = "\t".join(f"{x}\t{y}\t0" for x, y, _ in points[joints])
        trc.append(f"{k}\t{k / 30}\t{cells}")
    for k, points in enumerate(_figures(MEDIAPIPE33)):
        cells = ",".join(f"{x / 640},{y / 480},0,{c}" for x, y, c in points)
        landmarks.append(f"{k},{cells}")
    texts = {"deeplabcut": dlc, "sports2d-trc": trc, "mediapipe": landmarks}
    return {name: "\n".join(lines) + "\n" for name, lines in texts.items()}


def _write_npz(name: str, path: Path) -> None:
    points = np.stack(_figures(COCO17))
    pickled = np.empty((COUNT, 2), dtype=object)
    for k in range(COUNT):
        pickled[k, 0], pickled[k, 1] = [], np.insert(points[k], 2, 0, axis=1).T[None]
    arrays: dict[str, Any] = {
        "rtmlib": {"keypoints": points[..., :2], "scores": points[..., 2], "fps": 30},
        "mediapipe": {"landmarks": np.ones((COUNT, 33, 4), "f4") / 2, "width": 640, "height": 480},
        "videopose3d": {
            "positions_2d": _objects({"v": {"a": [points[..., :2]]}}),
            "metadata": _objects({"video_metadata": {"v": {"w": 640, "h": 480}}}),
        },
        "detectron2": {"keypoints": pickled, "boxes": pickled, "metadata": _objects({"w": 640})},
    }
    if name == "detections-npz":
        arrays[name] = {
            "detections": points.astype("f4"),
            "detection_frame": np.arange(COUNT),
            "span": np.array([0, COUNT]),
            "joint_names": np.array(COCO17.joints),
            "fps": np.float64(30),
        }
    if name in arrays:
        np.savez(path, **arrays[name])
        return
    pose = Pose2D(
        skeleton=COCO17,
        keypoints=points[..., :2],
        confidence=points[..., 2],
        frame_index=np.arange(COUNT),
    )
    write_keypoints(pose, path)


def _reader(name: str, path: Path) -> Callable[[], Any]:
    read = FORMATS.get(name).read_keypoints
    assert read is not None
    return lambda: read(path, OPTIONS)


@pytest.mark.parametrize("name", JSON)
def test_damaged_json_is_survived(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a_1.json"
    path.write_text(json.dumps(JSON[name]))
    _reader(name, path)()
    assert_survives(_reader(name, path), path, count=150)


@pytest.mark.parametrize("name", ["deeplabcut", "sports2d-trc", "mediapipe"])
def test_damaged_tables_are_survived(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(_tables()[name])
    _reader(name, path)()
    assert_survives(_reader(name, path), path, count=150)


@pytest.mark.parametrize(
    "name", ["rtmlib", "mediapipe", "videopose3d", "detectron2", "keypoints-npz", "detections-npz"]
)
def test_damaged_archives_are_survived(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.npz"
    _write_npz(name, path)
    _reader(name, path)()
    assert_survives(_reader(name, path), path, count=40)
    for member, data in unpacked(path).items():
        others = unpacked(path)
        assert_survives(
            _reader(name, path),
            path,
            count=25,
            inside=data,
            wrap=lambda damaged, others=others, member=member: packed({**others, member: damaged}),
        )


ODD = st.sampled_from(
    [
        *(None, True, False, -1, 0, 2**63, 10**30, 1e308, -1e308, float("nan"), float("inf")),
        *("", "1", "x" * 50, "\n", [], {}, [[]], [{}], [1, 2], {"x": 1}, [None] * 17),
    ]
)


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Every container and key in it, the deepest lists of numbers by their ends only."""
    items = list(content.items()) if isinstance(content, dict) else list(enumerate(content))
    if isinstance(content, list) and len(items) > 4:
        items = [*items[:2], *items[-1:]]
    found = [(content, key) for key, _ in items]
    for _, value in items:
        if isinstance(value, dict | list):
            found += _places(value)
    return found


@pytest.mark.parametrize("name", JSON)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_wrong_types_anywhere_in_json_are_survived(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    content = json.loads(json.dumps(JSON[name]))
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(content)
        container, key = places[data.draw(st.integers(0, len(places) - 1))]
        what = data.draw(st.sampled_from(["replace", "drop", "double", "shuffle"]))
        if what == "replace":
            container[key] = copy.deepcopy(data.draw(ODD))
        elif what == "drop":
            del container[key]
        elif isinstance(container, list):
            container.insert(0 if what == "double" else len(container), container[key])
        if not content:
            break
    path = tmp_path / "a_1.json"
    path.write_text(json.dumps(content))
    assert FORMATS.get(name).sniff(path) in (True, False)
    try:
        people = _reader(name, path)()
    except MotionliftError as error:
        assert "\n" not in str(error)
    else:
        assert len(people) > 0


@pytest.mark.parametrize("name", [each.name for each in FORMATS if each.kind == "keypoints"])
@pytest.mark.parametrize(
    "text", ["", "\0" * 100, "[" * 100_000, "\x89PNG\r\n", "null", "[[[", "{}"]
)
def test_sniffing_never_fails(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="latin1")
    sniff = FORMATS.get(name).sniff
    assert not sniff(tmp_path / "a.json")
    assert not sniff(tmp_path)
    assert not sniff(tmp_path / "missing.json")


def _huge(kind: str, path: Path) -> None:
    points = figure(COCO17).round().astype(int).reshape(-1).tolist()
    person = json.dumps({"image_id": 0, "keypoints": points}, separators=(",", ":"))
    with path.open("w") as handle:
        if kind == "empty people":
            handle.write('{"people": [' + "{}," * 10_000_000 + "{}]}")
        elif kind == "people of one frame":
            handle.write("[")
            for _ in range(2_000):
                handle.write((person + ",") * 1_000)
            handle.write(person + "]")
        elif kind == "frames of one person":
            handle.write("[")
            for k in range(2_000_000):
                handle.write(person.replace('"image_id":0', f'"image_id":{k}') + ",")
            handle.write(person + "]")
        elif kind == "people without keypoints":
            handle.write("[" + '{"image_id":0,"keypoints":[]},' * 10_000_000 + "{}]")
        else:
            handle.write('[{"image_id": 0, "keypoints": [' + "1," * 100_000_000 + "1]}]")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("empty people", "openpose"),
        ("people of one frame", "coco"),
        ("frames of one person", "coco"),
        ("people without keypoints", "coco"),
        ("numbers of one person", "coco"),
    ],
)
def test_ten_million_of_anything_stay_within_ten_seconds_and_a_gigabyte(
    tmp_path: Path, kind: str, name: str
) -> None:
    path = tmp_path / "a_1.json"
    _huge(kind, path)
    began = time.process_time()
    with pytest.raises(MotionliftError) as caught:
        _reader(name, path)()
    assert time.process_time() - began < 10
    assert "\n" not in str(caught.value)
    tracemalloc.start()  # makes it slower by far, so that time is measured without
    try:
        with pytest.raises(MotionliftError):
            _reader(name, path)()
        assert tracemalloc.get_traced_memory()[1] < 1e9
    finally:
        tracemalloc.stop()
        path.unlink()


def test_pickles_in_damaged_archives_never_run(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    _write_npz("videopose3d", path)
    members = unpacked(path)
    header = members["positions_2d"][: members["positions_2d"].index(b"\x80")]
    evil = b"cposix\nsystem\n(S'touch " + str(tmp_path / "RAN").encode() + b"'\ntR."
    path.write_bytes(packed({**members, "positions_2d": header + evil}))
    with pytest.raises(MotionliftError, match=r"posix\.system"):
        _reader("videopose3d", path)()
    assert not (tmp_path / "RAN").exists()
