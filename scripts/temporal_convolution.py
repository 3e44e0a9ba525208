"""A baseline of known design: a dilated temporal convolution, trained on the same batches.

    python scripts/temporal_convolution.py --store STORE --out OUT

Pavllo, Feichtenhofer, Grangier, Auli: 3D human pose estimation in video with temporal convolutions
and semi-supervised training (CVPR 2019): convolutions of width 3 with dilations 1, 3, 9, each
followed by batch normalisation, ReLU and, in the residual blocks, a convolution of width 1. It
sees 27 frames. Here it has 256 channels for 1024, no dropout, since no sample is seen twice, and
our keypoints with their confidence in clip space, under the procedure's views and corruption. Its
loss is the joint error, its optimiser Adam at 1e-3 with linear decay.
"""

import argparse
import json
import time
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float
from study_runs import (
    Variant,
    all_runs,
    cpu_seconds,
    parser_of,
    say,
    score,
    shown_test,
    table_of,
    write_json,
    write_study,
)
from torch import Tensor, nn

from motionlift.data.batch import place
from motionlift.data.store import Store
from motionlift.evaluation.baselines import fit_baselines
from motionlift.evaluation.protocols.open import PROTOCOL
from motionlift.evaluation.samples import Sample
from motionlift.losses import position_loss
from motionlift.recipes import RECIPES
from motionlift.skeletons import H36M17
from motionlift.windows import window_starts

DILATIONS: Final = (3, 9)
CONTEXT: Final = 1 + sum(DILATIONS)  # frames on either side: 27 in all
ANSWERED: Final = 27  # frames for which one window is answered
RATE: Final = 1e-3


class TemporalConvolution(nn.Module):
    """Joints of frames from the keypoints of 27 frames around each; no padding."""

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        joints = H36M17.num_joints
        self.first = _convolution(3 * joints, channels, width=3)
        self.wide = nn.ModuleList(
            _convolution(channels, channels, width=3, dilation=each) for each in DILATIONS
        )
        self.narrow = nn.ModuleList(_convolution(channels, channels, width=1) for _ in DILATIONS)
        self.last = nn.Conv1d(channels, 3 * joints, 1)

    def forward(self, keypoints: Float[Tensor, "B F J 3"]) -> Float[Tensor, "B f J 3"]:
        """Root-relative joints in clip space, for the frames with all of their context."""
        x = self.first(keypoints.flatten(2).transpose(1, 2))
        for dilation, wide, narrow in zip(DILATIONS, self.wide, self.narrow, strict=True):
            x = x[..., dilation:-dilation] + narrow(wide(x))
        joints = self.last(x).transpose(1, 2).unflatten(2, (H36M17.num_joints, 3))
        return joints - joints[:, :, [H36M17.root]]


class ConvolutionLifter:
    """The network as the benchmark asks: windows side by side, the ends repeated for context."""

    def __init__(self, model: TemporalConvolution) -> None:
        self._model = model.eval()

    @torch.inference_mode()
    def __call__(self, sample: Sample) -> Float[np.ndarray, "view frame 17 3"]:
        frames = sample.sequence.frames
        starts = window_starts(frames, length=ANSWERED, stride=ANSWERED)
        length = min(ANSWERED, frames)
        seen = starts[:, None] + np.arange(-CONTEXT, length + CONTEXT)
        seen = np.clip(seen, 0, frames - 1)
        answers = np.empty(sample.target.shape)
        for view, (keypoints, confidence) in enumerate(
            zip(sample.keypoints, sample.confidence, strict=True)
        ):
            image = torch.from_numpy(np.nan_to_num(keypoints[seen])).float()
            weight = torch.from_numpy(confidence[seen]).float()
            batch = place(image, weight, torch.zeros(*weight.shape, 3), weight=weight)
            joints = self._model(batch.inputs) * batch.scale[:, None, None, None]
            for start, window in zip(starts, joints.numpy(), strict=True):
                answers[view, start : start + length] = window
        return answers


