"""What a clip of `paper` costs on one core: to make, to keep for the backward pass, to compute.

Processor time, which other work on the machine hardly changes. Run, with one thread:
OMP_NUM_THREADS=1 python scripts/measure_paper_clips.py STORE
"""

import sys
import time
from pathlib import Path

import torch

from motionlift.data.draws import Draws
from motionlift.data.store import Store
from motionlift.network.compute import Compute
from motionlift.recipes.paper import RECIPE
from motionlift.tasks.lift import LiftSamples
from motionlift.training.microbatch import bytes_of_a_clip
from motionlift.training.plan import Plan
from motionlift.training.start import build_network

CLIPS = 256


def main(store: Path) -> None:
    """Print what was measured, a line each."""
    opened = Store.open(store)
    epoch = Plan(RECIPE, opened).epochs[0]
    compute = Compute.choose(device="cpu", precision="bf16")
    samples = epoch.samples
    assert isinstance(samples, LiftSamples)
    order = samples.order(seed=0, epoch=0)[:CLIPS]
    samples.batch(order[:8], seed=0, epoch=0, device=compute.device)
    begun = time.process_time()
    samples.clips.cut(order, Draws.of(torch.from_numpy(order), seed=0, epoch=0))
    cut = time.process_time()
    samples.batch(order, seed=0, epoch=0, device=compute.device)
    made = time.process_time()
    print(f"cutting a clip: {1000 * (cut - begun) / CLIPS:.2f} ms")
    print(f"cutting, body, view and corruption: {1000 * (made - cut) / CLIPS:.2f} ms")
    model = build_network(RECIPE, opened)
    kept = bytes_of_a_clip(model, task=RECIPE.task, epoch=epoch, compute=compute, seed=0)
    print(f"kept of a clip for the backward pass, bf16: {kept / 2**30:.2f} GB")
    for number in range(2):
        batch = samples.batch(order[number : number + 1], seed=0, epoch=0, device=compute.device)
        begun = time.process_time()
        with compute.autocast():
            answer = model(batch.inputs)
        loss, _ = RECIPE.task.loss(answer.float(), batch)
        torch.autograd.backward(loss)
        name = "the first" if number == 0 else "another"
        print(f"forward and back, {name} clip, bf16: {time.process_time() - begun:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
