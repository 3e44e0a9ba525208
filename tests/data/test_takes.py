from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float
from numpy.testing import assert_allclose

from motionlift.data.resample import resample
from motionlift.data.store import Store
from motionlift.data.store_writer import create_store
from motionlift.data.takes import hinges_of, with_takes
from motionlift.skeletons import H36M17

LIMBS = (("hip", "knee", "ankle", 0.9), ("shoulder", "elbow", "wrist", 1.4))


def _bends(*, seed: int, seconds: float = 4.0, fps: float = 50.0) -> Float[np.ndarray, "frame 4"]:
    """Flexion of knees and elbows in radians, as irregular as a person's."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * fps) + 1)[:, None] / fps
    bends = np.full((len(time), 4), 0.8)
    for hertz in (0.4, 0.9, 1.7, 2.9, 4.3):
        bends += 0.25 / hertz * np.sin(2 * np.pi * hertz * (time + rng.uniform(0, 9, 4)))
    return np.clip(bends, 0.02, 2.5)


def _body(bends: Float[np.ndarray, "frame 4"], *, size: float = 1.0) -> np.ndarray:
    """A body that stands and bends knees (back) and elbows (forward)."""
    positions = np.zeros((len(bends), 17, 3))
    hinge = iter(bends.T)
    for sign, side in ((1, "left"), (-1, "right")):
        for top, middle, end, height in LIMBS:
            bend, forward = next(hinge), -1 if top == "hip" else 1
            upper = np.array([0.15 * sign, height, 0.0])
            lower = upper - [0, 0.4, 0]
            reach = np.stack([0 * bend, -np.cos(bend), forward * np.sin(bend)], axis=-1)
            for name, points in ((top, upper), (middle, lower), (end, lower + 0.4 * reach)):
                positions[:, H36M17.index(f"{side}_{name}")] = points
    return size * positions


def _turned(positions: np.ndarray) -> np.ndarray:
    return positions[..., [2, 1, 0]] * [1, 1, -1] + [3.0, 0.0, 5.0]


def _takes(folder: Path, motions: dict[str, np.ndarray]) -> dict[str, str]:
    with create_store(folder / "store") as writer:
        for name, positions in motions.items():
            writer.add(name, positions)
    return {each.name: each.take for each in with_takes(Store.open(folder / "store"))}


def test_the_angle_of_a_hinge_is_180_minus_its_bend() -> None:
    bends = _bends(seed=1)
    angles = hinges_of(_body(bends), np.ones((len(bends), 17), bool)).angles
    assert_allclose(angles, 180 - np.degrees(bends), atol=1e-6)


def test_a_conversion_is_recognised_whatever_its_size_place_rate_and_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    slow = resample(_body(_bends(seed=1, fps=30), size=1.3), fps_source=30, fps=50)
    noisy = _body(_bends(seed=2)) + rng.normal(0, 2e-4, (201, 17, 3))
    takes = _takes(
        tmp_path,
        {
            "a/1": _body(_bends(seed=1)),
            "a/2": _body(_bends(seed=2)),
            "b/x": _turned(slow),
            "b/y": noisy,
            "a/3": _body(_bends(seed=3)),
        },
    )
    assert takes == {"a/1": "a/1", "b/x": "a/1", "a/2": "a/2", "b/y": "a/2", "a/3": ""}


@pytest.mark.parametrize(("first", "last"), [(0, 150), (60, 201), (40, 110)])
def test_a_cut_is_recognised(tmp_path: Path, first: int, last: int) -> None:
    whole = _body(_bends(seed=1))
    takes = _takes(tmp_path, {"whole": whole, "cut": whole[first:last]})
    assert takes == {"whole": "whole", "cut": "whole"}


def test_a_gap_does_not_hide_a_take(tmp_path: Path) -> None:
    whole = _body(_bends(seed=1))
    holed = whole.copy()
    holed[30:50, H36M17.index("left_wrist")] = np.nan
    assert set(_takes(tmp_path, {"whole": whole, "holed": holed}).values()) == {"whole"}


def test_a_repetition_is_another_take(tmp_path: Path) -> None:
    """The same exercise again, by the same person: as near as people come, not the same."""
    exercise = _bends(seed=1)
    time = np.arange(len(exercise))[:, None] / 50
    variation = 0.05 * np.sin(2 * np.pi * 2.6 * time + np.arange(4))
    assert np.degrees(variation.std()) < 2.1
    takes = _takes(tmp_path, {"first": _body(exercise), "again": _body(exercise + variation)})
    assert takes == {"first": "", "again": ""}


def test_two_people_who_stand_still_are_not_one_take(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    still = [_body(np.full((300, 4), 0.1)) + rng.normal(0, 1e-5, (300, 17, 3)) for _ in range(2)]
    assert set(_takes(tmp_path, {"one": still[0], "two": still[1]}).values()) == {""}


def test_very_short_sequences_are_no_trouble(tmp_path: Path) -> None:
    motions = {str(frames): _body(_bends(seed=1))[:frames] for frames in (1, 2, 12, 13, 14, 30)}
    assert set(_takes(tmp_path, motions).values()) == {""}


def test_recordings_without_a_wrist_are_compared_by_their_other_joints(tmp_path: Path) -> None:
    body = _body(_bends(seed=1))
    body[:, H36M17.index("right_wrist")] = np.nan
    assert _takes(tmp_path, {"a": body, "b": _turned(body)}) == {"a": "a", "b": "a"}
