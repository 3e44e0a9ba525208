"""The published normaliser, splitter and flip, held to what the published code gave."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.compat import crop_scale, split_clips
from motionlift.data.views import flip

CROPS = [
    *("plain", "some_conf_zero", "all_conf_zero", "only_3_valid", "only_4_valid", "one_point"),
    *("vertical_line", "scale_2", "scale_half_clips", "random_1_3_seed0", "float32"),
    *("random_quarter_1_seed5", "conf_above_one", "conf_negative_and_tiny"),
    *("two_persons", "one_person_and_zero_person"),
]


@pytest.mark.parametrize("case", CROPS)
def test_the_normaliser_gives_what_was_published(shared: Path, case: str) -> None:
    with np.load(shared / "reference" / "transforms.npz") as stored:
        points, expected = (stored[f"crop_scale/{case}/{name}"] for name in ("in", "out"))
        low, high = stored[f"crop_scale/{case}/scale_range"]
        generator = np.random.RandomState(int(stored[f"crop_scale/{case}/seed"]))
    placed = crop_scale(points, scale_range=(low, high), generator=generator)
    np.testing.assert_allclose(placed, expected, atol=1e-6 if case == "float32" else 1e-12)


@pytest.mark.parametrize("case", ["", "3d"])
def test_the_flip_gives_what_was_published(shared: Path, case: str) -> None:
    with np.load(shared / "reference" / "transforms.npz") as stored:
        points, expected = stored[f"flip/in{case}"], stored[f"flip/out{case}"]
    np.testing.assert_array_equal(flip(torch.from_numpy(points)).numpy(), expected)


def test_the_splitter_gives_the_published_clips(shared: Path) -> None:
    cases = json.loads((shared / "reference" / "split_clips.json").read_text())
    assert len(cases) > 10
    for case in cases:
        clips = split_clips(
            case["vid_list"],
            length=case["n_frames"],
            stride=case["data_stride"],
            generator=np.random.default_rng(0),
        )
        assert len(clips) == len(case["clips"]), case["name"]
        for ours, theirs, stretched in zip(clips, case["clips"], case["resampled"], strict=True):
            if not stretched:
                assert ours.tolist() == theirs, case["name"]
                continue
            # Drawn at random: the length, the order and the range agree.
            ids = {case["vid_list"][frame] for frame in ours}
            assert ids == {case["vid_list"][frame] for frame in theirs}
            assert len(ours) == case["n_frames"]
            assert (np.diff(ours) >= 0).all()
