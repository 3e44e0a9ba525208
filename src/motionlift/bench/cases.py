"""The measurements: each a piece of work, what it handles, and its plain twins."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import torch

from motionlift.bench.plain import PlainTwin
from motionlift.data.batch import Batch, DataSettings, make_batch
from motionlift.data.clips import Cut
from motionlift.data.draws import Draws
from motionlift.errors import OptionError
from motionlift.example import make_example
from motionlift.lifting import Lifter
from motionlift.network.compute import Compute, Precision
from motionlift.network.dstformer import FULL, LITE, DSTformer, DSTformerConfig
from motionlift.network.weights import load_model
from motionlift.tasks.lift import LossWeights, loss_terms, total_loss

Work = Callable[[], None]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
CLIP = 243
COMPILED = "compiled"
# The network of the recipe `small`, which this room may not import; a test holds them together.
SMALL = DSTformerConfig(
    dim_feat=128, dim_rep=128, depth=3, num_heads=4, mlp_ratio=2, max_frames=27, residual=True
)
NETWORKS = {"full": FULL, "lite": LITE, "small": SMALL}
_NAME = re.compile(
    rf"(loader|lift/[1-9]\d*|(forward|train)/({'|'.join(NETWORKS)})/b[1-9]\d*(x[1-9]\d*)?"
    rf"(\+{COMPILED})?)(@[1-9]\d*)?"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One measurement.

    Attributes:
        work: what is timed.
        count: what `per_second` counts: clips of a step, or frames of a lift.
        flop: arithmetic of the matrix products in `work`; 0 where it is no fraction of a GEMM.
        precision: in which `work` runs.
        twins: plain forms of the same work, by precision; empty where there are none.
    """

    work: Work
    count: int
    flop: float = 0.0
    precision: str = "fp32"
    twins: dict[str, Work] = field(default_factory=dict)


# Training `small` has the clips of its recipe's stages.
QUICK = ("forward/lite/b1", "forward/full/b1", "train/small/b48x27", "loader", "lift/100")
ALL = (
    *QUICK,
    "train/small/b432x1",
    "train/small/b96x9",
    "train/lite/b8",
    "train/full/b4",
    "train/full/b8",
    "lift/10000",
)
# What a large GPU is filled by.
CUDA = ("train/full/b64", "lift/1000000")
# Time and memory of these are the question, not the twins': a step of theirs takes a minute.
_ALONE = ("train/full/b8",)


def check_name(name: str) -> None:
    """Refuse what is no measurement, before any is made.

    Raises:
        OptionError: if there is none of that name; it lists those there are.
    """
    if not _NAME.fullmatch(name):
        raise OptionError(f"no measurement is named '{name}'; there are: {', '.join(ALL)}")


def make_case(name: str, *, device: torch.device) -> Case:
    """The measurement of that name; `forward/lite/b1x81@2` has clips of 81 frames and 2 threads.

    `train/lite/b8+compiled` runs code that torch.compile made, against the same twins.

    Threads are set here, for the whole process.

    Raises:
        OptionError: if there is none; it lists those there are.
    """
    check_name(name)
    torch.manual_seed(0)
    work, _, threads = name.partition("@")
    work, _, how = work.partition("+")
    if threads:
        torch.set_num_threads(int(threads))
    case = _case(work, device=device, is_compiled=how == COMPILED)
    return replace(case, twins={}) if work in _ALONE or threads else case


def _case(work: str, *, device: torch.device, is_compiled: bool) -> Case:
    kind, _, rest = work.partition("/")
    if kind == "loader":
        return _loader(device)
    if kind == "lift":
        return _lift(int(rest), device)
    network, _, size = rest.partition("/")
    batch, _, frames = size[1:].partition("x")
    make = _forward if kind == "forward" else _train
    return make(NETWORKS[network], int(batch), int(frames or CLIP), device, is_compiled)


