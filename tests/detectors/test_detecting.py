"""A video becomes people frame by frame; detections are kept, and used while they hold."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import motionlift
from motionlift.detectors import DETECTORS, Find, _detecting
from motionlift.detectors._detecting import detect
from motionlift.detectors._kept import Kept, kept_detections
from motionlift.errors import FormatError, OptionError
from motionlift.formats import ReadOptions, find_format, read_keypoints
from motionlift.skeletons import COCO17
from tests.detectors.spots import HEIGHT, WIDTH, Spots, walk
from tests.video.films import film, turned

pytest.importorskip("av")

STATM = Path("/proc/self/statm")


@pytest.fixture
def spots() -> Spots:
    return Spots()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return walk(tmp_path / "walk.mp4")


@contextlib.contextmanager
def find_somebody(may_fetch: bool) -> Iterator[Find]:
    """A detector that costs nothing."""
    person = np.full((1, COCO17.num_joints, 3), 0.5)
    yield lambda pixels: person * pixels[0, 0, 0]


def keep(video: Path, spots: Spots, **options: object) -> Kept:
    settings = options.pop("settings", {})
    assert isinstance(settings, dict)
    path = video.parent / "out.keypoints.npz"
    return kept_detections(video, spots.detector(**settings), path=path, **options)  # type: ignore[arg-type]


def test_what_is_found_stands_at_its_frame(video: Path, spots: Spots) -> None:
    detected = detect(video, spots.detector())
    found = detected.detections
    assert (detected.num_pictures, detected.num_with_people, detected.is_constant) == (30, 29, True)
    np.testing.assert_array_equal(found.frame, np.arange(1, 30))
    assert (found.span, found.fps, found.image_size) == ((0, 29), 25, (WIDTH, HEIGHT))
    middle = found.keypoints[:, :, 0].min(axis=1)
    np.testing.assert_allclose(np.diff(middle), 1, atol=0.01)


def test_kept_detections_are_read_as_keypoints(video: Path, spots: Spots) -> None:
    kept = keep(video, spots)
    assert find_format(kept.path, kind="keypoints").name == "detections-npz"
    (pose,) = read_keypoints(kept.path)
    assert pose.num_frames == 30
    assert (pose.fps, pose.source, pose.image_size) == (25, str(video), (WIDTH, HEIGHT))
    assert not pose.is_visible[0].any()
    assert pose.is_visible[1:].all()
    np.testing.assert_allclose(
        pose.keypoints[1:], detect(video, spots.detector()).detections.keypoints, atol=1e-4
    )


def test_several_people_are_told_apart(tmp_path: Path, spots: Spots) -> None:
    kept = keep(walk(tmp_path / "two.mp4", people=2), spots)
    one, other = read_keypoints(kept.path)
    assert np.abs(one.keypoints[1:, 0, 0] - other.keypoints[1:, 0, 0]).min() > 60


def test_a_second_time_nothing_is_detected(video: Path, spots: Spots) -> None:
    first = keep(video, spots)
    before = first.path.read_bytes()
    again = keep(video, spots)
    assert again.detected is None
    assert (spots.started, spots.called) == (1, 30)
    assert again.path.read_bytes() == before


def test_another_video_or_other_settings_are_detected_anew_and_it_is_said(
    video: Path, tmp_path: Path, spots: Spots
) -> None:
    keep(video, spots)
    assert "settings" in keep(video, spots, settings={"threshold": 100}).why_again
    assert keep(video, spots).detected is not None
    assert keep(video, spots, again=True).why_again == "as asked"
    walk(video, count=20)
    changed = keep(video, spots)
    assert changed.why_again == "the video is another one"
    assert read_keypoints(changed.path)[0].num_frames == 20


def test_a_copy_of_the_video_is_the_same_video(video: Path, spots: Spots) -> None:
    keep(video, spots)
    copy = video.with_name("copy.mp4")
    copy.write_bytes(video.read_bytes())
    assert keep(copy, spots).detected is None


def test_kept_detections_serve_where_the_detector_is_not_installed(
    video: Path, spots: Spots
) -> None:
    path = keep(video, spots).path
    absent = replace(spots.detector(), version=lambda: None)
    assert kept_detections(video, absent, path=path).detected is None


def test_an_interrupted_run_keeps_what_it_found(video: Path, spots: Spots) -> None:
    spots.fail_at = 7
    with pytest.raises(KeyboardInterrupt):
        keep(video, spots)
    (part,) = read_keypoints(video.parent / "out.keypoints.npz")
    assert part.is_visible.any(axis=1).tolist() == [False, *[True] * 5, False]
    assert "stopped by hand after picture 7; the rest was not looked at" in part.notes
    again = keep(video, spots)
    assert again.why_again == "the run that made them was stopped"
    whole = read_keypoints(again.path)[0]
    assert whole.num_frames == 30
    np.testing.assert_array_equal(whole.keypoints[:6], part.keypoints[:6])


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_broken_run_leaves_what_was_there(
    video: Path, spots: Spots, error: type[BaseException]
) -> None:
    before = sorted(video.parent.iterdir())
    spots.fail_at, spots.error = 7, MemoryError
    with pytest.raises(MemoryError):
        keep(video, spots)
    assert sorted(video.parent.iterdir()) == before
    spots.error = error
    kept = keep(video, spots).path.read_bytes()
    spots.fail_at = spots.called + 7
    with pytest.raises(error):
        keep(video, spots, again=True)
    assert (video.parent / "out.keypoints.npz").read_bytes() == kept
    assert len(list(video.parent.iterdir())) == len(before) + 1


@pytest.mark.parametrize("content", [b"", b"my own notes", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_detections_is_never_replaced(
    video: Path, spots: Spots, content: bytes
) -> None:
    path = video.parent / "out.keypoints.npz"
    path.write_bytes(content)
    with pytest.raises(OptionError, match="is in the way"):
        keep(video, spots, again=True)
    assert path.read_bytes() == content
    assert not spots.started


def test_damaged_detections_are_refused_in_one_line(video: Path, spots: Spots) -> None:
    path = keep(video, spots).path
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(whole[: rng.integers(len(whole))] if rng.random() < 0.2 else whole)
        for place in rng.integers(0, max(len(data), 1), 5):
            data[place : place + 1] = bytes([rng.integers(256)])
        path.write_bytes(bytes(data))
        try:
            keep(video, spots)
        except (FormatError, OptionError) as error:
            assert "\n" not in str(error)


def test_nobody_in_the_video_is_one_line_and_remembered(tmp_path: Path, spots: Spots) -> None:
    video = walk(tmp_path / "empty.mp4", people=0)
    kept = keep(video, spots)
    with pytest.raises(FormatError, match=r"empty\.mp4: nobody was found in any frame"):
        read_keypoints(kept.path)
    assert keep(video, spots).detected is None


def test_what_the_video_is_like_stands_in_the_notes(tmp_path: Path) -> None:
    spots = Spots()
    video = turned(walk(tmp_path / "a.mp4"), (-1, 0, 0, -1))
    (pose,) = read_keypoints(keep(video, spots).path)
    assert any("turned by 180 degrees" in note for note in pose.notes)
    assert (np.diff(pose.keypoints[1:, 0, 0]) < 0).all()


def test_progress_runs_to_the_end(video: Path, spots: Spots) -> None:
    steps: list[tuple[int, int]] = []
    detect(video, spots.detector(), on_progress=lambda done, total: steps.append((done, total)))
    assert steps == [(k, 30) for k in range(1, 31)]


@pytest.mark.slow
@pytest.mark.skipif(not STATM.exists(), reason="asks Linux for its memory")
def test_memory_does_not_grow_with_the_pictures(tmp_path: Path, spots: Spots) -> None:
    count, settled = 10_000, 2_000
    video = film(tmp_path / "long.mp4", count=count)
    resident: dict[int, int] = {}

    def note(done: int, total: int) -> None:
        if done in (settled, count):
            resident[done] = int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    detector = replace(spots.detector(), start=find_somebody)
    assert detect(video, detector, on_progress=note).num_with_people == count
    growth = (resident[count] - resident[settled]) / (count - settled)
    # The keypoints take 17 x 3 x 4 bytes and their array's head; a picture has 18,432 bytes.
    assert growth < 2_000, f"{growth:.0f} bytes a picture"


def test_a_video_without_a_picture_that_can_be_decoded_is_one_line(
    tmp_path: Path, spots: Spots
) -> None:
    video = walk(tmp_path / "a.mp4")
    data = bytearray(video.read_bytes())
    start = data.index(b"mdat") + 4
    data[start : data.index(b"moov") - 4] = bytes(data.index(b"moov") - 4 - start)
    video.write_bytes(bytes(data))
    with pytest.raises(FormatError, match="not one picture could be decoded"):
        detect(video, spots.detector())


@pytest.mark.parametrize("name", DETECTORS.names())
def test_every_detector_says_what_it_is(name: str) -> None:
    detector = DETECTORS.get(name)
    assert detector.name == name
    assert detector.title
    assert detector.people
    assert detector.skeleton.to_h36m17
    assert set(detector.made_by()) == {"detector", "version", "settings"}


def test_the_library_reads_and_lifts_a_video(
    video: Path, spots: Spots, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = SimpleNamespace(get=lambda name: spots.detector())
    monkeypatch.setattr(_detecting, "DETECTORS", there)
    (pose,) = motionlift.read(video, kind="keypoints")
    assert (pose.num_frames, pose.fps) == (30, 25)
    (slowed,) = motionlift.read(video, options=ReadOptions(fps=100))
    assert slowed.fps == 100
    lifted = motionlift.lift(video)
    assert (lifted.num_frames, lifted.source) == (30, str(video))
    with pytest.raises(FormatError, match="nobody was found in any frame"):
        motionlift.read(walk(video.with_name("empty.mp4"), people=0))