def main() -> None:
    """Train and score it, and what it is compared with."""
    parser = parser_of("A dilated temporal convolution as a trained baseline.")
    parser.add_argument("--convolution-steps", type=int, default=1500, help="steps of its training")
    asked = parser.parse_args()
    store = Store.open(asked.store)
    results = closed_forms(asked, store)
    torch.set_num_threads(1)
    runs = [trained(asked, store, seed=seed) for seed in range(asked.seeds)]
    results += [each for each in runs if each is not None]
    results += all_runs([Variant(name="full procedure")], asked, store=store)
    write_study("temporal_convolution", asked, results=results, text=table_of(results))


def closed_forms(asked: argparse.Namespace, store: Store) -> list[dict[str, Any]]:
    """The baselines without training, on the same share of frames."""
    path = asked.out / "runs" / f"closed_forms_{asked.share:g}.json"
    if not path.is_file():
        baselines, _ = fit_baselines(store, PROTOCOL)
        write_json(
            path,
            {
                name: _result(name, test=score(lifter, store, asked.share))
                for name, lifter in baselines.items()
            },
        )
    return list(json.loads(path.read_text("utf-8")).values())


def trained(asked: argparse.Namespace, store: Store, *, seed: int) -> dict[str, Any] | None:
    """One run with its scores; as it is if it was done before with the same share of frames."""
    folder = asked.out / "runs" / f"temporal_convolution-{seed}"
    done = folder / f"result_{asked.share:g}.json"
    if done.is_file():
        return json.loads(done.read_text("utf-8"))
    if asked.done_only:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    before, wall = cpu_seconds(), time.monotonic()
    model = train(asked, store, seed=seed)
    result = _result(
        "temporal convolution",
        seed=seed,
        steps=asked.convolution_steps,
        batch=asked.batch,
        parameters=sum(each.numel() for each in model.parameters()),
        cpu_seconds=cpu_seconds() - before,
        wall_seconds=time.monotonic() - wall,
        test=score(ConvolutionLifter(model), store, asked.share),
    )
    write_json(done, result)
    say(f"{folder.name}: {result['cpu_seconds']:.0f} s, {shown_test(result)}")
    return result


def train(asked: argparse.Namespace, store: Store, *, seed: int) -> TemporalConvolution:
    """The network after its steps, each on clips of 53 frames of which 27 are answered."""
    torch.manual_seed(seed)
    recipe = RECIPES.get("demo")
    samples = recipe.task.samples(
        store,
        split="train",
        frames=ANSWERED + 2 * CONTEXT,
        stride=recipe.stages[0].stride,
        data=recipe.data,
        seed=seed,
    )
    order = samples.order(seed=seed, epoch=0)
    model = TemporalConvolution()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for step in range(asked.convolution_steps):
        first = step * asked.batch % (len(order) - asked.batch)
        chosen = order[first : first + asked.batch]
        epoch = step * asked.batch // len(order)
        batch = samples.batch(chosen, seed=seed, epoch=epoch, device=torch.device("cpu"))
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / asked.convolution_steps)
        wanted = batch.target[:, CONTEXT:-CONTEXT]
        weight = batch.weight[:, CONTEXT:-CONTEXT, :, None]
        answer = torch.where(weight > 0, model(batch.inputs), wanted)
        loss = position_loss(answer, wanted)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        if step % 100 == 0:
            say(f"temporal convolution, step {step}: loss {loss.item():.4f}")
    return model


def _convolution(inputs: int, outputs: int, *, width: int, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, width, dilation=dilation, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(),
    )


def _result(name: str, **values: Any) -> dict[str, Any]:
    nothing = {"seed": 0, "steps": 0, "cpu_seconds": 0.0, "validation": None}
    return {"variant": name.replace("_", " "), "settings": {}} | nothing | values


if __name__ == "__main__":
    main()
