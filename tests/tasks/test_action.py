"""Action recognition: labels, samples, scores, and a head that learns above a backbone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.confidence import believed
from motionlift.data.batch import DataSettings
from motionlift.data.corruption import CorruptionSettings
from motionlift.data.store import Store
from motionlift.data.store_writer import create_store
from motionlift.data.views import BodySettings, ViewSettings
from motionlift.errors import MotionliftError, RecipeError, StoreError, WeightsError
from motionlift.network.compute import Compute
from motionlift.network.dstformer import DSTformer, DSTformerConfig
from motionlift.poses import Pose2D
from motionlift.skeletons import H36M17
from motionlift.tasks._recognition import execution_scores, recognition_scores
from motionlift.tasks._repetitions import Repetitions
from motionlift.tasks.action import Action, Classifier, repetition_to_clip
from tests.data.bodies import standing, write_store

CONFIG = DSTformerConfig(dim_feat=16, dim_rep=16, depth=1, num_heads=2, mlp_ratio=2, max_frames=9)
PLAIN = DataSettings(
    body=BodySettings(flip=0.0),
    views=ViewSettings(kind="front"),
    corruption=CorruptionSettings(noise=0.0, joint_mask=0.0, frame_mask=0.0),
)
CPU = Compute.choose(device="cpu", precision="fp32")


def write_repetitions(path: Path, *, each: int = 10) -> Store:
    """Two exercises, m01 raising the left hand and m02 the right, each done well and badly."""
    with create_store(path, fps=50.0) as writer:
        for split, count in (("train", each), ("val", 4), ("test", 4)):
            for exercise, side in (("m01", "left"), ("m02", "right")):
                for quality in ("correct", "incorrect"):
                    for number in range(count):
                        frames = 12 + number
                        motion = np.repeat(standing()[None], frames, axis=0)
                        height = 0.9 if quality == "correct" else 0.4
                        lift = height * np.sin(np.linspace(0, np.pi, frames))
                        motion[:, H36M17.index(f"{side}_wrist"), 1] += lift
                        writer.add(
                            f"{split}/{exercise}_{quality}_{number}.npz",
                            motion.astype(np.float32),
                            action=f"{exercise}_{quality}",
                            split=split,
                            fps_source=50.0,
                        )
        writer.add(
            "walk.npz", motion.astype(np.float32), action="walk", split="train", fps_source=50.0
        )
    return Store.open(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_repetitions(tmp_path_factory.mktemp("repetitions") / "store")


def _samples(task: Action, store: Store, split: str = "train", seed: int = 0) -> Repetitions:
    return task.samples(store, split=split, frames=9, stride=9, data=PLAIN, seed=seed)


@pytest.mark.parametrize(
    ("labels", "actions", "classes", "count"),
    [
        ("exercise", "*", ("m01", "m02"), 40),
        ("correctness", "*", ("correct", "incorrect"), 40),
        ("correctness", "m02_*", ("correct", "incorrect"), 20),
        ("action", "m0*", ("m01_correct", "m01_incorrect", "m02_correct", "m02_incorrect"), 40),
        ("action", "*_correct", ("m01_correct", "m02_correct"), 20),
    ],
)
def test_labels_come_from_the_action(
    store: Store, labels: str, actions: str, classes: tuple[str, ...], count: int
) -> None:
    task = Action(labels=labels, actions=actions)  # type: ignore[arg-type]
    model = task.build(DSTformer(CONFIG), store)
    assert isinstance(model, Classifier)
    assert model.classes == classes
    assert len(_samples(task, store)) == count


def test_what_has_no_label_is_counted(store: Store) -> None:
    assert "1 of 41 sequences have no such label" in " ".join(_samples(Action(), store).notes)


def test_one_class_is_too_few(store: Store) -> None:
    with pytest.raises(StoreError, match="1 classes"):
        _samples(Action(actions="m01_*"), store)


def test_a_store_without_actions_says_where_labels_come_from(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", lengths={"train": [20], "val": [20]})
    with pytest.raises(
        StoreError, match="no sequence of the training split has an action"
    ) as found:
        _samples(Action(), store)
    assert "\n" not in str(found.value)


def test_a_share_of_labels_is_the_same_in_each_class_and_follows_the_seed(store: Store) -> None:
    task = Action(labels="action", actions="m0*", label_share=0.3)
    samples = _samples(task, store)
    assert np.bincount(samples.labels).tolist() == [3, 3, 3, 3]
    names = {each.name for each in samples.sequences}
    assert names == {each.name for each in _samples(task, store).sequences}
    assert names != {each.name for each in _samples(task, store, seed=1).sequences}
    assert len(_samples(task, store, split="test")) == 16


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_a_share_beyond_none_and_all_is_refused(share: float) -> None:
    with pytest.raises(RecipeError, match="label-share"):
        Action(label_share=share)


def test_a_sample_is_the_whole_repetition(store: Store) -> None:
    samples = _samples(Action(), store)
    cut = samples._cut(np.arange(len(samples)))
    for sequence, clip in zip(samples.sequences, cut.positions, strict=True):
        whole = store.positions(sequence)
        np.testing.assert_array_equal(clip[[0, -1]], whole[[0, -1]])
        middle = (sequence.frames - 1) / 2
        expected = (whole[int(np.floor(middle))] + whole[int(np.ceil(middle))]) / 2
        np.testing.assert_allclose(clip[4], expected, atol=1e-6)


def test_every_epoch_shows_each_repetition_once_and_from_elsewhere(store: Store) -> None:
    samples = _samples(Action(), store).seen_with(replace(PLAIN, views=ViewSettings()))
    order = samples.order(seed=0, epoch=0)
    assert sorted(order) == list(range(len(samples)))
    batches = [
        samples.batch(order[:4], seed=0, epoch=epoch, device=CPU.device) for epoch in (0, 0, 1)
    ]
    assert torch.equal(batches[0].inputs, batches[1].inputs)
    assert not torch.equal(batches[0].inputs, batches[2].inputs)
    assert torch.equal(batches[0].label, batches[2].label)


def test_scores_by_hand() -> None:
    scores = recognition_scores(
        np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), num_classes=3, most_frequent=1
    )
    assert scores["top1"] == 0.75
    assert scores["macro_f1"] == pytest.approx((2 * 2 / 5 + 2 * 1 / 3) / 2)
    assert scores["balanced"] == 0.75
    assert scores["chance"] == pytest.approx(1 / 3)
    assert scores["majority"] == 0.5


def test_exercise_and_execution_are_scored_apart_by_hand() -> None:
    classes = ("a_correct", "a_incorrect", "b_correct", "b_incorrect")
    probabilities = np.array(
        [
            [0.3, 0.2, 0.5, 0.0],  # a is likeliest by a tie's first; of its two, correct
            [0.1, 0.2, 0.6, 0.1],  # taken for b; of a's two, incorrect
            [0.4, 0.2, 0.3, 0.1],  # taken for a; of b's two, correct
            [0.0, 0.1, 0.6, 0.3],  # b, but correct
        ]
    )
    scores = execution_scores(probabilities, np.array([0, 1, 2, 3]), classes=classes)
    assert scores["exercise_top1"] == 0.5
    assert scores["exercise_macro_f1"] == 0.5
    assert scores["correctness_a"] == 1.0
    assert scores["correctness_b"] == 0.5
    assert scores["correctness"] == 0.75


def test_classes_that_are_no_executions_have_no_such_scores() -> None:
    assert (
        execution_scores(np.eye(3), np.arange(3), classes=("a_correct", "a_incorrect", "b")) == {}
    )
    assert execution_scores(np.eye(2), np.arange(2), classes=("correct", "incorrect")) == {}


def test_an_exercise_seen_in_one_execution_only_has_no_correctness() -> None:
    classes = ("a_correct", "a_incorrect")
    scores = execution_scores(np.eye(2)[[0, 0]], np.array([0, 0]), classes=classes)
    assert scores == {"exercise_top1": 1.0, "exercise_macro_f1": 1.0}


def test_validation_scores_executions_where_the_classes_are_such(store: Store) -> None:
    def names(task: Action) -> set[str]:
        model = task.build(DSTformer(CONFIG), store)
        return set(task.validate(model, _samples(task, store, "val"), CPU, most=None))

    apart = {"exercise_top1", "exercise_macro_f1"}
    of_both = {"correctness", "correctness_m01", "correctness_m02"}
    assert apart | of_both <= names(Action(labels="action", actions="m0*", hidden=8))
    assert not (apart | of_both) & names(Action(hidden=8))


def test_a_detected_repetition_is_the_clip_that_training_sees(store: Store) -> None:
    samples = _samples(Action(), store)
    whole = store.positions(samples.sequences[5])
    seen = Pose2D(
        skeleton=H36M17,
        keypoints=100 * whole[..., :2] * [1, -1] + [300, 200],  # image space: y down, in pixels
        confidence=np.ones(whole.shape[:2], dtype=np.float32),
        frame_index=np.arange(len(whole)),
    )
    inputs = samples.batch(np.array([5]), seed=0, epoch=0, device=CPU.device).inputs[0]
    inputs[..., 2] = believed(inputs[..., 2])
    np.testing.assert_allclose(repetition_to_clip(seen, frames=9), inputs, atol=1e-5)


def test_a_keypoint_between_a_seen_and_an_unseen_frame_is_missing() -> None:
    keypoints = np.repeat(100 * standing()[None, :, :2], 4, axis=0).astype(np.float32)
    confidence = np.ones((4, 17), dtype=np.float32)
    keypoints[1, 3], confidence[1, 3] = np.nan, 0
    pose = Pose2D(
        skeleton=H36M17, keypoints=keypoints, confidence=confidence, frame_index=np.arange(4)
    )
    clip = repetition_to_clip(pose, frames=7)  # every half frame
    assert (clip[:, 3, 2] == 0).tolist() == [False, True, True, True, False, False, False]
    assert not clip[1, 3].any()


def test_a_repetition_in_which_nobody_is_seen_is_an_error() -> None:
    nobody = Pose2D(
        skeleton=H36M17,
        keypoints=np.full((4, 17, 2), np.nan),
        confidence=np.zeros((4, 17)),
        frame_index=np.arange(4),
    )
    with pytest.raises(MotionliftError, match="no two distinct"):
        repetition_to_clip(nobody, frames=9)


@pytest.mark.parametrize("head", ["mlp", "linear"])
def test_a_batch_of_one_learns_too(store: Store, head: str) -> None:
    task = Action(hidden=8, head=head)
    model = task.build(DSTformer(CONFIG), store).train()
    batch = _samples(task, store).batch(np.array([3]), seed=0, epoch=0, device=CPU.device)
    loss, _ = task.loss(model(batch.inputs), batch)
    loss.backward()
    assert loss.isfinite()


def test_what_was_saved_answers_the_same(store: Store, tmp_path: Path) -> None:
    task = Action(hidden=8)
    model = task.build(DSTformer(CONFIG), store).eval()
    task.save(tmp_path, model, card={})
    loaded = task.load(tmp_path, store)
    x = torch.randn(2, 9, 17, 3)
    assert torch.equal(loaded(x), model(x))


def test_a_head_of_another_encoder_is_refused(store: Store, tmp_path: Path) -> None:
    task = Action(hidden=8)
    task.save(tmp_path / "a", task.build(DSTformer(CONFIG), store), card={})
    task.save(tmp_path / "b", task.build(DSTformer(CONFIG), store), card={})
    (tmp_path / "a" / "head.safetensors").replace(tmp_path / "b" / "head.safetensors")
    with pytest.raises(WeightsError, match="belongs to another encoder"):
        task.load(tmp_path / "b", store)


def test_a_missing_head_is_an_error_that_names_it(store: Store, tmp_path: Path) -> None:
    task = Action(hidden=8)
    task.save(tmp_path, task.build(DSTformer(CONFIG), store), card={})
    (tmp_path / "head.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"head\.safetensors"):
        task.load(tmp_path, store)
