"""The report of a build: one HTML page with everything in it, `report.html` in the store."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.data.charts import bars, flat_poses, histogram, poses, shares
from motionlift.data.statistics import BONES, KINDS, Measured, measure
from motionlift.data.store import Sequence, Store
from motionlift.data.summary import summary
from motionlift.svg import legend

# Data sets beyond these are drawn as one, and lists beyond this are cut and say so.
MOST_SERIES, MOST_LINES = 5, 400
POSES_PER_SOURCE = 5
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 2rem auto;
  max-width: 1100px; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .15rem .7rem; text-align: right }
td:first-child, th:first-child, td.text { text-align: left }
tr.all:last-child td { font-weight: 600 } h2 { margin-top: 2.5rem }
.row { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: start }
.key i { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em }
figure { margin: 0 0 1rem } figcaption { color: #666 } details { margin: .5rem 0 }
"""


def report(store: Store) -> str:
    """The page: what is in the store, what is not and why, and what the motion is like."""
    values = summary(store)
    measured = [measure(store, each) for each in store.sequences if each.units == "m"]
    sections = [
        f"<h1>{values['sequences']:,} sequences, {values['minutes']:.1f} minutes</h1>"
        f"<p>{values['frames']:,} frames at {store.fps:g} a second, from "
        f"{len(store.sources()):,} files.</p>",
        '<div class="row">' + "".join(_counts(values, by) for by in ("dataset", "source", "split")),
        "</div>",
        _left_out(values),
        _samples(store),
        _poses(measured),
        _bones(measured),
        _rates_and_lengths(store.sequences),
        _takes(values),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Training store</title>'
        f"<style>{_STYLE}</style></head><body>\n{chr(10).join(sections)}\n</body></html>\n"
    )


def _counts(values: Mapping[str, Any], by: str) -> str:
    rows = [
        [
            name or "(none)",
            each["sequences"],
            each["sequences_2d"] or "",
            f"{each['minutes']:.1f}",
            len(each["skipped"]) or "",
        ]
        for name, each in [*values[f"by_{by}"].items(), ("all", values)]
    ]
    return _table([by, "sequences", "2D only", "minutes", "skipped"], rows, css="all")


def _left_out(values: Mapping[str, Any]) -> str:
    skipped = [[each["file"], each["reason"]] for each in values["skipped"]]
    doubts = [[each["file"], each["warning"]] for each in values["warnings"]]
    unlisted = [[file] for file in values["not_in_table"]]
    return "<h2>Skipped, repaired, doubtful</h2>" + "".join(
        f"<details{' open' if 0 < len(rows) <= 30 else ''}><summary>{len(rows)} {what}</summary>"
        f"{_table([], rows)}</details>"
        for what, rows in (
            ("files skipped", skipped),
            ("warnings", doubts),
            ("recordings not in the split table, not read", unlisted),
        )
    )


