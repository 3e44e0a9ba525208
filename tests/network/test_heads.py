from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.errors import MotionliftError
from motionlift.network.dstformer import DSTformerConfig
from motionlift.network.heads import HEADS, ActionHead, PoseHead, build_head, settings_of
from tests.network.golden import TINY

CONFIG = DSTformerConfig(dim_feat=8, dim_rep=8, depth=1, num_heads=1, mlp_ratio=1, max_frames=7)


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "reference" / "action_heads.npz", allow_pickle=False) as file:
        return dict(file)


def _head(golden: dict[str, np.ndarray], *, dropout: float) -> ActionHead:
    head = ActionHead(CONFIG, num_classes=5, hidden=16, dropout=dropout)
    prefix = "classification/param/"
    state = {
        key.removeprefix(prefix): torch.from_numpy(value)
        for key, value in golden.items()
        if key.startswith(prefix)
    }
    head.load_state_dict(state)
    return head


def test_action_scores_are_the_published_ones(golden: dict[str, np.ndarray]) -> None:
    scores = _head(golden, dropout=0.5).eval()(torch.from_numpy(golden["feat"]))
    np.testing.assert_allclose(
        scores.detach().numpy(), golden["classification/out_eval"], atol=1e-6
    )


def test_batch_normalisation_learns_as_published(golden: dict[str, np.ndarray]) -> None:
    head = _head(golden, dropout=0.0).train()
    scores = head(torch.from_numpy(golden["feat"])).detach().numpy()
    np.testing.assert_allclose(scores, golden["classification/out_train_no_dropout"], atol=1e-5)
    for name in ("mean", "var"):
        np.testing.assert_allclose(
            head.bn.get_buffer(f"running_{name}").numpy(),
            golden[f"classification/bn_running_{name}_after"],
            atol=1e-6,
        )


def test_one_person_needs_no_axis_of_its_own() -> None:
    torch.manual_seed(0)
    head = ActionHead(TINY, num_classes=3, hidden=4).eval()
    representation = torch.randn(2, 5, 4, 6)
    torch.testing.assert_close(head(representation), head(representation[:, None]))


def test_the_order_of_frames_does_not_matter_to_the_action() -> None:
    torch.manual_seed(1)
    head = ActionHead(TINY, num_classes=3, hidden=4).eval()
    representation = torch.randn(2, 5, 4, 6)
    torch.testing.assert_close(head(representation), head(representation.flip(1)))


def test_the_pose_head_gives_a_joint_for_a_joint() -> None:
    assert PoseHead(TINY)(torch.zeros(2, 5, 4, 6)).shape == (2, 5, 4, 3)


def test_one_class_is_no_classification() -> None:
    with pytest.raises(MotionliftError, match="at least 2"):
        ActionHead(TINY, num_classes=1)


@pytest.mark.parametrize("name", HEADS)
def test_every_head_scores_a_clip(name: str) -> None:
    head = build_head(name, TINY, num_classes=3, hidden=4, dropout=0.0)
    assert head(torch.randn(2, 5, 4, 6)).shape == (2, 3)


def test_a_head_gets_the_settings_it_has_and_no_others() -> None:
    assert settings_of("mlp") == {"hidden", "dropout"}
    assert settings_of("linear") == set()
    head = build_head("mlp", TINY, num_classes=3, hidden=7)
    assert isinstance(head, ActionHead)
    assert head.fc1.out_features == 7


def test_a_new_head_is_a_class_and_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class First(torch.nn.Module):
        def __init__(self, config: DSTformerConfig, *, num_classes: int, sharpness: float) -> None:
            super().__init__()
            self.num_classes, self.sharpness = num_classes, sharpness

        def forward(self, representation: torch.Tensor) -> torch.Tensor:
            return self.sharpness * representation[:, 0, 0, : self.num_classes]

    monkeypatch.setitem(HEADS, "first", First)
    head = build_head("first", TINY, num_classes=3, sharpness=2.0, hidden=4)
    representation = torch.randn(2, 5, 4, 6)
    assert torch.equal(head(representation), 2 * representation[:, 0, 0, :3])


def test_what_the_linear_head_sees_has_mean_0_and_deviation_1() -> None:
    torch.manual_seed(2)
    head = build_head("linear", TINY, num_classes=2).train()
    seen: list[torch.Tensor] = []
    head.fc.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))  # type: ignore
    head(5 + torch.randn(64, 5, 4, 6))
    torch.testing.assert_close(seen[0].mean(dim=0), torch.zeros(24), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen[0].std(dim=0), torch.ones(24), atol=0.02, rtol=0)


def test_an_unknown_head_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(MotionliftError, match="no head is named 'deep'; there are: linear, mlp"):
        settings_of("deep")
