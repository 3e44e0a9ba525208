"""What of a recording can be trained on: jumps cut out, impossible recordings refused, doubts told.

Made of the findings of `motionlift.plausibility`, which change nothing themselves.
"""

import itertools
from collections.abc import Sequence as Several
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.kinematics import leg_length
from motionlift.plausibility import inspect
from motionlift.skeletons import H36M17

# A piece between two jumps is often the wrong one; a long piece tells its own motion.
SHORTEST_PIECE_SECONDS = 1.0
# If jumps break more than this share of a piece, the rest of it is not to be believed either.
LARGEST_BROKEN_SHARE = 0.1
# Legs of no person, child or giant: the unit is wrong.
LEG_RANGE = (0.25, 1.5)
# Leg length in statures (Drillis & Contini 1966).
LEG_PER_STATURE = 0.491


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """Consecutive frames without a jump; broken joints are NaN.

    Attributes:
        first: the frame of the recording that it begins with.
    """

    first: int
    positions: Float[np.ndarray, "frame 17 3"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examined:
    """What an examination gave.

    Attributes:
        pieces: what can be used, in order.
        notes: what is good to know of it.
        warnings: what was found and what was done about it.
    """

    pieces: tuple[Piece, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def examine(positions: Float[np.ndarray, "frame 17 3"], *, fps: float) -> Examined:
    """The sound pieces of a recording in world space and metres.

    Raises:
        FormatError: if nothing of it can be used: left and right exchanged, a wrong unit, or jumps
            all over.
    """
    leg = leg_length({name: positions[:, H36M17.index(name)] for name in H36M17.joints})
    low, high = LEG_RANGE
    if np.isfinite(leg) and not low <= leg <= high:
        raise FormatError(
            f"legs of {leg:.3g} m: the unit of length is wrong; give it with --metres-per-unit"
        )
    findings = inspect(positions, fps=fps)
    if findings.sides_exchanged:
        raise FormatError(findings.warnings[0])
    broken = findings.disturbances.broken
    warnings = list(findings.warnings)
    if broken.any():
        joints = ", ".join(H36M17.joints[joint] for joint in np.flatnonzero(broken.any(axis=0)))
        frames = np.count_nonzero(broken.any(axis=1))
        warnings.append(f"jumps to and fro in {frames} frames, masked there: {joints}")
    pieces, refused = _pieces(positions, findings.disturbances.cuts, broken=broken, fps=fps)
    if not pieces:
        raise FormatError(f"jumps all over: {'; '.join(refused)}")
    if findings.disturbances.cuts:
        at = ", ".join(str(cut) for cut in findings.disturbances.cuts)
        warnings.append(f"jumps at frame {at}, cut there; {len(pieces)} pieces are kept")
    stature = f"legs {leg:.2f} m, so about {leg / LEG_PER_STATURE:.2f} m tall"
    notes = (stature,) if np.isfinite(leg) else ()
    return Examined(pieces=pieces, notes=notes, warnings=(*warnings, *refused))


def _pieces(
    positions: Float[np.ndarray, "frame 17 3"],
    cuts: Several[int],
    *,
    broken: np.ndarray,
    fps: float,
) -> tuple[tuple[Piece, ...], list[str]]:
    """The usable pieces, and why the others are not."""
    masked = np.where(broken[..., None], np.nan, positions)
    edges = [0, *cuts, len(positions)]
    pieces, refused = [], []
    for first, last in itertools.pairwise(edges):
        where = f"frames {first} to {last - 1}"
        share = broken[first:last].mean()
        if share > LARGEST_BROKEN_SHARE:
            refused.append(f"{where} left out: jumps break {share:.0%} of the joints")
        elif cuts and last - first < SHORTEST_PIECE_SECONDS * fps:
            refused.append(f"{where} left out: too short between jumps")
        else:
            pieces.append(Piece(first=first, positions=masked[first:last]))
    return tuple(pieces), refused