def forward_flop(config: DSTformerConfig, *, frames: int) -> float:
    """Multiplications and additions of the matrix products of one clip's forward pass."""
    C, J = config.dim_feat, config.num_joints
    tokens = frames * J
    linear = 2 * tokens * (4 * C * C + 2 * C * config.hidden)
    spatial = linear + 4 * tokens * J * C
    temporal = linear + 4 * tokens * frames * C
    module = 2 * (spatial + temporal) + 2 * tokens * 2 * C * 2
    ends = 2 * tokens * (config.dim_in * C + C * config.dim_rep + config.dim_rep * config.dim_out)
    return float(config.depth * module + ends)


def _forward(
    config: DSTformerConfig, batch: int, frames: int, device: torch.device, is_compiled: bool
) -> Case:
    network = DSTformer(config).to(device).eval()
    plain = PlainTwin(network)
    x = torch.rand(batch, frames, config.num_joints, config.dim_in, device=device)

    def work_of(model: torch.nn.Module, compute: Compute) -> Work:
        @torch.inference_mode()
        def work() -> None:
            with compute.autocast():
                model(x)

        return work

    ours = Compute.choose(device=str(device))
    return Case(
        work=work_of(_compiled(network) if is_compiled else network, ours),
        count=batch,
        flop=batch * forward_flop(config, frames=frames),
        precision=ours.precision,
        twins={each: work_of(plain, _computing(device, each)) for each in PRECISIONS},
    )


def _train(
    config: DSTformerConfig, batch: int, frames: int, device: torch.device, is_compiled: bool
) -> Case:
    network = DSTformer(config).to(device)
    plain = PlainTwin(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=device.type == "cuda")
    clips = _batch(batch, frames, device)
    weights = LossWeights()

    def work_of(model: torch.nn.Module, compute: Compute) -> Work:
        def work() -> None:
            with compute.autocast():
                predicted = model(clips.inputs)
            loss = total_loss(loss_terms(predicted.float(), clips, weights), weights)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()

        return work

    ours = Compute.choose(device=str(device))
    return Case(
        work=work_of(_compiled(network) if is_compiled else network, ours),
        count=batch,
        flop=3 * batch * forward_flop(config, frames=frames),
        precision=ours.precision,
        twins={each: work_of(plain, _computing(device, each)) for each in PRECISIONS},
    )


def _compiled(network: torch.nn.Module) -> torch.nn.Module:
    return cast(torch.nn.Module, torch.compile(network, dynamic=False))


def _loader(device: torch.device) -> Case:
    """Bodies, views, corruption and clip space for a batch of clips, as the paper has them."""
    return Case(work=lambda: _none(_batch(64, CLIP, device)), count=64)


def _lift(frames: int, device: torch.device) -> Case:
    """Keypoints to motion with the weights that ship, read and written elsewhere."""
    lifter = Lifter(load_model("default"), device=str(device))
    pose = make_example().keypoints
    repeats = -(-frames // pose.num_frames)
    long = type(pose)(
        skeleton=pose.skeleton,
        keypoints=np.tile(pose.keypoints, (repeats, 1, 1))[:frames],
        confidence=np.tile(pose.confidence, (repeats, 1))[:frames],
        frame_index=np.arange(frames),
        fps=pose.fps,
        source="example",
    )
    return Case(work=lambda: _none(lifter.lift_pose(long)), count=frames)


def _batch(count: int, frames: int, device: torch.device) -> Batch:
    truth = make_example().truth.positions.astype(np.float32)
    starts = (37 * np.arange(count)) % (len(truth) - frames)
    positions = np.stack([truth[start : start + frames] for start in starts])
    cut = Cut(positions, np.ones(positions.shape[:3], dtype=bool))
    draws = Draws.of(torch.arange(count, device=device), seed=0, epoch=0)
    return make_batch(cut, draws, DataSettings(), device=device)


def _computing(device: torch.device, precision: Precision) -> Compute:
    return Compute.choose(device=str(device), precision=precision)


def _none(value: object) -> None:
    del value
