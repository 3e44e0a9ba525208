"""A million frames from a file to a file by `motionlift lift`: time and memory, beside a tenth.

    python scripts/lift_million.py [--model small] [--random] [--frames 1000000]

The example walk, again and again with fresh noise, is written as the library's own keypoints; each
lift is a process of its own, whose peak memory and processor time are stated. With --random the
network has a few thousand random parameters in the place of the model's, but its windows, its rate
and an error head: what is measured is what the library itself takes.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from motionlift.example import make_example
from motionlift.formats.keypoints_npz import write_keypoints
from motionlift.network.dstformer import DSTformer
from motionlift.network.expected_error import ErrorHead
from motionlift.network.weights import load_model, save_weights
from motionlift.poses import Pose2D


def long_walk(num_frames: int) -> Pose2D:
    """The example's keypoints, repeated, shaken by a pixel and drifting through the picture."""
    walk = make_example().keypoints
    repeats = -(-num_frames // walk.num_frames)
    rng = np.random.default_rng(0)
    keypoints = np.tile(walk.keypoints, (repeats, 1, 1))[:num_frames]
    keypoints += rng.normal(0, 1, keypoints.shape)
    keypoints += np.cumsum(rng.normal(0, 0.05, (num_frames, 1, 2)), axis=0)
    return replace(
        walk,
        keypoints=keypoints.round(2),
        confidence=np.tile(walk.confidence, (repeats, 1))[:num_frames],
        frame_index=np.arange(num_frames),
        source="walk",
    )


def lift(num_frames: int, folder: Path, *, model: str) -> None:
    """Write the file, lift it, and print what that took."""
    source, out = folder / f"{num_frames}.npz", folder / f"{num_frames}_lifted.npz"
    write_keypoints(long_walk(num_frames), source)
    command = [sys.executable, "-m", "motionlift", "lift", str(source), "-o", str(out)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run([*command, "--model", model], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(done.stdout.replace(f"{folder}/", ""), end="")
    print(
        f"{num_frames} frames, {source.stat().st_size / 1e6:.0f} MB of keypoints, to "
        f"{out.stat().st_size / 1e6:.0f} MB: {seconds:.0f} s, {used:.0f} s of processor time "
        f"({num_frames / used:.0f} frames a second of it), "
        # The largest of the children so far: they come smallest first.
        f"peak memory {after.ru_maxrss / 2**10:.0f} MiB\n",
        flush=True,
    )


def random_like(name: str, path: Path) -> Path:
    """A network of random numbers that is asked in the same way as the model of that name."""
    model = load_model(name)
    small = DSTformer(replace(model.config, dim_feat=16, dim_rep=8, depth=1, num_heads=2))
    small.error_head = ErrorHead(small.config.dim_rep, small.config.num_joints)
    card = model.card or {}
    save_weights(path, small, card={key: card[key] for key in ("clip_frames", "conventions")})
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--random", action="store_true", help="random numbers in its place")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = asked.model
        if asked.random:
            model = str(random_like(model, Path(folder) / "random.safetensors"))
        for count in (asked.frames // 10, asked.frames):
            lift(count, Path(folder), model=model)


if __name__ == "__main__":
    main()
