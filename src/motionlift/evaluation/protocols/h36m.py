"""Human3.6M as the lineage of MotionBERT scores it: Stacked-Hourglass keypoints, S9 and S11.

The file is `h36m_sh_conf_cam_source_final.pkl`. Its truth is in millimetres in a space of
its own: image coordinates times one factor a frame ("2.5d"). Predictions in pixels are multiplied
by the same factor, so that their size comes from the truth. The published number leaves out three
recordings of S9 whose truth is shifted, averages each action, and then the actions.
"""

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError
from motionlift.evaluation.protocols import FileProtocol, FileSequence
from motionlift.formats._pickles import read_pickle
from motionlift.skeletons import H36M17

_MM = 1000.0
_FPS = 50.0
_SHAPES: dict[str, tuple[int, ...]] = {
    "joint_2d": (17, 2),
    "confidence": (17,),
    "joints_2.5d_image": (17, 3),
    "2.5d_factor": (),
    "source": (),
    "action": (),
}
_TEXTS = ("source", "action")


def read(path: Path) -> list[FileSequence]:
    """The recordings of the test split, in the order of the file.

    Raises:
        FormatError: if it is another file, or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    values = read_pickle(data, where=str(path))
    if not isinstance(values, dict) or not isinstance(values.get("test"), dict):
        raise FormatError(f"{path}: no split 'test'; expected h36m_sh_conf_cam_source_final.pkl")
    return sequences_of(values["test"], where=str(path))


def sequences_of(split: dict[str, Any], *, where: str) -> list[FileSequence]:
    """The recordings of a split, from the fields that the file has for it.

    Raises:
        FormatError: that names the field that is missing, or of another shape.
    """
    source = _array(split, "source", where=where)
    if source.ndim != 1 or not len(source):
        raise FormatError(f"{where}: field 'source' is no list, or is empty")
    fields = {name: _field(split, name, frames=len(source), where=where) for name in _SHAPES}
    names = fields["source"].tolist()
    sequences, start = [], 0
    for name, group in groupby(names):
        frames = slice(start, start + len(list(group)))
        start = frames.stop
        truth = fields["joints_2.5d_image"][frames].astype(np.float64) / _MM
        confidence = np.clip(fields["confidence"][frames].astype(np.float64), 0, 1)
        keypoints = fields["joint_2d"][frames].astype(np.float64)
        sequences.append(
            FileSequence(
                name=str(name),
                action=str(fields["action"][frames.start]),
                keypoints=np.where(confidence[..., None] > 0, keypoints, np.nan),
                confidence=confidence,
                truth=truth - truth[:, [H36M17.root]],
                metres_per_pixel=fields["2.5d_factor"][frames].astype(np.float64) / _MM,
                fps=_FPS,
            )
        )
    return sequences


def _field(split: dict[str, Any], name: str, *, frames: int, where: str) -> np.ndarray:
    values = _array(split, name, where=where)
    is_like_confidence = name == "confidence" and values.shape[2:] == (1,)
    values = values[..., 0] if is_like_confidence else values
    if values.shape != (frames, *_SHAPES[name]):
        raise FormatError(
            f"{where}: field '{name}' has shape {values.shape}, expected {(frames, *_SHAPES[name])}"
        )
    return values


def _array(split: dict[str, Any], name: str, *, where: str) -> np.ndarray:
    if name not in split:
        raise FormatError(f"{where}: the split has no field '{name}'")
    try:
        values = np.asarray(split[name])
        is_as_expected = name in _TEXTS or values.dtype.kind in "biuf"
        return values if is_as_expected else values.astype(np.float64)
    except (TypeError, ValueError) as error:  # ragged, or no numbers
        raise FormatError(f"{where}: field '{name}' is no array ({error})") from error


PROTOCOL = FileProtocol(
    name="h36m",
    title="Human3.6M, protocols 1 and 2",
    read=read,
    headline=("mpjpe", "p_mpjpe"),
    excluded=("s_09_act_05_subact_02", "s_09_act_10_subact_02", "s_09_act_13_subact_01"),
    mean_of_actions=True,
)
