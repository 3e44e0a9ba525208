"""COCO keypoints: a list of results, or a file of annotations.

Results are what COCO's evaluation takes, as MMPose, ViTPose, Detectron2 and many others write them:
`image_id`, `keypoints` (x, y, confidence of each, flat, in pixels), `score`, and `track_id` from
some. The frame is `image_id`. Annotations have `images` and `annotations`, and 0 (not labelled),
1 (hidden) or 2 (visible) in the place of confidence; both labelled kinds count as sure. Their frame
is the image's `frame_id`, else the number in its file name.
Source: https://cocodataset.org/#format-results and #format-data.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._cleaning import image_size_of
from motionlift.formats._detections import Gathering
from motionlift.formats._json import JsonFile, glimpse, triples, whole_number
from motionlift.formats._people import people_of
from motionlift.formats._timeline import frames_of_names
from motionlift.poses import Pose2D


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in the file, most prominent first.

    Raises:
        FormatError: if it is damaged, or nobody is in it.
    """
    gathering = Gathering(path)
    image_ids: list[int] = []
    tracks: list[str] = []
    images: list[Any] | None = None
    others = 0
    with JsonFile(path) as json:
        gathering.watch(json.progress)
        if json.peek() == "[":
            _add_all(json, gathering, image_ids, tracks, path=path)
        else:
            for key in json.members():
                if key == "annotations":
                    others = _add_all(
                        json, gathering, image_ids, tracks, path=path, is_of_people=False
                    )
                elif key == "images":
                    images = list(json.elements())
                else:
                    json.value()
        json.end()
    frame, size, notes = image_ids, None, []
    if images is not None:
        number, size = _timeline_of(images, path=path)
        unknown = set(image_ids) - set(number)
        if unknown:
            raise FormatError(f"{path}: no image {min(unknown)} in 'images', annotations name it")
        frame = [number[image] for image in image_ids]
        notes.append("annotations, not detections: hidden keypoints count as sure as visible ones")
    if others:
        notes.append(f"{others} annotations without keypoints, of other things, are left out")
    return people_of(
        gathering,
        frame,
        path=path,
        options=options,
        track=tracks if tracks and len(tracks) == len(frame) else None,
        span=(min(number.values()), max(number.values())) if images else None,
        num_frames=len(images) if images else None,
        image_size=size,
        notes=notes,
    )


def _add_all(
    json: JsonFile,
    gathering: Gathering,
    image_ids: list[int],
    tracks: list[str],
    *,
    path: Path,
    is_of_people: bool = True,
) -> int:
    """Adds each record of the list that comes next, with its image and, if known, its person.

    Args:
        is_of_people: whether each must have keypoints; how many have none is what comes back.
    """
    others = 0
    for k, record in enumerate(json.elements()):
        where = f"{path}: record {k}"
        if not isinstance(record, dict) or "keypoints" not in record:
            if isinstance(record, dict) and not is_of_people:
                others += 1
                continue
            raise FormatError(f"{where}: no 'keypoints', which every result has")
        points = triples(record["keypoints"], where=where)
        if "num_keypoints" in record:  # annotations only
            points[:, 2] = np.minimum(points[:, 2], 1.0)
        gathering.add(points, where=where)
        image = record.get("image_id")
        image = int(image) if isinstance(image, str) and image.isdecimal() else image
        image_ids.append(whole_number(image, where=where, what="'image_id'"))
        if type(record.get("track_id")) in (int, str):
            tracks.append(str(record["track_id"]))
    return others


def _timeline_of(images: list[Any], *, path: Path) -> tuple[dict[int, int], tuple[int, int] | None]:
    """Frame number of each image by its id, and the images' size if all have the same."""
    ids, names, frames = [], [], []
    sizes: set[Any] = set()
    for k, image in enumerate(images):
        where = f"{path}: image {k}"
        if not isinstance(image, dict):
            raise FormatError(f"{where}: expected an object with 'id' and 'file_name'")
        ids.append(whole_number(image.get("id"), where=where, what="'id'"))
        names.append(str(image.get("file_name", "")))
        if "frame_id" in image:
            frames.append(whole_number(image["frame_id"], where=where, what="'frame_id'"))
        sizes.add((str(image.get("width")), str(image.get("height"))))
    if len(frames) < len(images):
        frames = frames_of_names(names, source=path) if images else []
    number = dict(zip(ids, frames, strict=True))
    if len(set(number.values())) < len(number):
        raise FormatError(
            f"{path}: two images have the same frame number 'frame_id'; keep one recording's"
        )
    (size,) = sizes if len(sizes) == 1 else (None,)
    return number, image_size_of(size)


def _sniff(path: Path) -> bool:
    begin = glimpse(path)
    if isinstance(begin, dict):
        images, annotations = begin.get("images"), begin.get("annotations")
        return bool(images and isinstance(images[0], dict) and "id" in images[0]) or bool(
            annotations and isinstance(annotations[0], dict) and "keypoints" in annotations[0]
        )
    record = begin[0] if begin else None
    return (
        isinstance(record, dict)
        and isinstance(record.get("keypoints"), list)
        and _is_number(record.get("image_id"))
    )


def _is_number(value: object) -> bool:
    return type(value) is int or (isinstance(value, str) and value.isdecimal())


FORMAT = Format(
    name="coco",
    title="COCO keypoints",
    kind="keypoints",
    suffixes=(".json",),
    sniff=_sniff,
    read_keypoints=read,
)
