"""What a run of `paper` on 60 hours of motion costs on 1, 8 and 64 GPUs, as a table.

Counted: operations, parameters, kernels, steps. Measured, on a CPU: what cutting a clip takes.
Assumed, and to be replaced by whoever has the machines: all that is said of GPUs and links.

Run: python scripts/scale.py
"""

from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from motionlift.network.dstformer import FULL, DSTformer
from motionlift.recipes.paper import RECIPE

HOURS_OF_MOTION = 60
FPS = 50
# On one core, benchmarks/2026-11-22/paper_clips.log; done between steps, and not on the GPU.
SECONDS_TO_CUT_A_CLIP = 0.22e-3
# So many clips, clean and corrupted, by the first process alone (training/keeping.py).
CLIPS_A_VALIDATION = 2 * 512
# Assumed. Matrices of 512 channels and rows of 17 and 243 do not fill a GPU.
SHARE_OF_PEAK = 0.3
SECONDS_A_KERNEL = 6e-6
FAST_BETWEEN_NODES = 25e9  # bytes a second of a node: 200 Gbit/s
SLOW_BETWEEN_NODES = 1.25e9  # 10 Gbit/s
GPUS_A_NODE = 8
BACKWARD_OVER_FORWARD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """Data sheet figures: dense bf16 operations a second, bytes a second to its neighbours."""

    name: str
    peak: float
    link: float


GPUS = (
    Gpu(name="A100", peak=312e12, link=300e9),
    Gpu(name="H100", peak=989e12, link=450e9),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the recipe asks for, whatever it runs on."""

    clips_an_epoch: int
    steps: int
    batch: int
    flop_a_clip: float
    gradient_bytes: int
    kernels_a_step: int


class _Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations that do something; views and shapes cost nothing."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if not function.is_view:
            self.count += 1
        return function(*args, **(kwargs or {}))


def work() -> Work:
    """Counted on a network without memory."""
    (stage,) = RECIPE.stages
    frames = HOURS_OF_MOTION * 3600 * FPS
    clips = frames // stage.stride
    with torch.device("meta"):
        network = DSTformer(FULL)
        clip = torch.zeros(1, stage.frames, 17, 3)
        with FlopCounterMode(display=False) as counter:
            network(clip)
        with _Counted() as kernels:  # type: ignore[no-untyped-call]
            network(clip).sum().backward()
    parameters = sum(each.numel() for each in network.parameters())
    return Work(
        clips_an_epoch=clips,
        steps=stage.epochs * -(-clips // stage.batch),
        batch=stage.batch,
        flop_a_clip=counter.get_total_flops() * (1 + BACKWARD_OVER_FORWARD),
        gradient_bytes=4 * parameters,
        kernels_a_step=kernels.count,
    )


def row(
    gpu: Gpu, count: int, todo: Work, *, batch: int, between: float = FAST_BETWEEN_NODES
) -> str:
    """A line of the table: where a step's time goes, and what all steps take."""
    clips, steps = -(-batch // count), todo.steps * todo.batch // batch
    speed = SHARE_OF_PEAK * gpu.peak
    computing = max(
        clips * todo.flop_a_clip / speed,
        todo.kernels_a_step * SECONDS_A_KERNEL,
    )
    cutting = clips * SECONDS_TO_CUT_A_CLIP
    # Each byte of the gradient passes each link twice in a ring; the slowest link decides. It is
    # sent while the backward pass goes on.
    link = gpu.link if count <= GPUS_A_NODE else between
    sending = 2 * (count - 1) / count * todo.gradient_bytes / link
    step = cutting + max(computing, sending)
    forward = todo.flop_a_clip / (1 + BACKWARD_OVER_FORWARD)
    validating = steps // RECIPE.validate_every * CLIPS_A_VALIDATION * forward / speed
    hours = (step * steps + validating) / 3600
    nodes = "" if count <= GPUS_A_NODE else f", {8 * between / 1e9:.0f} Gbit/s"
    cells = (
        f"{count} x {gpu.name}{nodes}",
        f"{batch}",
        f"{clips}",
        f"{1000 * computing:.0f}",
        f"{1000 * cutting:.1f}",
        f"{1000 * sending:.1f}",
        f"{1000 * step:.0f}",
        f"{validating / 3600:.2f}",
        f"{hours:.0f}" if hours >= 10 else f"{hours:.1f}",
        f"{hours * count:.0f}",
    )
    return "| " + " | ".join(cells) + " |"


def table() -> str:
    """All of it, as it stands in docs/scale.md."""
    todo = work()
    parts = ("computing ms", "cutting ms", "sending ms", "step ms")
    columns = ("GPUs", "batch", "clips each", *parts, "validating h", "all h", "GPU hours")
    lines = [
        f"{todo.clips_an_epoch} clips an epoch, {todo.steps} steps, "
        f"{todo.flop_a_clip / 1e12:.2f} TFLOP a clip forward and back, "
        f"{todo.gradient_bytes / 1e6:.0f} MB of gradients, {todo.kernels_a_step} kernels a step",
        "",
        "| " + " | ".join(columns) + " |",
        "| " + " | ".join(["---"] * len(columns)) + " |",
    ]
    lines += [row(gpu, count, todo, batch=64) for gpu in GPUS for count in (1, 8, 64)]
    lines += [row(gpu, 64, todo, batch=64, between=SLOW_BETWEEN_NODES) for gpu in GPUS]
    lines += [row(gpu, 64, todo, batch=512) for gpu in GPUS]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
