"""Samples of a run: held-out clips as the network saw them, the truth, and its answers, as a PNG.

What the numbers do not tell is seen here: a body that stays flat, a side taken for the other, a
limb that is lost. A clip is a row, with its middle frame, under the cameras and the corruption of
the training. Truth and answer are drawn at one scale, as the camera sees them and from its right.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import nn

from motionlift.data.store import Store
from motionlift.files import written_beside
from motionlift.network.compute import Compute
from motionlift.skeletons import H36M17
from motionlift.tasks.lift import Lift, LiftSamples
from motionlift.training.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CLIPS = 4
_SEED = 20261
_COLOURS = {"left": "#1f6fd6", "right": "#d9480f"}
_MIDDLE = "#475467"
_COLUMNS = ("keypoints", "truth", "answer", "truth from the side", "answer from the side")
# In clip space; from the root to a hand is seldom more than this times half the body's box.
_REACH = 1.4


def draw_samples(
    path: Path, model: nn.Module, recipe: Recipe, store: Store, compute: Compute
) -> Path | None:
    """Draw validation lifts to `path`.

    None, and no picture, where matplotlib is not installed, the store has no validation split, or
    the task is not lifting.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    if not isinstance(recipe.task, Lift) or not store.select(split="val", units="m"):
        return None
    samples = recipe.samples(store, split="val", frames=recipe.stages[-1].frames)
    assert isinstance(samples, LiftSamples)
    chosen = np.unique(np.linspace(0, len(samples) - 1, _CLIPS + 2).astype(np.int64)[1:-1])
    lifts = _lifted(model, samples, chosen, compute)
    figure = Figure(figsize=(1.9 * len(_COLUMNS), 2.2 * len(chosen) + 0.3), layout="constrained")
    rows = figure.subplots(len(chosen), len(_COLUMNS), squeeze=False)
    for axes, number, lift in zip(rows, chosen, lifts, strict=True):
        _draw_row(list(axes), lift, name=samples.name(int(number)))
    for ax, title in zip(rows[0], _COLUMNS, strict=True):
        ax.set_title(title, fontsize=9)
    figure.supxlabel("left is blue, right is orange; x is a keypoint that was masked", fontsize=8)
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=110)
    return path


@torch.no_grad()
def _lifted(
    model: nn.Module, samples: LiftSamples, chosen: np.ndarray, compute: Compute
) -> list[dict[str, Any]]:
    """Of each clip the middle frame: input, truth, answer, which joints are known, and the error.

    In clip space, root-relative but for the input; the error in mm over the whole clip.
    """
    was_training = model.training
    model.eval()
    batch = samples.batch(chosen, seed=_SEED, epoch=0, device=compute.device)
    with compute.autocast():
        answer = model(batch.inputs).float()
    model.train(was_training)
    distance = (answer - batch.target).norm(dim=-1) * batch.weight
    error = distance.sum(dim=(1, 2)) / batch.weight.sum(dim=(1, 2)) * batch.scale
    middle = samples.frames // 2
    return [
        {
            "input": batch.inputs[number, middle].cpu().numpy(),
            "truth": batch.target[number, middle].cpu().numpy(),
            "answer": answer[number, middle].cpu().numpy(),
            "known": batch.weight[number, middle].cpu().numpy() > 0,
            "error_mm": 1000 * error[number].item(),
        }
        for number in range(len(chosen))
    ]


def _draw_row(axes: list["Axes"], lift: dict[str, Any], *, name: str) -> None:
    keypoints, truth, answer = lift["input"], lift["truth"], lift["answer"]
    is_seen = keypoints[:, 2] > 0
    everything = np.ones(len(truth), dtype=bool)
    _draw(axes[0], keypoints[:, :2], is_seen, reach=1.15)
    # Where masked keypoints are: the truth, moved to where it fits those that are seen.
    if is_seen.any():
        shift = (keypoints[:, :2] - truth[:, :2])[is_seen].mean(axis=0)
        hidden = (truth[:, :2] + shift)[~is_seen & lift["known"]]
        axes[0].plot(*hidden.T, "x", color="#98a2b3", markersize=4)
    else:
        axes[0].text(0, 0, "masked", ha="center", color="#98a2b3", fontsize=8)
    for ax, joints, known, places in (
        (axes[1], truth, lift["known"], [0, 1]),
        (axes[2], answer, everything, [0, 1]),
        (axes[3], truth, lift["known"], [2, 1]),
        (axes[4], answer, everything, [2, 1]),
    ):
        _draw(ax, joints[:, places], known, reach=_REACH)
    axes[0].set_ylabel(name[-34:], fontsize=6)
    axes[2].set_xlabel(f"{lift['error_mm']:.0f} mm over the clip", fontsize=7)


def _draw(
    ax: "Axes", points: Float[np.ndarray, "17 2"], known: Bool[np.ndarray, " 17"], *, reach: float
) -> None:
    """Bones between joints that are there; y points down."""
    ax.set(xlim=(-reach, reach), ylim=(reach, -reach), xticks=[], yticks=[], aspect="equal")
    for spine in ax.spines.values():
        spine.set_color("#d8dde5")
    for parent, joint in H36M17.bones:
        if known[parent] and known[joint]:
            side = H36M17.joints[joint].split("_")[0]
            ax.plot(
                *points[[parent, joint]].T,
                color=_COLOURS.get(side, _MIDDLE),
                linewidth=1.8,
                solid_capstyle="round",
            )
    ax.plot(*points[known].T, ".", color=_MIDDLE, markersize=2.5)
