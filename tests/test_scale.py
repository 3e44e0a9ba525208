"""A person's height along the bones, and metres for motion that has none."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import OptionError
from motionlift.poses import Pose3D
from motionlift.scale import body_size, floor_under, in_metres, stature, tells_of_body
from motionlift.skeletons import H36M17
from tests.samples import lifted_walk

PX_A_METRE = 240.0


def joint(pose: Pose3D, one: str, other: str) -> np.ndarray:
    return np.linalg.norm(pose.joint(one) - pose.joint(other), axis=-1)


def standing(*, height: float) -> np.ndarray:
    """One frame of somebody of textbook proportions (shares of the height), y up, straight."""
    shares = {
        "head_top": (0, 1.0),
        "nose": (0, 0.93),
        "thorax": (0, 0.818),
        "spine": (0, 0.674),
        "pelvis": (0, 0.530),
    }
    for side, x in (("left", 0.1), ("right", -0.1)):
        shares |= {f"{side}_shoulder": (x, 0.818), f"{side}_elbow": (x, 0.63)}
        shares |= {f"{side}_wrist": (x, 0.485), f"{side}_hip": (x, 0.530)}
        shares |= {f"{side}_knee": (x, 0.285), f"{side}_ankle": (x, 0.039)}
    points = np.array([(*shares[name], 0.0) for name in H36M17.joints])
    return height * points[None]


def test_somebody_of_textbook_proportions_has_the_height_that_they_stand_high() -> None:
    assert stature(standing(height=1.8)) == pytest.approx(1.8)


def test_a_height_is_the_same_sitting_lying_and_with_a_frame_gone_wrong() -> None:
    walk = lifted_walk().positions.astype(float)
    whole = stature(walk)
    spoilt = walk.copy()
    spoilt[7] *= 30
    spoilt[11] = np.nan
    assert stature(spoilt) == pytest.approx(whole, rel=1e-3)
    turned = walk[..., [2, 0, 1]]
    assert stature(turned) == pytest.approx(whole)


def test_metres_give_the_person_the_height_and_leave_directions_alone() -> None:
    lifted = lifted_walk()
    metric = in_metres(lifted, height=1.6)
    assert (metric.units, metric.space) == ("m", "camera")
    assert stature(metric.positions) == pytest.approx(1.6, rel=1e-3)
    assert_allclose(metric.positions[:, H36M17.root], 0)
    ratio = joint(metric, "left_hip", "left_knee") / joint(lifted, "left_hip", "left_knee")
    assert_allclose(ratio, metric.metres_per_pixel, rtol=0.01)
    assert any("given height of 1.6 m" in note for note in metric.notes)


def test_somebody_who_comes_closer_keeps_their_size_in_metres() -> None:
    lifted = lifted_walk()
    growth = np.linspace(0.7, 1.6, lifted.num_frames)
    larger = replace(
        lifted, positions=(lifted.positions * growth[:, None, None]).astype(np.float32)
    )
    assert_allclose(body_size(larger.positions), growth / np.median(growth), rtol=0.02)
    one, other = in_metres(lifted, height=1.7), in_metres(larger, height=1.7)
    assert_allclose(other.positions, one.positions, atol=0.02)


def test_frames_that_were_not_lifted_stay_missing() -> None:
    lifted = lifted_walk()
    positions, confidence = lifted.positions.copy(), lifted.confidence.copy()
    positions[5], confidence[5] = np.nan, 0
    metric = in_metres(replace(lifted, positions=positions, confidence=confidence), height=1.7)
    assert np.isnan(metric.positions[5]).all()
    assert np.isfinite(metric.positions[6]).all()


def test_the_ground_is_an_ankle_below_the_lowest_ankle() -> None:
    body = np.repeat(standing(height=1.8), 100, axis=0) + np.array([0, 3.0, 0])
    body[3] += [0, -1.0, 0]  # one wrong frame
    assert floor_under(body) == pytest.approx(3.0, abs=1e-6)


@pytest.mark.parametrize("height", [-1.7, 0.0, 175.0, float("nan"), float("inf")])
def test_no_height_of_a_person_is_refused(height: float) -> None:
    with pytest.raises(OptionError, match="height in metres is expected"):
        in_metres(lifted_walk(), height=height)


def test_what_a_network_makes_up_beside_somebody_does_not_change_their_size() -> None:
    pose = lifted_walk()
    assert pose.lifted_from is not None
    alone = in_metres(pose, height=1.7)
    seen = pose.lifted_from
    # As long again before and after, half as large: nobody is seen there.
    made_up = pose.positions * 0.5
    nobody = np.full_like(seen.keypoints, np.nan)
    frames = np.arange(3 * pose.num_frames)
    longer = replace(
        pose,
        positions=np.concatenate([made_up, pose.positions, made_up]),
        confidence=np.concatenate([pose.confidence] * 3),
        frame_index=frames,
        root_xy=None if pose.root_xy is None else np.concatenate([pose.root_xy] * 3),
        lifted_from=replace(
            seen,
            keypoints=np.concatenate([nobody, seen.keypoints, nobody]),
            confidence=np.concatenate([0 * seen.confidence, seen.confidence, 0 * seen.confidence]),
            frame_index=frames,
        ),
    )
    found = in_metres(longer, height=1.7)
    assert found.metres_per_pixel == pytest.approx(alone.metres_per_pixel, rel=1e-6)
    middle = found.positions[pose.num_frames : 2 * pose.num_frames]
    assert_allclose(middle, alone.positions, atol=1e-5)
    assert tells_of_body(longer).sum() == seen.is_visible.any(axis=1).sum()


def test_where_nobody_is_ever_seen_whole_all_frames_tell_of_the_body() -> None:
    pose = lifted_walk()
    assert pose.lifted_from is not None
    seen = pose.lifted_from
    nowhere = np.full_like(seen.keypoints, np.nan)
    hidden = replace(seen, keypoints=nowhere, confidence=0 * seen.confidence)
    assert tells_of_body(replace(pose, lifted_from=hidden)).all()
