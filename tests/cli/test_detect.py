"""`motionlift detect`, and `lift` of a video: what they write, keep, say and refuse."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from motionlift.cli import _detecting, main
from motionlift.formats import read_keypoints, read_motion
from tests.detectors.spots import Spots, walk
from tests.samples import write_tiny_weights
from tests.video.films import sound

pytest.importorskip("av")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def spots(monkeypatch: pytest.MonkeyPatch) -> Spots:
    spots = Spots()
    there = SimpleNamespace(get=lambda name: spots.detector())
    monkeypatch.setattr(_detecting, "DETECTORS", there)
    return spots


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return walk(tmp_path / "walk.mp4")


def lift(video: Path, out: Path, tiny: Path, *more: str) -> int:
    return main(["lift", str(video), "-o", str(out), "--model", str(tiny), *more])


def test_a_video_is_lifted_frame_for_frame_and_its_detections_kept(
    video: Path, tiny: Path, spots: Spots, capsys: pytest.CaptureFixture[str]
) -> None:
    out = video.with_name("out.npz")
    assert lift(video, out, tiny) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "video      160 x 120, 30 pictures, 1.20 s at 25 frames a second, mpeg4"
    assert said[1] == "detector   Spots 1.0, everybody who is white"
    assert said[2].startswith("detected   somebody in 29 of 30 pictures, ")
    assert said[3] == f"kept       {video.with_name('out.keypoints.npz')}"
    assert said[4] == "lifted     30 frames, 25 frames a second"
    (motion,) = read_motion(out)
    assert (motion.num_frames, motion.fps, motion.source) == (30, 25, str(video))
    assert motion.lifted_from is not None
    assert motion.lifted_from.image_size == (160, 120)
    assert [each.name for each in sorted(video.parent.iterdir())] == [
        "out.keypoints.npz",
        "out.npz",
        "walk.mp4",
    ]


def test_a_second_lift_detects_nothing_and_gives_the_same(
    video: Path, tiny: Path, spots: Spots, capsys: pytest.CaptureFixture[str]
) -> None:
    out = video.with_name("out.npz")
    assert lift(video, out, tiny) == 0
    first = np.load(out)["positions"]
    capsys.readouterr()
    assert lift(video, out, tiny) == 0
    assert "made earlier of this video by Spots 1.0" in capsys.readouterr().out
    assert spots.started == 1
    np.testing.assert_array_equal(np.load(out)["positions"], first)
    assert lift(video, out, tiny, "--detect-again") == 0
    assert "detected anew, because as asked" in capsys.readouterr().err
    assert spots.started == 2


def test_a_changed_video_is_detected_anew_and_it_is_said(
    video: Path, tiny: Path, spots: Spots, capsys: pytest.CaptureFixture[str]
) -> None:
    out = video.with_name("out.npz")
    assert lift(video, out, tiny) == 0
    walk(video, count=12)
    assert lift(video, out, tiny) == 0
    assert "detected anew, because the video is another one" in capsys.readouterr().err
    assert len(np.load(out)["positions"]) == 12


def test_all_people_of_a_video_get_a_file_each(tmp_path: Path, tiny: Path, spots: Spots) -> None:
    video = walk(tmp_path / "two.mp4", people=2)
    assert lift(video, tmp_path / "out.npz", tiny, "--person", "all") == 0
    assert (tmp_path / "out_1.npz").exists()
    assert (tmp_path / "out_2.npz").exists()
    assert (tmp_path / "out.keypoints.npz").exists()


def test_fps_overrules_the_video(video: Path, tiny: Path, spots: Spots) -> None:
    out = video.with_name("out.npz")
    assert lift(video, out, tiny, "--fps", "100") == 0
    assert read_motion(out)[0].fps == 100


def test_ctrl_c_in_the_midst_keeps_what_was_found(
    video: Path, tiny: Path, spots: Spots, capsys: pytest.CaptureFixture[str]
) -> None:
    spots.fail_at = 9
    out, kept = video.with_name("out.npz"), video.with_name("out.keypoints.npz")
    assert lift(video, out, tiny) == 130
    assert f"kept       {kept}: of the first 9 pictures" in capsys.readouterr().out
    assert sorted(video.parent.iterdir()) == [kept, video]
    assert lift(kept, out, tiny) == 0
    assert "note: stopped by hand after picture 9" in capsys.readouterr().err
    assert len(np.load(out)["positions"]) == 9
    assert lift(video, out, tiny) == 0
    assert "detected anew, because the run that made them was stopped" in capsys.readouterr().err
    assert len(np.load(out)["positions"]) == 30


def test_ctrl_c_before_anybody_is_found_leaves_nothing(
    video: Path, tiny: Path, spots: Spots
) -> None:
    spots.fail_at = 1
    assert lift(video, video.with_name("out.npz"), tiny) == 130
    assert list(video.parent.iterdir()) == [video]


def test_detect_writes_what_lift_reads(
    video: Path, tiny: Path, spots: Spots, capsys: pytest.CaptureFixture[str]
) -> None:
    keypoints = video.with_name("k.npz")
    assert main(["detect", str(video), "-o", str(keypoints)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[:4] == ["1", "29", "1", "29"]
    assert read_keypoints(keypoints)[0].num_frames == 30
    assert lift(keypoints, video.with_name("out.npz"), tiny) == 0
    assert spots.started == 1


def test_a_folder_of_videos_is_lifted_one_by_one(
    tmp_path: Path, tiny: Path, spots: Spots, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        walk(folder / name, count=12)
    (folder / "c.mp4").write_bytes(b"broken")
    assert lift(folder, tmp_path / "out", tiny) == 2
    assert "c.mp4" in capsys.readouterr().err
    assert len(np.load(tmp_path / "out" / "b.npz")["positions"]) == 12
    assert (tmp_path / "out" / "a.keypoints.npz").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("text.mp4", "cannot be read as a video"),
        ("empty.mp4", "cannot be read as a video"),
        ("sound.mp4", "has no video stream"),
        ("missing.mp4", "no such file"),
    ],
)
def test_what_is_no_video_is_one_line_and_leaves_nothing(
    name: str,
    message: str,
    tmp_path: Path,
    tiny: Path,
    spots: Spots,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = tmp_path / name
    if name == "sound.mp4":
        sound(source)
    elif name != "missing.mp4":
        source.write_text("hello" if name == "text.mp4" else "")
    for command in ("lift", "detect"):
        more = ["--model", str(tiny)] if command == "lift" else []
        assert main([command, str(source), "-o", str(tmp_path / "o" / "out.npz"), *more]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert message in said.err
        assert said.err.count("\n") == 1
        assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "coco"], "--format, --skeleton and --image-size are for keypoints"),
        (["--skeleton", "COCO17"], "--format, --skeleton and --image-size are for keypoints"),
        (["--image-size", "9", "9"], "--format, --skeleton and --image-size are for keypoints"),
    ],
)
def test_options_of_keypoints_are_refused_with_a_video(
    options: list[str],
    message: str,
    video: Path,
    tiny: Path,
    spots: Spots,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert lift(video, video.with_name("out.npz"), tiny, *options) == 2
    assert message in capsys.readouterr().err
    assert not spots.started


@pytest.mark.parametrize("option", [["--detector", "rtmlib"], ["--detect-again"]])
def test_options_of_videos_are_refused_with_keypoints(
    option: list[str], video: Path, tiny: Path, spots: Spots, capsys: pytest.CaptureFixture[str]
) -> None:
    keypoints = video.with_name("k.npz")
    assert main(["detect", str(video), "-o", str(keypoints)]) == 0
    assert lift(keypoints, video.with_name("out.npz"), tiny, *option) == 2
    assert "is no video, so --detector" in capsys.readouterr().err


def test_an_unknown_detector_is_one_line(
    video: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lift(video, video.with_name("out.npz"), tiny, "--detector", "eyes") == 2
    assert "no detector is named 'eyes'; there are: mediapipe, rtmlib" in capsys.readouterr().err


def test_detections_go_to_npz_only(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(video), "-o", str(video.with_name("k.json"))]) == 2
    assert "detections are written as .npz" in capsys.readouterr().err
