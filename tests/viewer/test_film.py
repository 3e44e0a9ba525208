"""Films: every frame at its time, drawn; and nothing left where one cannot be made."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift.errors import MotionliftError
from motionlift.example import make_example
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17
from motionlift.viewer.film import HEIGHT, write_film
from tests.samples import lifted_walk

av = pytest.importorskip("av")
image = pytest.importorskip("PIL.Image")


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as film:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])


def coloured(pixels: np.ndarray) -> tuple[int, int]:
    """How many pixels are clearly blue (left), and clearly orange (right)."""
    difference = pixels[..., 2].astype(int) - pixels[..., 0]
    return int((difference > 90).sum()), int((difference < -90).sum())


def cut(pose: Pose3D, frames: int) -> Pose3D:
    return replace(
        pose,
        positions=pose.positions[:frames],
        confidence=pose.confidence[:frames],
        frame_index=pose.frame_index[:frames],
    )


def test_a_film_has_the_frames_and_the_rate_of_the_motion(tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    told: list[tuple[int, int]] = []
    walk = lifted_walk(frames=slice(100, 108))
    write_film(path, [walk], on_progress=lambda *done: told.append(done))
    pictures = decoded(path)
    assert pictures.shape == (8, HEIGHT, 1120, 3)
    assert told[-1] == (8, 8)
    with av.open(str(path)) as film:
        assert film.streams.video[0].average_rate == 50
    for panel in (pictures[:, :, :480], pictures[:, :, 480:]):
        assert min(coloured(panel)) > 8 * 100
    assert (np.abs(np.diff(pictures.astype(int), axis=0)) > 60).any(axis=(1, 2, 3)).all()


def test_motion_without_keypoints_fills_the_film(tmp_path: Path) -> None:
    write_film(tmp_path / "truth.mp4", [cut(make_example().truth, 2)])
    assert decoded(tmp_path / "truth.mp4").shape == (2, HEIGHT, 640, 3)


def test_a_frame_that_nobody_is_in_is_drawn_empty(tmp_path: Path) -> None:
    walk = lifted_walk(frames=slice(0, 4))
    gap = replace(walk, frame_index=np.array([0, 1, 3, 4]))
    write_film(tmp_path / "gap.mp4", [gap])
    bodies = [sum(coloured(picture)) for picture in decoded(tmp_path / "gap.mp4")]
    assert len(bodies) == 5
    assert bodies[2] == 0
    assert min(bodies[:2] + bodies[3:]) > 500


def test_the_camera_circles_when_it_is_asked_to(tmp_path: Path) -> None:
    walk = lifted_walk(frames=slice(0, 1))
    positions = np.repeat(walk.positions, 5, axis=0)
    still = replace(cut(make_example().truth, 5), positions=positions)
    for name, turn in (("still", 0.0), ("turned", 400.0)):
        write_film(tmp_path / f"{name}.mp4", [still], turn=turn)
    still_change, turned_change = (
        np.abs(np.diff(decoded(tmp_path / f"{name}.mp4").astype(int)[[0, 4], :600], axis=0)).max()
        for name in ("still", "turned")
    )
    assert turned_change > 150 > 60 > still_change


def test_a_reference_is_green_and_two_people_stand_apart(tmp_path: Path) -> None:
    truth = make_example().truth
    write_film(tmp_path / "compared.mp4", [lifted_walk(frames=slice(0, 2))], reference=truth)
    pixels = decoded(tmp_path / "compared.mp4").astype(int)
    assert (pixels[..., 1] - np.maximum(pixels[..., 0], pixels[..., 2]) > 20).sum() > 100
    first = lifted_walk(frames=slice(0, 2))
    assert first.root_xy is not None
    beside = replace(first, root_xy=first.root_xy + np.array([600, 0]), person="2")
    write_film(tmp_path / "two.mp4", [first, beside])
    red, _, blue = np.moveaxis(decoded(tmp_path / "two.mp4")[0, :, 480:].astype(int), -1, 0)
    assert np.ptp(np.flatnonzero((blue - red > 90).any(axis=0))) > 200


def test_two_people_in_metres_stand_apart_too(tmp_path: Path) -> None:
    walk = lifted_walk(frames=slice(0, 2))
    assert walk.root_xy is not None
    first = replace(walk, positions=0.004 * walk.positions, units="m", metres_per_pixel=0.004)
    beside = replace(first, root_xy=walk.root_xy + np.array([600, 0]), person="2")
    write_film(tmp_path / "two.mp4", [first, beside])
    red, _, blue = np.moveaxis(decoded(tmp_path / "two.mp4")[0, :, 480:].astype(int), -1, 0)
    assert np.ptp(np.flatnonzero((blue - red > 90).any(axis=0))) > 200


def test_a_gif_keeps_time_and_white(tmp_path: Path) -> None:
    write_film(tmp_path / "walk.gif", [lifted_walk(frames=slice(100, 107))])
    milliseconds = []
    with image.open(tmp_path / "walk.gif") as gif:
        for number in range(gif.n_frames):
            gif.seek(number)
            milliseconds.append(gif.info["duration"])
        pixels = np.asarray(gif.convert("RGB"))
    assert milliseconds == [40, 40, 40, 20]  # every second frame of 50 a second
    assert (pixels[0, 0] == 255).all()
    assert min(coloured(pixels)) > 200


@pytest.mark.parametrize(
    ("name", "message"),
    [("walk.avi", r"films end in one of: \.mp4, \.gif"), ("walk.mp4", "somebody's pelvis")],
)
def test_what_cannot_be_filmed_is_refused_and_leaves_nothing(
    name: str, message: str, tmp_path: Path
) -> None:
    walk = lifted_walk(frames=slice(0, 3))
    positions, confidence = walk.positions.copy(), walk.confidence.copy()
    positions[:], confidence[:] = np.nan, 0
    with pytest.raises(MotionliftError, match=message):
        write_film(tmp_path / name, [replace(walk, positions=positions, confidence=confidence)])
    assert list(tmp_path.iterdir()) == []


def test_motion_that_lacks_a_joint_throughout_is_drawn_without_it(tmp_path: Path) -> None:
    walk = lifted_walk(frames=slice(0, 3))
    shown = {}
    for name, joints in (("whole", []), ("part", ["nose", "head_top"])):
        positions, confidence = walk.positions.copy(), walk.confidence.copy()
        lost = [H36M17.index(joint) for joint in joints]
        positions[:, lost], confidence[:, lost] = np.nan, 0
        pose = replace(walk, positions=positions, confidence=confidence, lifted_from=None)
        write_film(tmp_path / f"{name}.mp4", [pose])
        shown[name] = sum(coloured(decoded(tmp_path / f"{name}.mp4")[0]))
    assert shown["part"] > 0.7 * shown["whole"]
