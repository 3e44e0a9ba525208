"""`motionlift lift` and `encode`: what they write, what they say, and what they refuse."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.cli import main
from motionlift.cli._lifting import _outputs_of
from motionlift.cli._report import say_people
from motionlift.example import make_example
from motionlift.formats import ReadOptions, read_keypoints, read_motion
from motionlift.formats.keypoints_npz import write_keypoints
from motionlift.skeletons import H36M17
from tests.samples import write_openpose, write_tiny_weights


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_openpose(tmp_path / "keypoints")


def lift(source: Path, out: Path, tiny: Path, *more: str) -> int:
    return main(["lift", str(source), "-o", str(out), "--model", str(tiny), *more])


@pytest.mark.parametrize("frames", [1, 5, 9, 40])
def test_the_file_has_one_frame_of_joints_for_each_of_keypoints(
    frames: int, tmp_path: Path, tiny: Path
) -> None:
    source = write_openpose(tmp_path / "keypoints", frames=frames)
    assert lift(source, tmp_path / "out.npz", tiny) == 0
    with np.load(tmp_path / "out.npz") as file:
        assert file["positions"].shape == (frames, 17, 3)
        assert file["positions"].dtype == np.float32
        assert np.isfinite(file["positions"]).all()
        assert file["root_xy"].shape == (frames, 2)
        assert file["keypoints"].shape == (frames, 17, 3)
        assert tuple(file["joint_names"]) == H36M17.joints
        assert tuple(file["parents"]) == H36M17.parents
        assert str(file["units"]) == "px"
        assert str(file["model"]) == "tiny"
        assert np.isnan(file["fps"])
        np.testing.assert_array_equal(file["frame_index"], np.arange(frames))


def test_what_was_done_is_said(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out.npz"
    assert lift(folder, out, tiny, "--fps", "50", "--device", "cpu", "--precision", "fp32") == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == "lifted     12 frames, 50 frames a second"
    assert lines[1].startswith("model      tiny, ")
    assert lines[2:4] == ["device     cpu (as asked)", "precision  fp32 (as asked)"]
    assert lines[4].endswith(" ms a frame")
    assert lines[5] == f"wrote      {out}"
    assert "note: spine, head_top: never among the keypoints" in said.err


def test_the_largest_person_is_lifted_and_the_others_are_mentioned(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_openpose(tmp_path / "keypoints", people=3)
    assert lift(source, tmp_path / "out.npz", tiny) == 0
    said = capsys.readouterr()
    assert "number 1 of 3 people" in said.err
    assert "of person 1," in said.out
    table = [line.split() for line in said.out.splitlines()[:5]]
    assert table[0] == ["person", "frames", "from", "to", "confidence", "size", "(px)"]
    assert [row[:5] for row in table[1:4]] == [[k, "12", "0", "11", "0.80"] for k in "123"]
    assert table[4] == []


def test_of_a_crowd_the_table_shows_the_most_prominent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "crowd").mkdir()
    people = [
        {"pose_keypoints_2d": [float(x) for k in range(25) for x in (9 * k, 400 * n + 9 * k, 0.9)]}
        for n in range(23)
    ]
    (tmp_path / "crowd" / "cam_0_keypoints.json").write_text(json.dumps({"people": people}))
    say_people(read_keypoints(tmp_path / "crowd", ReadOptions(skeleton="BODY_25")))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 20 + 2
    assert lines[-2] == "... and 3 more, less prominent"


def test_all_people_get_a_file_each(tmp_path: Path, tiny: Path) -> None:
    source = write_openpose(tmp_path / "keypoints", people=3)
    assert lift(source, tmp_path / "out.npz", tiny, "--person", "all") == 0
    assert lift(source, tmp_path / "second.npz", tiny, "--person", "2") == 0
    files = [tmp_path / f"out_{person}.npz" for person in (1, 2, 3)]
    roots = [np.load(file)["root_xy"][0, 0] for file in files]
    assert roots == sorted(roots)
    np.testing.assert_allclose(np.load(tmp_path / "second.npz")["root_xy"][0, 0], roots[1])


def test_one_who_cannot_be_lifted_does_not_keep_the_others_from_it(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_openpose(tmp_path / "keypoints", people=3)
    for path in source.iterdir():
        frame = json.loads(path.read_text())
        points = frame["people"][1]["pose_keypoints_2d"]
        points[:3] = [400.0, 300.0, 0.9]
        points[3:] = [0.0] * len(points[3:])
        path.write_text(json.dumps(frame))
    assert lift(source, tmp_path / "out.npz", tiny, "--person", "all") == 2
    said = capsys.readouterr().err
    assert "motionlift: person " in said
    assert "1 of 3 people could not be lifted" in said
    assert len(list(tmp_path.glob("out_*.npz"))) == 2


def test_notes_on_several_people_say_whom_they_are_about(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_openpose(tmp_path / "keypoints", people=2)
    assert lift(source, tmp_path / "out.npz", tiny, "--person", "all") == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert all(note.startswith(("note: person 1: ", "note: person 2: ")) for note in notes)
    assert "note: person 2: spine, head_top: never among the keypoints; the network" in str(notes)
    assert lift(source, tmp_path / "out.npz", tiny) == 0
    assert "note: spine, head_top: never among" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".trc", ".bvh", ".c3d", ".glb"])
def test_a_missing_frame_rate_is_said_before_the_lift(
    suffix: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"out{suffix}"
    # The model does not exist either: had the work begun, the message would say so.
    refused(lift(folder, out, Path("no-such-model")), "needs a frame rate, and", capsys)
    assert not out.exists()


@pytest.mark.parametrize("suffix", [".bvh", ".glb"])
def test_frames_before_the_person_comes_are_left_out_and_that_is_said(
    suffix: str, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_openpose(tmp_path / "keypoints", frames=60)
    for frame in range(40):
        file = next((tmp_path / "keypoints").glob(f"*_{frame:012d}_keypoints.json"))
        file.write_text('{"people": []}')
    out = tmp_path / f"out{suffix}"
    assert lift(tmp_path / "keypoints", out, tiny, "--fps", "50") == 0
    said = capsys.readouterr().err
    assert "frames before and after those in which the person is seen are left out" in said
    assert out.exists()


def test_the_mirror_image_is_lifted_too_unless_asked_not_to(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, flags in (("usual", []), ("flip", ["--flip"]), ("plain", ["--no-flip"])):
        capsys.readouterr()
        assert lift(folder, tmp_path / f"{name}.npz", tiny, *flags) == 0
        assert ("and their mirror images" in capsys.readouterr().out) is (name != "plain")
    usual, flip, plain = (
        np.load(tmp_path / f"{name}.npz")["positions"] for name in ("usual", "flip", "plain")
    )
    np.testing.assert_array_equal(usual, flip)
    assert not np.allclose(plain, flip)


def test_metres_and_a_path_are_written_where_asked_for(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--height", "1.8", "--focal", "900", "--image-size", "1280", "720", "--fps", "50"]
    out = tmp_path / "out.npz"
    assert lift(folder, out, tiny, *options, "--smooth", "one-euro", "--fps-out", "25") == 0
    said = capsys.readouterr()
    assert said.out.startswith("lifted     6 frames, 25 frames a second")
    assert "note: in metres by the given height of 1.8 m" in said.err
    with np.load(out) as file:
        assert (str(file["units"]), str(file["space"])) == ("m", "world")
        assert file["positions"].shape == (6, 17, 3)
        assert "metres_per_pixel" not in file


def test_features_are_written_for_each_joint_and_frame(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "features.npz"
    assert main(["encode", str(folder), "-o", str(out), "--model", str(tiny)]) == 0
    with np.load(out) as file:
        assert file["features"].shape == (12, 17, 8)
        assert tuple(file["joint_names"]) == H36M17.joints
        assert str(file["model"]) == "tiny"
    assert "encoded    12 frames, 8 channels a joint" in capsys.readouterr().out


def cut_in_half(folder: Path) -> Path:
    file = sorted(folder.glob("*.json"))[5]
    file.write_text(file.read_text()[: file.stat().st_size // 2])
    return folder


def without_people(folder: Path) -> Path:
    for file in folder.glob("*.json"):
        file.write_text(json.dumps({"people": []}))
    return folder


def image(folder: Path) -> Path:
    path = folder.parent / "picture.json"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    return path


def emptied(folder: Path) -> Path:
    for file in folder.glob("*.json"):
        file.unlink()
    return folder


@pytest.mark.parametrize(
    ("make_source", "message"),
    [
        (lambda folder: folder / "nothing", "no such file or folder"),
        (emptied, "the folder is empty"),
        (cut_in_half, "not valid JSON"),
        (image, "a picture (PNG); expected 2D keypoints, or a video"),
        (without_people, "no person in any frame"),
    ],
)
def test_a_wrong_source_is_one_line_and_leaves_nothing(
    make_source: Callable[[Path], Path],
    message: str,
    folder: Path,
    tmp_path: Path,
    tiny: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused(lift(make_source(folder), tmp_path / "o" / "out.npz", tiny), message, capsys)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("keypoints", "is a folder"),
        ("out.docx", "cannot write '.docx' files; choose one of:"),
        ("tiny.txt/out.npz", "cannot be written"),
        ("/proc/out.npz", "cannot be written"),
        ("x" * 300 + ".npz", "cannot be written"),
    ],
)
def test_a_wrong_out_is_one_line_before_any_work(
    out: str, message: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.txt").write_text("")
    before = sorted(tmp_path.rglob("*"))
    # The model does not exist either: had the work begun, the message would say so.
    refused(lift(folder, tmp_path / out, Path("no-such-model")), message, capsys)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "no-such-model"], "no model is named 'no-such-model'; there are:"),
        (["--person", "7"], "no person is named '7'; there are: 1"),
        (["--fps", "0"], "a frame rate is above 0"),
        (["--fps", "1e9"], "--fps 1e+09: a frame rate is above 0, and at most 100000"),
        (["--person", ""], "no person is named ''; there are: 1"),
        (["--format", "mp4"], "no format is named 'mp4'; there are:"),
        (["--skeleton", "dog"], "no skeleton is named 'dog'"),
        (["--device", "abacus"], "no device is named 'abacus'"),
        (["--height", "175"], "--height 175: a person's height in metres"),
        (["--height", "1.7", "--focal", "1000"], "keypoints: does not say how large the picture"),
        (["--height", "1.7", "--calibration", "no.toml"], "no.toml: cannot be read"),
        (["--smooth", "savgol"], "--smooth works in seconds, and"),
        (["--fps-out", "25"], "--fps-out works in seconds"),
        (["--focal", "1000"], "--focal gives the path in metres only"),
    ],
)
def test_a_wrong_option_is_one_line_and_leaves_nothing(
    options: list[str],
    message: str,
    folder: Path,
    tmp_path: Path,
    tiny: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused(lift(folder, tmp_path / "out.npz", tiny, *options), message, capsys)
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names are Unicode there")
@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
def test_a_name_that_is_no_text_is_lifted_and_its_motion_read_again(
    suffix: str, folder: Path, tmp_path: Path, tiny: Path
) -> None:
    odd = folder.rename(tmp_path / os.fsdecode(b"caf\xe9"))
    out = tmp_path / f"out{suffix}"
    assert lift(odd, out, tiny, "--fps", "30") == 0
    (again,) = read_motion(out)
    assert again.source.endswith("caf?")


def test_help_shows_what_options_take(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["lift", "--help"])
    said = capsys.readouterr().out
    assert "--fps FLOAT" in said
    assert "{None}" not in said


def test_a_mistyped_command_is_answered_with_what_may_be_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["lfit", "x"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("motionlift: no command is named 'lfit'; there are: bench, ")
    assert said.endswith("; did you mean lift?\n")
    assert main(["xyz"]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_an_unknown_flag_is_a_usage_error(folder: Path, tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(SystemExit) as exit_info:
        lift(folder, tmp_path / "out.npz", tiny, "--no-such-flag")
    assert exit_info.value.code == 2


def test_features_go_to_npz_only(
    folder: Path, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["encode", str(folder), "-o", str(tmp_path / "f.csv"), "--model", str(tiny)])
    refused(code, "features are written as .npz", capsys)


def refused(code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert message in said.err
    assert said.err.startswith("motionlift: ")
    assert said.err.count("\n") == 1


def test_the_source_is_never_written_over(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "walk.npz"
    write_keypoints(make_example().keypoints, source)
    before = source.read_bytes()
    assert lift(source, source, tiny) == 2
    assert "walk.npz: is the source itself; give -o another name" in capsys.readouterr().err
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("out", "names"),
    [
        ("t.long.csv", ["t_1.long.csv", "t_2.long.csv"]),
        ("t.v2.csv", ["t.v2_1.csv", "t.v2_2.csv"]),
    ],
)
def test_peoples_files_keep_what_the_suffix_says(
    tmp_path: Path, tiny: Path, out: str, names: list[str]
) -> None:
    source = write_openpose(tmp_path / "keypoints", people=2)
    assert lift(source, tmp_path / "out" / out, tiny, "--person", "all", "--fps", "30") == 0
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == names


def test_people_whose_names_make_the_same_file_are_numbered() -> None:
    found = _outputs_of(["a b", "a-b"], Path("out.npz"))
    assert found == [Path("out_a-b-1.npz"), Path("out_a-b-2.npz")]
