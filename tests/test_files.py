"""Files are written whole or not at all, whatever ends the writing."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from motionlift.errors import FormatError
from motionlift.files import written_beside

# Writes two files, one within the other's block, and waits for a signal between.
_WRITER = """
import signal, sys
from pathlib import Path
from motionlift.files import written_beside
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored under nohup and &
folder = Path(sys.argv[1])
with written_beside(folder / "a.txt") as one, written_beside(folder / "b.txt") as other:
    one.write_text("half")
    other.write_text("half")
    print("writing", flush=True)
    signal.pause()
"""


@pytest.mark.skipif(not hasattr(signal, "pause"), reason="no signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_behind_and_ends_the_process(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "a.txt").write_text("before")
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(number)
        try:
            assert process.wait(timeout=60) == -number
        finally:
            process.kill()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "before"


def test_the_signals_are_afterwards_as_they_were(tmp_path: Path) -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with written_beside(tmp_path / "a.txt") as beside:
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        beside.write_text("whole")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_handler_of_somebody_else_stays(tmp_path: Path) -> None:
    def own(*_: object) -> None: ...

    before = signal.signal(signal.SIGTERM, own)
    try:
        with written_beside(tmp_path / "a.txt") as beside:
            assert signal.getsignal(signal.SIGTERM) is own
            beside.write_text("whole")
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_an_error_in_the_block_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(ValueError, match="no"), written_beside(path) as beside:
        beside.write_text("half")
        raise ValueError("no")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]


def test_what_a_writer_says_is_of_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.rrd"
    with pytest.raises(FormatError) as raised, written_beside(path) as beside:
        raise FormatError(f"{beside}: cannot hold this")
    assert str(raised.value) == f"{path}: cannot hold this"
    assert list(tmp_path.iterdir()) == []
