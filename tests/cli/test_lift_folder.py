"""`motionlift lift` of a folder of inputs: what is found, lifted, skipped, and said."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import motionlift
from motionlift.cli import _lifting, main
from motionlift.cli._inputs import inputs_in, keypoint_title
from motionlift.example import make_example
from motionlift.formats.keypoints_npz import write_keypoints
from tests.samples import write_openpose, write_tiny_weights


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two OpenPose folders, one deep inside, two keypoint files, and a note."""
    source = tmp_path / "in"
    write_openpose(source / "cam1", frames=3)
    write_openpose(source / "day 2" / "cam1", frames=4, people=2)
    write_keypoints(make_example().keypoints, source / "walk.npz")
    write_keypoints(make_example().keypoints, source / "day 2" / "run.v2.npz")
    (source / "readme.txt").write_text("walks")
    return source


OUTPUTS = ["cam1.npz", "day 2/cam1.npz", "day 2/run.v2.npz", "walk.npz"]


def lift(source: Path, out: Path, tiny: Path, *more: str) -> int:
    return main(["lift", str(source), "-o", str(out), "--model", str(tiny), *more])


def files(out: Path) -> list[str]:
    """All files, those of the records left out."""
    found = (path.relative_to(out) for path in out.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.parts[0] != ".lifted")


