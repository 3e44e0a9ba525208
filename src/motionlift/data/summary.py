"""What a store holds, as plain values: for `data show`, for scripts, and for the build's report.

`sequences_2d` are those of the `sequences` that are keypoints without 3D truth.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from motionlift.data.store import Sequence, SourceRecord, Store


def summary(store: Store) -> dict[str, Any]:
    """Sequences, minutes and skipped files, together and by data set, source and split."""
    sources = store.sources()
    return {
        "store": str(store.path),
        "fps": store.fps,
        **_counts(store.sequences, sources),
        "by_dataset": _by("dataset", store.sequences, sources),
        "by_source": _by("source", store.sequences, sources),
        "by_split": _by("split", store.sequences, sources),
        "takes": takes(store.sequences),
        "takes_in_two_splits": _takes_in_two_splits(store.sequences),
        "warnings": [
            {"file": each.file, "warning": warning} for each in sources for warning in each.warnings
        ],
        "not_in_table": store.header["settings"].get("unlisted", []),
    }


def takes(sequences: Iterable[Sequence]) -> dict[str, list[str]]:
    """Names of the sequences of each take that is there more than once."""
    groups: dict[str, list[str]] = defaultdict(list)
    for each in sequences:
        if each.take:
            groups[each.take].append(each.name)
    return dict(groups)


def _takes_in_two_splits(sequences: Iterable[Sequence]) -> list[str]:
    """Takes that are in training and in validation or test too, under whatever name."""
    splits: dict[str, set[str]] = defaultdict(set)
    for each in sequences:
        if each.take:
            splits[each.take].add(each.split)
    return [take for take, found in splits.items() if len(found) > 1]


def _by(
    field: str, sequences: Iterable[Sequence], sources: Iterable[SourceRecord]
) -> dict[str, dict[str, Any]]:
    names = sorted(
        {getattr(each, field) for each in sequences} | {getattr(each, field) for each in sources}
    )
    return {
        name: _counts(
            [each for each in sequences if getattr(each, field) == name],
            [each for each in sources if getattr(each, field) == name],
        )
        for name in names
    }


def _counts(sequences: Iterable[Sequence], sources: Iterable[SourceRecord]) -> dict[str, Any]:
    sequences = tuple(sequences)
    return {
        "sequences": len(sequences),
        "sequences_2d": sum(each.units == "px" for each in sequences),
        "frames": sum(each.frames for each in sequences),
        "minutes": round(sum(each.seconds for each in sequences) / 60, 3),
        "skipped": [
            {"file": each.file, "reason": each.skipped} for each in sources if each.skipped
        ],
    }
