"""Smoothing takes jitter off, leaves slow motion alone, and never fills or blurs over a gap."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.errors import OptionError
from motionlift.poses import Pose3D
from motionlift.smoothing import Smoothing, one_euro, parse_smoothing, savgol, smoothed
from tests.samples import lifted_walk

BOTH = ("savgol", "one-euro")


def jittering(*, pixels: float = 4.0) -> Pose3D:
    walk = lifted_walk()
    noise = np.random.default_rng(0).normal(0, pixels, walk.positions.shape)
    return replace(walk, positions=(walk.positions + noise).astype(np.float32))


@pytest.mark.parametrize("text", BOTH)
def test_jitter_is_taken_off(text: str) -> None:
    walk, noisy = lifted_walk(), jittering()
    done = smoothed(noisy, parse_smoothing(text))

    def jitter(pose: Pose3D) -> float:
        return float(np.abs(np.diff(pose.positions, n=2, axis=0)).mean())

    assert jitter(done) < 0.5 * jitter(noisy)
    if text == "savgol":  # the other one lags
        before = np.abs(noisy.positions - walk.positions).mean()
        assert np.abs(done.positions - walk.positions).mean() < 0.6 * before
    assert any(note.startswith("smoothed: ") for note in done.notes)


def test_a_parabola_comes_through_savgol_unchanged() -> None:
    time = np.arange(40.0)
    path = np.stack([time**2, 3 * time, 0 * time + 5], axis=1)
    assert_allclose(savgol(path, seconds=0.2, fps=50), path, atol=1e-9)


def test_few_frames_a_second_are_smoothed_over_the_fewest_that_can_be_and_that_is_said() -> None:
    slow = replace(jittering(), fps=10.0)
    done = smoothed(slow, parse_smoothing("savgol"))
    assert "Savitzky-Golay over 0.25 s, which is 5 frames at least; joints were" in done.notes[-1]
    assert np.nanmean(np.abs(done.positions - slow.positions)) > 1e-3
    usual = smoothed(jittering(), parse_smoothing("savgol"))
    assert "Savitzky-Golay over 0.25 s; joints were" in usual.notes[-1]


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_few_frames_are_no_trouble(frames: int) -> None:
    path = np.random.default_rng(0).normal(size=(frames, 3))
    found = savgol(path, seconds=1.0, fps=50)
    assert found.shape == path.shape
    if frames <= 3:
        assert_array_equal(found, path)


def test_one_euro_follows_its_recurrence() -> None:
    # By hand, one axis, at 10 frames a second: speed 0, then 10 heights a second.
    path = np.array([[0.0], [0.0], [1.0]])
    found = one_euro(path, fps=10, hertz=1.0, beta=0.5, height=1.0)
    share = 0.2 * np.pi / (1 + 0.2 * np.pi)
    cutoff = 1 + 0.5 * 10 * share
    assert_allclose(found[:, 0], [0, 0, 0.2 * np.pi * cutoff / (1 + 0.2 * np.pi * cutoff)])


@pytest.mark.parametrize("text", BOTH)
def test_the_same_motion_in_other_units_is_smoothed_the_same(text: str) -> None:
    noisy = jittering()
    larger = replace(noisy, positions=3 * noisy.positions)
    one, other = (smoothed(each, parse_smoothing(text)).positions for each in (noisy, larger))
    assert_allclose(other, 3 * one, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("text", BOTH)
def test_a_gap_stays_and_parts_what_is_beside_it(text: str) -> None:
    noisy = jittering()
    positions, confidence = noisy.positions.copy(), noisy.confidence.copy()
    positions[50:60], confidence[50:60] = np.nan, 0
    broken = smoothed(
        replace(noisy, positions=positions, confidence=confidence), parse_smoothing(text)
    )
    assert np.isnan(broken.positions[50:60]).all()
    alone = smoothed(
        replace(
            noisy,
            positions=positions[60:],
            confidence=confidence[60:],
            frame_index=noisy.frame_index[60:],
            root_xy=None,
        ),
        parse_smoothing(text),
    )
    assert_allclose(broken.positions[60:], alone.positions, atol=0.05)


@pytest.mark.parametrize("text", BOTH)
def test_frames_that_the_file_leaves_out_part_what_is_beside_them(text: str) -> None:
    noisy = replace(jittering(), lifted_from=None)
    assert noisy.root_xy is not None
    index = noisy.frame_index
    ends = [
        replace(
            noisy,
            positions=noisy.positions[part],
            confidence=noisy.confidence[part],
            frame_index=index[part],
            root_xy=noisy.root_xy[part],
        )
        for part in (slice(0, 50), slice(50, None))
    ]
    jumping = replace(noisy, frame_index=np.where(np.arange(len(index)) < 50, index, index + 40))
    found = smoothed(jumping, parse_smoothing(text)).positions
    alone = [smoothed(each, parse_smoothing(text)).positions for each in ends]
    assert_allclose(found, np.concatenate(alone), atol=0.3)
    through = smoothed(noisy, parse_smoothing(text)).positions
    assert np.abs(found - through)[45:55].max() > 1


def test_every_other_frame_is_smoothed_over_the_same_time() -> None:
    noisy = jittering()
    sparse = replace(noisy, frame_index=2 * noisy.frame_index, lifted_from=None)
    slow = replace(noisy, fps=noisy.fps / 2, lifted_from=None)
    found, expected = (smoothed(each, parse_smoothing("savgol")) for each in (sparse, slow))
    assert_allclose(found.positions, expected.positions)


def test_the_way_in_the_picture_is_smoothed_as_well() -> None:
    walk = lifted_walk()
    assert walk.root_xy is not None
    root = walk.root_xy + np.random.default_rng(0).normal(0, 3, walk.root_xy.shape)
    done = smoothed(replace(walk, root_xy=root), Smoothing(kind="savgol"))
    assert done.root_xy is not None
    assert np.abs(done.root_xy - walk.root_xy).mean() < 0.6 * np.abs(root - walk.root_xy).mean()


@pytest.mark.parametrize("text", BOTH)
def test_the_way_in_the_picture_is_smoothed_alike_in_pixels_metres_and_a_world(text: str) -> None:
    walk = lifted_walk()
    assert walk.root_xy is not None
    root = walk.root_xy + np.random.default_rng(0).normal(0, 3, walk.root_xy.shape)
    in_pixels = replace(walk, root_xy=root)
    metres = {"units": "m", "positions": walk.positions / 240}
    in_metres = replace(in_pixels, metres_per_pixel=1 / 240, **metres)
    in_world = replace(in_pixels, space="world", **metres)
    jitter = []
    for each in (in_pixels, in_metres, in_world):
        done = smoothed(each, parse_smoothing(text)).root_xy
        assert done is not None
        jitter.append(np.abs(done - walk.root_xy).mean())
    assert_allclose(jitter[1], jitter[0], rtol=1e-4)
    assert_allclose(jitter[2], jitter[0], rtol=0.1)


def test_without_a_rate_seconds_mean_nothing() -> None:
    with pytest.raises(OptionError, match=r"walk\.npz has no frame rate; give --fps"):
        smoothed(replace(lifted_walk(), fps=None), Smoothing(kind="savgol"))


def test_settings_are_read() -> None:
    assert parse_smoothing("savgol:0.5") == Smoothing(kind="savgol", seconds=0.5)
    assert parse_smoothing("one-euro:2:0.3") == Smoothing(kind="one-euro", hertz=2, beta=0.3)


@pytest.mark.parametrize(
    "text", ["", "butter", "savgol:", "savgol:x", "savgol:0", "savgol:1:2", "one-euro:-1", "a:1"]
)
def test_what_names_no_filter_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="--smooth"):
        parse_smoothing(text)
