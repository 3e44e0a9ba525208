"""A picture of a run: loss and validation error over steps."""

from pathlib import Path

from motionlift.files import written_beside
from motionlift.training.run import Run

_NOT_SCORES = ("step", "split", "loss", "frames")


def draw_curves(run: Run) -> Path | None:
    """Draw `curves.png` into the run folder; None without matplotlib, or any line."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    rows = run.metrics()
    if not rows:
        return None
    train = [row for row in rows if row["split"] == "train"]
    val = [row for row in rows if row["split"] == "val"]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([row["step"] for row in train], [row["loss"] for row in train], lw=0.4, alpha=0.4)
    smooth = _running_mean([row["loss"] for row in train], width=max(1, len(train) // 50))
    left.plot([row["step"] for row in train][-len(smooth) :], smooth, color="C0")
    # A likelihood may be below 0.
    scale = "log" if all(row["loss"] > 0 for row in train) else "linear"
    left.set(title="training loss", xlabel="step", yscale=scale)
    for name in (name for name in (val[0] if val else {}) if name not in _NOT_SCORES):
        right.plot([row["step"] for row in val], [row[name] for row in val], ".-", label=name)
    right.set(title="validation", xlabel="step")
    if val:
        right.legend()
    path = run.path / "curves.png"
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=110)
    return path


def _running_mean(values: list[float], *, width: int) -> list[float]:
    total, means = 0.0, []
    for number, value in enumerate(values):
        total += value
        if number >= width:
            total -= values[number - width]
        if number >= width - 1:
            means.append(total / width)
    return means
