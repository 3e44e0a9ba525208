"""Who is who in the next frame: the pairs that together cost least, found fast where possible."""

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from motionlift.formats._tracking import _TOO_FAR, _pairs

COSTS = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(0, 0.75) | st.just(_TOO_FAR),
)


@given(COSTS)
def test_no_other_pairs_cost_less(cost: Float[np.ndarray, "detection track"]) -> None:
    pairs = _pairs(cost)
    assert len(set(pairs.values())) == len(pairs)
    assert all(cost[pair] < _TOO_FAR for pair in pairs.items())
    best = cost[linear_sum_assignment(cost)]
    left_over = _TOO_FAR * (min(cost.shape) - len(pairs))
    np.testing.assert_allclose(sum(cost[pair] for pair in pairs.items()) + left_over, best.sum())


def test_people_apart_from_each_other_need_no_scipy() -> None:
    """Importing it takes a seventh of a cold start."""
    program = (
        "import sys, numpy as np; from motionlift.formats._tracking import _pairs; "
        "assert _pairs(np.array([[0.1, 2.0], [0.7, 0.2]])) == {0: 0, 1: 1}; "
        "assert 'scipy.optimize' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
