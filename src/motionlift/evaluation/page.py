"""The report as one HTML page without anything outside it: tables, charts, and clips as drawn."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from motionlift.evaluation.charts import SERIES_COLOURS, bars, rose
from motionlift.evaluation.drawn_clips import DrawnClip
from motionlift.evaluation.protocols import StoreProtocol
from motionlift.evaluation.report import headings, rows
from motionlift.skeletons import H36M17
from motionlift.svg import legend

_MOST_ACTIONS = 40
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 2rem auto;
  max-width: 1300px; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .15rem .7rem; text-align: right }
td:first-child, th:first-child { text-align: left }
tr.head td { font-weight: 600; padding-top: .7rem }
tr.model td { background: #eef5fa } h2 { margin-top: 2.5rem } .note { color: #666 }
.key i { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em }
.row { display: flex; flex-wrap: wrap; gap: 1.5rem } figure { margin: 0 } figcaption { color: #666 }
.frames { gap: .6rem } .frames svg { border: 1px solid #ddd; background: #fafafa }
"""


def page(values: Mapping[str, Any], clips: Iterable[DrawnClip], *, protocol: StoreProtocol) -> str:
    """The whole page, from what `report.as_json` gave."""
    model, store = values["model"], values["store"]
    how_much = f"a tenth of the split {store['split']}" if store["quick"] else store["split"]
    about = (
        f"{model['name']}: {model['parameters']:,} parameters, windows of {model['window']} "
        f"frames, {model['precision']}. {store['sequences']} sequences, {store['frames']:,} "
        f"frames ({how_much}), each in {protocol.views_each} of {len(protocol.views)} views."
    )
    sections = [
        f"<h1>{escape(protocol.title)}</h1><p>{escape(about)}</p>",
        _table(values),
        *(f'<p class="note">{escape(note)}</p>' for note in values["notes"]),
        _by_joint(values),
        _by_view(values, protocol),
        _by_action(values),
        "<h2>Clips</h2><p>Truth in grey; the answer's left side in blue, its right side in orange; "
        "dots are the keypoints that were shown. On the left as the camera sees it, beside it from "
        "the camera's right.</p>",
        *(_clip(clip) for clip in clips),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(model['name'])}: {escape(protocol.title)}</title><style>{_STYLE}</style>"
        f"</head><body>\n{chr(10).join(sections)}\n</body></html>\n"
    )


def _table(values: Mapping[str, Any]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in ("", *headings(values)))
    lines = [f"<tr>{head}</tr>"]
    for row in rows(values):
        if row.is_model:
            lines.append(f'<tr class="head"><td>{escape(row.condition)}</td></tr>')
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in (row.lifter, *row.cells))
        lines.append(f"<tr{' class=model' * row.is_model}>{cells}</tr>")
    return (
        f"<table>{''.join(lines)}</table><p class=note>Root-relative; mm, mm/frame and mm/frame² "
        "at 50 frames a second; pooled is the unweighted mean of the datasets, whose MPJPE stands "
        "on the right. PCK at 150 mm.</p>"
    )


def _by_joint(values: Mapping[str, Any]) -> str:
    conditions = list(values["conditions"])
    charts = []
    for dataset in values["by_joint_mm"][conditions[0]]:
        rows = {
            joint.replace("_", " "): {
                condition: values["by_joint_mm"][condition][dataset][joint]
                for condition in conditions
            }
            for joint in H36M17.joints
        }
        charts.append(
            f"<figure>{bars(rows, unit='mm')}<figcaption>{escape(dataset)}</figcaption></figure>"
        )
    key = legend(conditions, colours=SERIES_COLOURS)
    return f"<h2>By joint, mm</h2><p>{key}</p><div class=row>{''.join(charts)}</div>"


def _by_view(values: Mapping[str, Any], protocol: StoreProtocol) -> str:
    roses = []
    for condition, views in values["by_view"].items():
        errors = {
            (view.yaw, view.pitch): views[view.label]["mpjpe_mm"]
            for view in protocol.views
            if view.label in views
        }
        roses.append(f"<figure>{rose(errors)}<figcaption>{escape(condition)}</figcaption></figure>")
    return (
        "<h2>By view, MPJPE in mm</h2><p>Cameras around the world's upright axis; the innermost "
        "ring looks up from below, the outermost down from above.</p>"
        f"<div class=row>{''.join(roses)}</div>"
    )


def _by_action(values: Mapping[str, Any]) -> str:
    conditions = list(values["by_action"])
    first = values["by_action"][conditions[0]]
    worst_first = sorted(first, key=lambda action: -(first[action]["mpjpe_mm"] or 0.0))
    rows = {
        action: {
            condition: values["by_action"][condition][action]["mpjpe_mm"]
            for condition in conditions
        }
        for action in worst_first[:_MOST_ACTIONS]
    }
    left_out = len(worst_first) - len(rows)
    note = f"<p class=note>{left_out} more stand in the JSON.</p>" if left_out else ""
    key = legend(conditions, colours=SERIES_COLOURS)
    return f"<h2>By action, MPJPE in mm</h2><p>{key}</p>{bars(rows, unit='mm')}{note}"


def _clip(clip: DrawnClip) -> str:
    frames = "".join(
        f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, picture in clip.frames
    )
    return f'<h3>{escape(clip.title)}</h3><div class="row frames">{frames}</div>'
