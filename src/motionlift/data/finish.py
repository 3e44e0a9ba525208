"""The last step of making a store: its tables, its takes, its report."""

import functools
from pathlib import Path
from typing import Any

from motionlift.data.report import report
from motionlift.data.store import Store
from motionlift.data.store_writer import ShardWriter, complete
from motionlift.data.takes import with_takes

REPORT = "report.html"


def finish(folder: Path, shards: ShardWriter, **tables: Any) -> None:
    """Make a folder of shards a store; `tables` as for `complete`."""
    write = functools.partial(
        complete, folder, shards=shards.shards, checksums=shards.finish(), **tables
    )
    write()
    write(sequences=with_takes(Store.open(folder)))
    (folder / REPORT).write_text(report(Store.open(folder)), encoding="utf-8")
