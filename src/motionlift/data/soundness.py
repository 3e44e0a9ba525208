"""What of a recording can be trained on: jumps cut out, impossible recordings refused, doubts told.

Made of the findings of `motionlift.plausibility`, which change nothing themselves.
"""

import itertools
from collections.abc import Sequence as Several
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

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
        first: the frame that it begins with, as the file counts.
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


def examine(
    positions: Float[np.ndarray, "frame 17 3"], *, fps: float, first_frame: int = 0
) -> Examined:
    """The sound pieces of a recording in world space and metres.

    Args:
        first_frame: what the file calls the first frame; messages say it as the file does.

    Raises:
        FormatError: if nothing of it can be used: left and right exchanged, a wrong unit, jumps
            all over, or a pelvis that nobody saw.
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
    cuts = findings.disturbances.cuts
    pieces, refused = _pieces(positions, cuts, broken=broken, fps=fps, first_frame=first_frame)
    if not pieces:
        raise FormatError("; ".join(refused))
    if cuts:
        at = ", ".join(str(cut + first_frame) for cut in cuts)
        kept = "1 piece is kept" if len(pieces) == 1 else f"{len(pieces)} pieces are kept"
        warnings.append(f"jumps at frame {at}, cut there; {kept}")
    stature = f"legs {leg:.2f} m, so about {leg / LEG_PER_STATURE:.2f} m tall"
    notes = (stature,) if np.isfinite(leg) else ()
    return Examined(pieces=pieces, notes=notes, warnings=(*warnings, *refused))


def _pieces(
    positions: Float[np.ndarray, "frame 17 3"],
    cuts: Several[int],
    *,
    broken: Bool[np.ndarray, "frame 17"],
    fps: float,
    first_frame: int,
) -> tuple[tuple[Piece, ...], list[str]]:
    """The usable pieces, from the first pelvis to the last, and why the others are not."""
    masked = np.where(broken[..., None], np.nan, positions)
    has_pelvis = np.flatnonzero(np.isfinite(masked[:, H36M17.root]).all(axis=-1))
    pieces, refused = [], []
    for first, last in itertools.pairwise([0, *cuts, len(positions)]):
        rooted = has_pelvis[(has_pelvis >= first) & (has_pelvis < last)]
        share = broken[first:last].mean()
        if share > LARGEST_BROKEN_SHARE:
            reason = f"jumps break {share:.0%} of the joints"
        elif cuts and last - first < SHORTEST_PIECE_SECONDS * fps:
            reason = "too short between jumps"
        elif not rooted.size:
            reason = "the pelvis is not seen"
        else:
            begin, end = int(rooted[0]), int(rooted[-1]) + 1
            pieces.append(Piece(first=begin + first_frame, positions=masked[begin:end]))
            continue
        refused.append(
            f"frames {first + first_frame} to {last - 1 + first_frame} left out: {reason}"
        )
    return tuple(pieces), refused