def _samples(store: Store) -> str:
    """Poses of the longest sequence of each source."""
    longest: dict[tuple[str, str], Sequence] = {}
    for each in store.sequences:
        key = (each.source, each.units)
        if each.frames > getattr(longest.get(key), "frames", 0):
            longest[key] = each
    figures = []
    for (source, units), each in sorted(longest.items()):
        picture = _flat_sample(store, each) if units == "px" else _sample(store, each)
        caption = f"{source or '(none)'}: {each.name}"
        figures.append(f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>")
    return (
        "<h2>Samples</h2><p>Left is blue, right orange. Motion capture is turned to face the "
        "reader and drawn to one scale; keypoints are as the image has them.</p>"
        f'<div class="row">{"".join(figures)}</div>'
    )


def _sample(store: Store, each: Sequence) -> str:
    frames = np.linspace(0, each.frames - 1, POSES_PER_SOURCE + 2).astype(int)[1:-1]
    unseen = ~store.visibility(each)[frames]
    return poses(np.where(unseen[..., None], np.nan, store.positions(each)[frames].astype(float)))


def _flat_sample(store: Store, each: Sequence) -> str:
    is_seen = store.visibility(each)
    present = np.flatnonzero(is_seen.any(axis=1))
    frames = present[np.linspace(0, len(present) - 1, POSES_PER_SOURCE).astype(int)]
    points = store.positions(each)[frames, :, :2].astype(float)
    return flat_poses(np.where(is_seen[frames][..., None], points, np.nan))


def _poses(measured: Iterable[Measured]) -> str:
    rows: dict[str, Float[np.ndarray, " kind"]] = defaultdict(lambda: np.zeros(len(KINDS)))
    for each in measured:
        if each.kinds.sum():
            # By time: long sequences have no more frames looked at than short ones.
            time = each.kinds / each.kinds.sum() * each.sequence.seconds
            rows[each.sequence.source or "(none)"] += time
            rows["all"] += time
    ordered = {name: rows[name] for name in sorted(rows, key=lambda name: (name != "all", name))}
    return f"<h2>Poses</h2><p>{legend(KINDS)}</p>{shares(ordered, kinds=KINDS)}"


def _bones(measured: Iterable[Measured]) -> str:
    by_dataset = _by_series(measured)
    lengths = {name: np.array([each.lengths for each in ones]) for name, ones in by_dataset.items()}
    edges = np.linspace(0, 0.8, 81)
    pictures = []
    for number, bone in enumerate(BONES):
        known = {name: values[:, number] for name, values in lengths.items()}
        known = {name: values[np.isfinite(values)] for name, values in known.items()}
        ticks = {place: f"{edges[place]:.1f}" for place in range(0, len(edges), 20)}
        pictures.append(histogram(known, edges=edges, title=f"{bone}, m", ticks=ticks))
    return (
        "<h2>Bones</h2><p>Medians of the sequences, both sides together; all data sets are "
        f"drawn equally high.</p><p>{legend(list(lengths))}</p>"
        f'<div class="row">{"".join(pictures)}</div>'
    )


def _rates_and_lengths(sequences: Iterable[Sequence]) -> str:
    minutes: dict[float, float] = defaultdict(float)
    for each in sequences:
        minutes[each.fps_source] += each.seconds / 60
    rates = {f"{rate:g} frames/s": minutes[rate] for rate in sorted(minutes)}
    seconds = np.array([each.seconds for each in sequences])
    # Bins of the logarithm: from a tenth of a second to ten thousand, eight to a factor of ten.
    edges = np.linspace(-1, 4, 41)
    ticks = {place: f"{10.0 ** edges[place]:g} s" for place in range(0, 40, 8)}
    logarithms = np.log10(np.clip(seconds, 0.1, 9999))
    count = histogram({"": logarithms}, edges=edges, title="sequences by length", ticks=ticks)
    time = histogram(
        {"": logarithms}, edges=edges, title="minutes by length", ticks=ticks, weights={"": seconds}
    )
    return (
        f"<h2>Frame rates of the sources, and lengths</h2>{bars(rates, unit='min')}"
        f'<div class="row">{count}{time}</div>'
    )


def _takes(values: Mapping[str, Any]) -> str:
    mixed = set(values["takes_in_two_splits"])
    rows = [
        [", ".join(names), "in two splits" if take in mixed else ""]
        for take, names in values["takes"].items()
    ]
    return (
        f"<h2>One recording, several times</h2><p>{len(rows)} recordings are in the store in "
        "several conversions, or whole and cut; found by their motion.</p>"
        f"<details><summary>which</summary>{_table([], rows)}</details>"
    )


def _by_series(measured: Iterable[Measured]) -> dict[str, list[Measured]]:
    """By data set; the smaller ones together if there are too many to tell apart."""
    groups: dict[str, list[Measured]] = defaultdict(list)
    for each in measured:
        groups[each.sequence.dataset or "(none)"].append(each)
    largest = sorted(groups, key=lambda name: -len(groups[name]))
    if len(groups) <= MOST_SERIES + 1:
        return {name: groups[name] for name in largest}
    rest = [each for name in largest[MOST_SERIES:] for each in groups[name]]
    return {**{name: groups[name] for name in largest[:MOST_SERIES]}, "others": rest}


def _table(heads: list[str], rows: list[list[Any]], *, css: str = "") -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        f'<tr class="{css}">'
        + "".join(
            f"<td{'' if isinstance(cell, int) else ' class=text' if not heads else ''}>"
            f"{escape(str(cell))}</td>"
            for cell in row
        )
        + "</tr>"
        for row in rows[:MOST_LINES]
    )
    more = f"<p>and {len(rows) - MOST_LINES} more</p>" if len(rows) > MOST_LINES else ""
    return f"<table><tr>{head}</tr>{body}</table>{more}"
