"""How good answers of a classifier are, and what they must be better than."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

QUALITIES = ("correct", "incorrect")


def recognition_scores(
    answers: Int[np.ndarray, " sample"],
    labels: Int[np.ndarray, " sample"],
    *,
    num_classes: int,
    most_frequent: int,
) -> dict[str, float]:
    """Shares in 0..1, with what chance and always answering the same class would reach.

    `top1` is the share of right answers; `macro_f1` the mean over classes of the harmonic mean of
    precision and recall; `balanced` the mean over classes of recall. Classes that neither occur
    nor are answered do not count.

    Args:
        most_frequent: the class that training shows most, which `majority` always answers.
    """
    f1, recall = [], []
    for each in range(num_classes):
        right = np.sum((answers == each) & (labels == each))
        answered, true = np.sum(answers == each), np.sum(labels == each)
        if answered + true > 0:
            f1.append(2 * right / (answered + true))
        if true > 0:
            recall.append(right / true)
    return {
        "top1": float(np.mean(answers == labels)),
        "macro_f1": float(np.mean(f1)),
        "balanced": float(np.mean(recall)),
        "chance": 1 / num_classes,
        "majority": float(np.mean(labels == most_frequent)),
    }


def execution_scores(
    probabilities: Float[np.ndarray, "sample class"],
    labels: Int[np.ndarray, " sample"],
    *,
    classes: Sequence[str],
) -> dict[str, float]:
    """What classes such as `m01_correct` and `m01_incorrect` say of exercise and execution apart.

    `exercise_top1` and `exercise_macro_f1` take the exercise whose classes together are likeliest.
    `correctness_m01` is the balanced accuracy of the execution of that exercise when the exercise
    is known: the likelier of its two classes answers. `correctness` is the mean over exercises.
    Nothing if the classes are not such pairs; an exercise without samples of both has none.
    """
    members: dict[str, dict[str, int]] = defaultdict(dict)
    for number, name in enumerate(classes):
        exercise, _, quality = name.rpartition("_")
        members[exercise][quality] = number
    if "" in members or any(tuple(sorted(pair)) != QUALITIES for pair in members.values()):
        return {}
    exercises = sorted(members)
    pairs = np.array([[members[each][quality] for quality in QUALITIES] for each in exercises])
    exercise_of = np.empty(len(classes), dtype=np.int64)
    exercise_of[pairs] = np.arange(len(exercises))[:, None]
    true = exercise_of[labels]
    found = probabilities[:, pairs].sum(axis=2).argmax(axis=1)
    plain = recognition_scores(found, true, num_classes=len(exercises), most_frequent=0)
    scores = {f"exercise_{name}": plain[name] for name in ("top1", "macro_f1")}
    by_exercise = {}
    for number, name in enumerate(exercises):
        own = true == number
        answers = pairs[number][probabilities[own][:, pairs[number]].argmax(axis=1)]
        recalls = [
            np.mean(answers[labels[own] == each] == each)
            for each in pairs[number]
            if np.any(labels[own] == each)
        ]
        if len(recalls) == len(QUALITIES):
            by_exercise[f"correctness_{name}"] = float(np.mean(recalls))
    if by_exercise:
        scores["correctness"] = float(np.mean(list(by_exercise.values())))
    return scores | by_exercise
