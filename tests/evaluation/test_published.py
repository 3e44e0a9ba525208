"""Published test sets, made up in their own layout: agreement with the lineage, and by hand."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError
from motionlift.evaluation.protocols import PROTOCOLS, FileProtocol, FileSequence
from motionlift.evaluation.protocols.h36m import sequences_of
from motionlift.evaluation.published import PublishedScores, in_metres
from motionlift.skeletons import H36M17
from tests.evaluation.stores import standing

H36M, THREE_DHP = PROTOCOLS.get("h36m"), PROTOCOLS.get("3dhp")
assert isinstance(H36M, FileProtocol) and isinstance(THREE_DHP, FileProtocol)


def h36m_split(positions: np.ndarray, *, sources: list[str], actions: list[str]) -> dict[str, Any]:
    """A split in the layout of the file: 4 mm a pixel, seen from the front."""
    pixels = positions * [250, -250, -250]
    return {
        "joint_2d": pixels[..., :2],
        "confidence": np.ones(positions.shape[:2]),
        "joints_2.5d_image": 4.0 * pixels,
        "2.5d_factor": np.full(len(positions), 4.0),
        "source": sources,
        "action": actions,
        "camera_name": ["54138969"] * len(positions),
        "joint3d_image": pixels,
    }


def score(protocol: FileProtocol, pairs: list[tuple[FileSequence, np.ndarray]]) -> PublishedScores:
    scores = PublishedScores(protocol=protocol)
    for sequence, predicted in pairs:
        scores.add(sequence, predicted)
    return scores


@pytest.mark.parametrize("is_rootrel", [False, True])
def test_h36m_agrees_with_the_published_evaluation(shared: Path, is_rootrel: bool) -> None:
    with np.load(shared / "reference" / "h36m_reader.npz", allow_pickle=False) as stored:
        data = {key.removeprefix("test/"): stored[key] for key in stored if "test/" in key}
        expected = [stored[f"evaluate_rootrel_{is_rootrel}/{key}"] for key in ("e1", "e2")]
    answer = data["prediction"].astype(np.float64)
    if is_rootrel:
        answer[:, :, 0] = 0
    height = np.where(np.isin(data["camera_name"], ["54138969", "60457274"]), 1002, 1000)
    shift = np.stack([np.ones(len(height)), height / 1000, np.zeros(len(height))], axis=-1)
    pixels = 500 * (answer + shift[data["split"]][:, :, None])
    # As published: a stretched clip shows a frame several times, and its last answer stands;
    # frames at the end of a recording that fill no clip are left out.
    predicted, is_covered = np.zeros((len(height), 17, 3)), np.zeros(len(height), dtype=bool)
    predicted[data["split"]] = pixels
    is_covered[data["split"]] = True
    kept = {key: data[key][is_covered] for key in data if len(data[key]) == len(height)}
    sequences = sequences_of(kept, where="test")
    ends = np.cumsum([len(each.truth) for each in sequences])[:-1]
    scores = score(H36M, list(zip(sequences, np.split(predicted[is_covered], ends), strict=True)))
    assert scores.excluded == ["s_09_act_05_subact_02_ca_01"]
    means = scores.published_means()
    assert_allclose([1000 * means["mpjpe"], 1000 * means["p_mpjpe"]], expected, rtol=2e-5)


def test_h36m_is_the_mean_of_actions_without_the_excluded_and_plain_is_every_frame() -> None:
    sources = ["s_11_act_02_subact_01_ca_01"] * 6 + ["s_11_act_03_subact_01_ca_01"] * 2
    sources += ["s_09_act_10_subact_02_ca_03"] * 2
    actions = ["Walking"] * 6 + ["Sitting"] * 2 + ["Walking"] * 2
    split = h36m_split(standing(10), sources=sources, actions=actions)
    sequences = sequences_of(split, where="test")
    assert [each.name[:4] for each in sequences] == ["s_11", "s_11", "s_09"]
    pairs = []
    for sequence, off_mm in zip(sequences, (8.0, 40.0, 100.0), strict=True):
        pixels = 250 * sequence.truth
        pixels[:, H36M17.index("nose"), 2] += 17 * off_mm / 4
        pairs.append((sequence, pixels + 7.0))
    scores = score(H36M, pairs)
    assert_allclose(1000 * scores.published_means()["mpjpe"], (8 + 40) / 2)
    assert_allclose(1000 * scores.published.mean("mpjpe"), (6 * 8 + 2 * 40) / 8)
    assert_allclose(1000 * scores.plain.mean("mpjpe"), (6 * 8 + 2 * 40 + 2 * 100) / 10)
    assert (scores.plain.frames, scores.published.frames) == (10, 8)


def test_a_prediction_without_a_known_size_gets_the_best_one_for_the_recording() -> None:
    truth = standing(3) - standing(3)[:, [H36M17.root]]
    sequence = FileSequence(
        name="TS1",
        action="TS1",
        keypoints=truth[..., :2],
        confidence=np.ones((3, 17)),
        truth=truth,
        metres_per_pixel=None,
        fps=None,
    )
    assert_allclose(in_metres(300 * truth + 5, sequence), truth, atol=1e-12)
    assert_allclose(in_metres(0 * truth, sequence), 0)


def write_3dhp(path: Path) -> np.ndarray:
    """Two frames, one of them not valid, in the order of joints of the file; returns the truth."""
    names = (
        *("head_top", "thorax", "right_shoulder", "right_elbow", "right_wrist"),
        *("left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle"),
        *("left_hip", "left_knee", "left_ankle", "pelvis", "spine", "nose"),
    )
    camera = standing(2) * [1, -1, -1]
    in_order = camera[:, [H36M17.index(name) for name in names]]
    recording = {
        "data_2d": 500 + 200 * in_order[..., :2],
        "data_3d": 1000 * in_order + [0, 0, 4000],
        "valid": np.array([[1.0], [0.0]]),
    }
    np.savez(path, data={"TS1": recording})
    return camera


def test_3dhp_is_pck_over_14_joints_of_valid_frames(tmp_path: Path) -> None:
    camera = write_3dhp(tmp_path / "data_test_3dhp.npz")
    (sequence,) = THREE_DHP.read(tmp_path / "data_test_3dhp.npz")
    assert_allclose(sequence.keypoints, 500 + 200 * camera[..., :2])
    predicted = 200 * (camera - camera[:, [H36M17.root]])
    scores = score(THREE_DHP, [(sequence, predicted)])
    assert (scores.plain.frames, scores.plain.without_truth) == (1, 1)
    assert_allclose(scores.plain.mean("pck"), 1)
    # Joints that are not scored may be anywhere; of the others one is too far away.
    predicted[0, [H36M17.index(joint) for joint in ("spine", "nose")]] += 1e4
    predicted[0, H36M17.index("left_wrist"), 2] += 200 * 0.5
    worse = score(THREE_DHP, [(sequence, predicted)])
    assert_allclose(worse.plain.mean("pck"), 13 / 14)


def test_h36m_is_read_from_its_pickle_and_nothing_is_run(tmp_path: Path) -> None:
    path = tmp_path / "h36m_sh_conf_cam_source_final.pkl"
    sources = ["s_11_act_02_subact_01_ca_01"] * 3
    split = h36m_split(standing(3), sources=sources, actions=["Eating"] * 3)
    path.write_bytes(pickle.dumps({"train": split, "test": split}))
    (sequence,) = H36M.read(path)
    assert (sequence.name, sequence.action, len(sequence.truth)) == (sources[0], "Eating", 3)
    assert_allclose(sequence.truth[0, H36M17.index("head_top")], [0, -0.75, -0.02], atol=1e-9)

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (str(tmp_path / "ran"),))

    path.write_bytes(pickle.dumps({"test": Evil()}))
    with pytest.raises(FormatError, match="could run code"):
        H36M.read(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", [H36M, THREE_DHP], ids=lambda each: each.name)
def test_another_file_is_refused(protocol: FileProtocol, tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("text", b"hello"), ("list", pickle.dumps([1, 2]))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FormatError, match=name):
            protocol.read(tmp_path / name)
    np.savez(tmp_path / "other.npz", data=np.zeros(3))
    for path in (tmp_path / "other.npz", tmp_path / "missing", tmp_path):
        with pytest.raises(FormatError):
            protocol.read(path)


def test_h36m_fields_of_another_shape_are_named(tmp_path: Path) -> None:
    split = h36m_split(standing(3), sources=["s"] * 3, actions=["a"] * 3)
    with pytest.raises(FormatError, match=r"'joint_2d' has shape \(2, 17, 2\)"):
        sequences_of({**split, "joint_2d": split["joint_2d"][:2]}, where="x")
    with pytest.raises(FormatError, match=r"no field '2.5d_factor'"):
        sequences_of({key: split[key] for key in split if key != "2.5d_factor"}, where="x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": None}, "x: field 'source' is no list"),
        ({"source": []}, "x: field 'source' .* is empty"),
        ({"source": ["s", ["s", "s"], "s"]}, "x: field 'source' is no array"),
        ({"joint_2d": [[1.0], [1.0, 2.0], []]}, "x: field 'joint_2d' is no array"),
        ({"2.5d_factor": ["a", "b", "c"]}, r"x: field '2\.5d_factor' is no array"),
    ],
)
def test_h36m_fields_that_are_no_arrays_are_named(change: dict[str, Any], message: str) -> None:
    split = h36m_split(standing(3), sources=["s"] * 3, actions=["a"] * 3)
    with pytest.raises(FormatError, match=message) as caught:
        sequences_of({**split, **change}, where="x")
    assert "\n" not in str(caught.value)
    del split["source"]
    with pytest.raises(FormatError, match="x: the split has no field 'source'"):
        sequences_of(split, where="x")


@pytest.mark.parametrize("key", ["data_2d", "data_3d", "valid"])
def test_3dhp_fields_that_are_no_arrays_are_named(key: str, tmp_path: Path) -> None:
    path = tmp_path / "data_test_3dhp.npz"
    write_3dhp(path)
    with np.load(path, allow_pickle=True) as stored:
        recording = stored["data"].item()["TS1"]
    np.savez(path, data={"TS1": recording | {key: [[1.0], [1.0, 2.0]]}})
    with pytest.raises(FormatError, match=f"{path}: recording 'TS1': {key} is no array") as caught:
        THREE_DHP.read(path)
    assert "\n" not in str(caught.value)
