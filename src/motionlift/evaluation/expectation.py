"""Whether the errors that a lifter expects are those that it makes.

Joints are put in order of their expected error and divided into ten equal parts, the deciles. In
each, the mean expected error is held against the mean true one: a lifter that knows what it does
not know has them equal in all ten, whatever the condition.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from motionlift.skeletons import H36M17

DECILES = 10
_FREE = [joint for joint in range(H36M17.num_joints) if joint != H36M17.root]


@dataclass(slots=True, eq=False)
class Expectation:
    """Expected and true errors of joints, in metres; the root, which has none, is left out."""

    _expected: list[Float[np.ndarray, " joint"]] = field(default_factory=list)
    _true: list[Float[np.ndarray, " joint"]] = field(default_factory=list)

    def add(
        self,
        expected: Float[np.ndarray, "view frame 17"],
        true: Float[np.ndarray, "view frame 17"],
    ) -> None:
        """Joints without an answer, or without a truth, are left out."""
        expected, true = expected[..., _FREE], true[..., _FREE]
        is_known = np.isfinite(expected) & np.isfinite(true)
        self._expected.append(expected[is_known].astype(np.float32))
        self._true.append(true[is_known].astype(np.float32))

    @property
    def is_empty(self) -> bool:
        """Whether there are too few joints for a mean of each decile."""
        return sum(map(len, self._expected)) < DECILES

    def deciles(self) -> Float[np.ndarray, "10 2"]:
        """Mean expected and mean true error of each tenth, from the smallest expected to the
        largest.
        """
        expected, true = np.concatenate(self._expected), np.concatenate(self._true)
        parts = np.array_split(np.argsort(expected, kind="stable"), DECILES)
        means = [(expected[part].mean(dtype=float), true[part].mean(dtype=float)) for part in parts]
        return np.array(means)
