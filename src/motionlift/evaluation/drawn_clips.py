"""The clips of a run that are worth looking at, lifted once more and drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from motionlift.data.store import Store
from motionlift.evaluation.charts import skeletons
from motionlift.evaluation.protocols import StoreProtocol
from motionlift.evaluation.report import MM, MODEL
from motionlift.evaluation.run import Scores
from motionlift.evaluation.samples import SampleLifter, make_sample
from motionlift.metrics import mpjpe

_MOMENTS = 5
# From the pelvis to a hand stretched up is about a metre.
_REACH = 1.15


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnClip:
    """One sequence under one view.

    Attributes:
        title: what it is, and what it is an example of.
        frames: pairs of a caption and an SVG; moments in equal steps, and the worst frame.
    """

    title: str
    frames: tuple[tuple[str, str], ...]


def draw_clips(
    store: Store,
    scores: Mapping[str, Mapping[str, Scores]],
    lift: SampleLifter,
    *,
    protocol: StoreProtocol,
) -> list[DrawnClip]:
    """The median and the worst clip of each dataset, under the first and the last condition."""
    return [
        _draw(store, name, view=view, lift=lift, protocol=protocol, condition=condition, what=what)
        for condition in dict.fromkeys((next(iter(scores)), list(scores)[-1]))
        for name, view, what in _examples(store, scores[condition][MODEL])
    ]


def _examples(store: Store, scores: Scores) -> Iterator[tuple[str, int, str]]:
    """Sequence, view and what it is an example of."""
    dataset_of = {each.name: each.dataset for each in store.sequences}
    for dataset in sorted({dataset_of[name] for name, _ in scores.clips}):
        ranked = sorted(
            (error, name, view)
            for (name, view), error in scores.clips.items()
            if dataset_of[name] == dataset and np.isfinite(error)
        )
        for what, place in (("median", len(ranked) // 2), ("worst", -1)):
            if ranked:
                error, name, view = ranked[place]
                yield name, view, f"{what} of {dataset or 'unnamed'}: {MM * error:.0f} mm"


def _draw(
    store: Store,
    name: str,
    *,
    view: int,
    lift: SampleLifter,
    protocol: StoreProtocol,
    condition: str,
    what: str,
) -> DrawnClip:
    sequence = next(each for each in store.sequences if each.name == name)
    sample = make_sample(
        store, sequence, protocol=protocol, condition=protocol.conditions[condition]
    )
    number = sample.views.index(view)
    predicted, target = lift(sample)[number, ..., :3], sample.target[number]
    keypoints = sample.keypoints[number]
    # Keypoints stand where the person is in the picture: bring them to the root.
    seen_from_root = np.isfinite(keypoints) & np.isfinite(target[..., :2])
    gap = np.where(seen_from_root, keypoints - target[..., :2], np.nan)
    errors = mpjpe(predicted, target)
    frames = []
    for frame in _moments(errors):
        shift = np.nanmedian(gap[frame], axis=0) if seen_from_root[frame].any() else np.nan
        picture = skeletons(target[frame], predicted[frame], keypoints[frame] - shift, reach=_REACH)
        error = f"{MM * errors[frame]:.0f} mm" if np.isfinite(errors[frame]) else "no answer"
        frames.append((f"frame {frame}: {error}", picture))
    title = f"{condition}, {what} ({name}, {sequence.action or 'unnamed'}; "
    return DrawnClip(title=f"{title}{protocol.views[view].label})", frames=tuple(frames))


def _moments(errors: np.ndarray) -> list[int]:
    """Frames in equal steps, and the one with the largest error."""
    even = np.linspace(0, len(errors) - 1, _MOMENTS).round().astype(int).tolist()
    worst = [int(np.nanargmax(errors))] if np.isfinite(errors).any() else []
    return sorted({*even, *worst})
