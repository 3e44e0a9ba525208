"""The numbers of a run as TensorBoard events, beside the lines that say the same.

The format is TensorFlow's: records with checksums, each an `Event`. TensorBoard's own package
writes them (the extra `tensorboard`); without it there are none, and training goes on. No file
stays open between two writes, so that a kill leaves whole records, but perhaps for the last.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_NOT_NUMBERS = ("step", "split")


class Events:
    """Writes rows of the metrics into a file of events of its own.

    Args:
        folder: for the file; others there are of earlier parts of the run.
        first_step: what the run goes on from; TensorBoard drops what it has beyond.
    """

    def __init__(self, folder: Path, *, first_step: int, say: Callable[[str], None]) -> None:
        self._rows: list[tuple[float, Mapping[str, Any]]] = []
        self._file: Path | None = None
        try:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        except ImportError:
            say("no TensorBoard events: it is not here; pip install motionlift[tensorboard]")
            return
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        # Nanoseconds: a run that goes on at once must not share its file with a cut record.
        self._file = folder / f"events.out.tfevents.{time.time_ns()}.motionlift"
        self._append(
            [
                Event(wall_time=now, step=first_step + 1, file_version="brain.Event:2"),
                Event(
                    wall_time=now,
                    step=first_step + 1,
                    session_log=SessionLog(status=SessionLog.START),
                ),
            ]
        )

    def add(self, row: Mapping[str, Any]) -> None:
        """Remember a row for the next `flush`."""
        if self._file is not None:
            self._rows.append((time.time(), row))

    def flush(self) -> None:
        """Write what was added since the last time."""
        if self._file is None or not self._rows:
            return
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        events = []
        for wall_time, row in self._rows:
            values = [
                Summary.Value(tag=f"{row['split']}/{name}", simple_value=value)
                for name, value in row.items()
                if name not in _NOT_NUMBERS
            ]
            events.append(
                Event(wall_time=wall_time, step=row["step"], summary=Summary(value=values))
            )
        self._append(events)
        self._rows = []

    def _append(self, events: list[Any]) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        assert self._file is not None
        with self._file.open("ab") as handle:
            writer = RecordWriter(handle)
            for event in events:
                writer.write(event.SerializeToString())
