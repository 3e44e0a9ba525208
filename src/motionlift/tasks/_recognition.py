"""How good answers of a classifier are, and what they must be better than."""

import numpy as np
from jaxtyping import Int


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