def test_each_input_gets_a_file_in_the_same_place(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lift(folder, tmp_path / "out", tiny) == 0
    assert files(tmp_path / "out") == OUTPUTS
    frames = [len(np.load(tmp_path / "out" / name)["positions"]) for name in OUTPUTS]
    assert frames == [3, 4, 400, 400]
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == (f"inputs     4 in {folder}: 2 OpenPose JSON folder, 2 motionlift keypoints")
    assert sum(line.startswith("lifted ") for line in lines) == 4
    assert sum(line.startswith("model ") for line in lines) == 1
    assert "note: 1 file is left out, no keypoints: readme.txt" in said.err
    assert f"note: {folder / 'day 2' / 'cam1'} of person 1: person 1, number 1 of 2" in said.err


def test_a_folder_of_frames_is_one_input(tmp_path: Path, tiny: Path) -> None:
    source = write_openpose(tmp_path / "frames", frames=5)
    assert lift(source, tmp_path / "out.npz", tiny) == 0
    assert len(np.load(tmp_path / "out.npz")["positions"]) == 5


def test_a_second_run_skips_what_is_done(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"

    def times() -> dict[str, int]:
        return {name: (out / name).stat().st_mtime_ns for name in files(out)}

    assert lift(folder, out, tiny) == 0
    before = times()
    capsys.readouterr()
    assert lift(folder, out, tiny) == 0
    assert "skipped    4 inputs that are lifted already; --overwrite" in capsys.readouterr().out
    assert times() == before
    # A changed input, and an output that is gone, are lifted again; the rest is not.
    frame = next((folder / "cam1").glob("*.json"))
    frame.write_text(frame.read_text() + " ")
    (out / "walk.npz").unlink()
    assert lift(folder, out, tiny) == 0
    changed = {name for name, time in times().items() if before[name] != time}
    assert changed == {"cam1.npz", "walk.npz"}
    assert lift(folder, out, tiny, "--overwrite") == 0
    assert not set(times().values()) & set(before.values())


def test_other_options_lift_again(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert lift(folder, out, tiny) == 0
    capsys.readouterr()
    assert lift(folder, out, tiny, "--person", "all") == 0
    assert "skipped" not in capsys.readouterr().out
    assert {"day 2/cam1_1.npz", "day 2/cam1_2.npz"} <= set(files(out))
    assert lift(folder, out, tiny, "--person", "all") == 0
    assert "skipped    4 inputs" in capsys.readouterr().out


def test_files_of_two_formats_side_by_side_are_each_remembered(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert lift(folder, out, tiny) == 0
    assert lift(folder, out, tiny, "--to", ".csv") == 0
    capsys.readouterr()
    assert lift(folder, out, tiny, "--to", ".npz") == 0
    assert "lifted already" in capsys.readouterr().out


def test_a_broken_input_is_said_and_the_others_are_lifted(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = sorted((folder / "cam1").glob("*.json"))[1]
    frame.write_text(frame.read_text()[:60])
    assert lift(folder, tmp_path / "out", tiny) == 2
    said = capsys.readouterr().err
    assert f"motionlift: {folder / 'cam1'}: {frame}:1: not valid JSON" in said
    assert said.splitlines()[-1].startswith(
        "motionlift: 1 of 4 inputs could not be lifted: cam1; what is wrong"
    )
    assert files(tmp_path / "out") == OUTPUTS[1:]


def test_broken_files_are_said_with_the_reason_and_fail_at_the_end(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "cut.json").write_text('[{"image_id": 1, "keypo')
    (folder / "day 2" / "empty.json").touch()
    for _ in range(2):  # a second run, with nothing left to lift, says the same
        assert lift(folder, tmp_path / "out", tiny) == 2
        assert files(tmp_path / "out") == OUTPUTS
        said = capsys.readouterr().err.splitlines()
        assert f"motionlift: {folder / 'cut.json'}: JSON that is cut off after 23 bytes" in said[1]
        assert f"motionlift: {folder / 'day 2' / 'empty.json'}: an empty file" in said
        assert "inputs could not be lifted: cut.json, day 2/empty.json; what" in said[-1]
    for path in (*folder.rglob("*.npz"), *folder.rglob("cam*/*.json")):
        path.unlink()
    assert lift(folder, tmp_path / "none", tiny) == 2
    assert "nothing in this folder can be lifted" in capsys.readouterr().err.splitlines()[-1]


def test_videos_and_motion_beside_keypoints_are_called_so(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "clip.mp4").write_bytes(b"0000ftypisom")
    motionlift.write(make_example().truth, folder / "truth.bvh")
    assert lift(folder, tmp_path / "out", tiny) == 0
    said = capsys.readouterr().err
    assert "note: 1 file is left out, a video beside keypoints (to find people in it" in said
    assert "give it by itself): clip.mp4\n" in said
    assert "note: 1 file is left out, 3D motion already: truth.bvh\n" in said


def test_earlier_results_are_not_lifted_again_unless_named(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lift(folder / "walk.npz", folder / "walk_3d.npz", tiny) == 0
    capsys.readouterr()
    assert lift(folder, tmp_path / "out", tiny) == 0
    assert files(tmp_path / "out") == OUTPUTS
    assert "1 file is left out, 3D motion already: walk_3d.npz\n" in capsys.readouterr().err
    # With its format named it is an input, and so it is when it is named itself.
    assert lift(folder, tmp_path / "all", tiny, "--format", "keypoints-npz") == 0
    assert "walk_3d.npz" in files(tmp_path / "all")
    assert lift(folder / "walk_3d.npz", tmp_path / "again.npz", tiny) == 0


def test_a_folder_of_earlier_results_alone_is_one_line(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lift(folder / "walk.npz", tmp_path / "out" / "walk.npz", tiny) == 0
    capsys.readouterr()
    assert lift(tmp_path / "out", tmp_path / "again", tiny) == 2
    said = capsys.readouterr().err
    assert "it holds 3D motion already" in said
    assert said.count("\n") == 1


def test_earlier_results_do_not_hide_videos(folder: Path, tmp_path: Path, tiny: Path) -> None:
    source = tmp_path / "videos"
    source.mkdir()
    (source / "clip.mp4").write_bytes(b"0000ftypisom")
    assert lift(folder / "walk.npz", source / "walk_3d.npz", tiny) == 0
    found = inputs_in(source, out=tmp_path / "out", suffix=".npz", recognise=keypoint_title)
    assert found is not None  # videos are looked for where there are no keypoints
    assert not found.inputs


def test_a_folder_that_links_lead_to_is_lifted_once(
    folder: Path, tmp_path: Path, tiny: Path
) -> None:
    (folder / "again").symlink_to(".")
    (folder / "again 2").symlink_to("day 2")
    (folder / "day 2" / "up").symlink_to("..")
    (folder / "itself").symlink_to("itself")
    elsewhere = write_openpose(tmp_path / "elsewhere" / "cam", frames=3).parent
    (folder / "before").symlink_to(elsewhere)
    assert lift(folder, tmp_path / "out", tiny) == 0
    assert files(tmp_path / "out") == sorted(["before/cam.npz", *OUTPUTS])


def test_files_of_whole_videos_are_an_input_each(tmp_path: Path, tiny: Path) -> None:
    points = np.random.default_rng(0).uniform(100, 400, (17, 2)).round(1).tolist()
    people = [{"keypoints": points, "keypoint_scores": [0.9] * 17}]
    frames = [{"frame_id": k, "instances": people} for k in range(3)]
    flat = [value for point in points for value in (*point, 0.9)]
    images = {f"{k}.jpg": {"people": [{"pose_keypoints_2d": flat}]} for k in range(3)}
    contents = {"mmpose": {"meta_info": {}, "instance_info": frames}, "alphapose": images}
    for name, content in contents.items():
        (tmp_path / name).mkdir()
        for video in ("walk", "run"):
            (tmp_path / name / f"{video}.json").write_text(json.dumps(content))
        out = tmp_path / f"{name}_out"
        assert lift(tmp_path / name, out, tiny, "--skeleton", "COCO17") == 0
        assert files(out) == ["run.npz", "walk.npz"]


def test_an_unreadable_folder_is_one_line_and_the_others_are_lifted(
    folder: Path,
    tmp_path: Path,
    tiny: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path.name == "day 2":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    assert lift(folder, tmp_path / "out", tiny) == 2
    assert files(tmp_path / "out") == ["cam1.npz", "walk.npz"]
    said = capsys.readouterr().err
    assert f"motionlift: {folder / 'day 2'}: cannot be read (Permission denied)\n" in said


def test_an_interrupt_leaves_no_half_file_and_the_next_run_goes_on(
    folder: Path, tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write = _lifting.write

    def interrupted(pose: object, path: Path) -> None:
        if path.name == "run.v2.npz":
            raise KeyboardInterrupt
        write(pose, path)  # type: ignore[arg-type]

    monkeypatch.setattr(_lifting, "write", interrupted)
    assert lift(folder, out, tiny) == 130
    assert files(out) == OUTPUTS[:2]
    monkeypatch.setattr(_lifting, "write", write)
    assert lift(folder, out, tiny) == 0
    assert files(out) == OUTPUTS


def test_processes_of_torchrun_share_the_inputs(
    folder: Path, tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv("WORLD_SIZE", "3")
    done = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        assert lift(folder, out, tiny) == 0
        done.append(len(files(out)))
    assert done == [2, 3, 4]
    monkeypatch.setenv("RANK", "3")
    assert lift(folder, out, tiny) == 2


def test_inputs_that_differ_by_suffix_alone_keep_it(tmp_path: Path, tiny: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    write_keypoints(make_example().keypoints, source / "walk.npz")
    keypoints = [1.0, 2.0, 0.5] * 16 + [9.0, 9.0, 1.0]
    annotations = [{"image_id": 0, "keypoints": keypoints, "score": 1.0}]
    (source / "walk.json").write_text(json.dumps(annotations))
    assert lift(source, tmp_path / "out", tiny, "--to", ".csv", "--skeleton", "COCO17") == 0
    assert files(tmp_path / "out") == ["walk.json.csv", "walk.npz.csv"]


def test_no_two_inputs_get_the_same_file(tmp_path: Path) -> None:
    names = ["a.json", "a.json.csv", "a.npz", "b.npz", "c.csv", "c.csv.json"]
    for name in names:
        (tmp_path / name).touch()
    found = inputs_in(
        tmp_path, out=tmp_path / "out", suffix=".npz", recognise=lambda path: path.suffix or None
    )
    assert found is not None
    outs = [each.out.name for each in found.inputs]
    assert outs == ["a.json.npz", "a.json.csv.npz", "a.npz.npz", "b.npz", "c.npz", "c.csv.json.npz"]


def test_outputs_inside_the_folder_are_no_inputs(
    folder: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert lift(folder, folder / "lifted", tiny) == 0
        assert "inputs     4 in" in capsys.readouterr().out


def test_results_are_no_inputs_however_their_folder_is_spelled(
    folder: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "day 2" / ".." / "out"
    assert lift(folder, out, tiny) == 0
    capsys.readouterr()
    assert lift(folder, out, tiny) == 0
    assert "skipped    4 inputs" in capsys.readouterr().out
    assert files(folder / "out") == OUTPUTS


@pytest.mark.parametrize(
    ("out", "more", "message"),
    [
        ("out.npz", [], "give -o a folder"),
        ("in", [], "is the folder of the inputs"),
        ("out", ["--to", ".docx"], "cannot write '.docx' files"),
    ],
)
def test_what_cannot_be_is_one_line_before_any_work(
    out: str,
    more: list[str],
    message: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert lift(folder, tmp_path / out, Path("no-such-model"), *more) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert not (tmp_path / "out").exists()


def test_flags_for_several_inputs_are_refused_for_one(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lift(folder / "walk.npz", tmp_path / "out.npz", tiny, "--overwrite") == 2
    assert "is not a folder of several inputs" in capsys.readouterr().err


def test_no_person_is_written_over_another_recording(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_openpose(tmp_path / "in" / "walk", people=2)
    write_openpose(tmp_path / "in" / "walk_1")
    assert lift(tmp_path / "in", tmp_path / "out", tiny, "--person", "all") == 2
    said = capsys.readouterr().err
    assert "walk: its result walk_1.npz would overwrite that of" in said
    assert files(tmp_path / "out") == ["walk_1.npz"]


def test_a_changed_calibration_lifts_again(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("walk.npz", "run.npz"):
        write_keypoints(make_example().keypoints, tmp_path / "in" / name)
    calibration = tmp_path / "cameras.toml"
    out, more = tmp_path / "out", ("--height", "1.7", "--calibration", str(calibration))
    for translation in ("[0, 1, 4]", "[0, 1, 4]", "[0, 1, 9]"):
        calibration.write_text(
            "[one]\nmatrix = [[1000, 0, 640], [0, 1000, 360], [0, 0, 1]]\n"
            f"rotation = [1.6, 0, 0]\ntranslation = {translation}\n"
        )
        assert lift(tmp_path / "in", out, tiny, *more) == 0
    assert capsys.readouterr().out.count("skipped") == 1
