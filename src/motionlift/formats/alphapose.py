"""AlphaPose: `alphapose-results.json`, in its own form, in CMU-Pose's and in OpenPose's.

Its own form is a list of detections: `image_id` (the image's name), `keypoints` (x, y, confidence
of each, flat, in pixels), `score`, and `idx`, the person's number if people were tracked. The other
two are objects from an image's name to its `bodies` (`joints`) or `people` (`pose_keypoints_2d`),
18 keypoints each; CMU-Pose's also comes as a folder with one file an image. The frame is the number
in the image's name. Source: AlphaPose, alphapose/utils/pPose_nms.py, `write_json`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from motionlift.errors import FormatError
from motionlift.files import read_json
from motionlift.formats import Format, ReadOptions
from motionlift.formats._detections import Gathering
from motionlift.formats._json import JsonFile, glimpse, triples
from motionlift.formats._people import people_of
from motionlift.formats._shown import shown
from motionlift.formats._timeline import first_json, frame_files, frames_of_names, gap_note
from motionlift.poses import Pose2D

# Where each form keeps an image's people, and a person's keypoints.
_FORMS = {"bodies": "joints", "people": "pose_keypoints_2d"}


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in the file or folder, most prominent first.

    Raises:
        FormatError: if it is damaged, nobody is in it, or an image's name has no frame number.
    """
    if path.is_dir():
        return _read_folder(path, options)
    gathering = Gathering(path)
    images: list[str] = []
    tracks: list[str | None] = []
    with JsonFile(path) as json:
        gathering.watch(json.progress)
        if json.peek() == "[":
            for k, record in enumerate(json.elements()):
                where = f"{path}: detection {k}"
                image, track = _add(record, gathering, where=where)
                images.append(image)
                tracks.append(track)
        else:
            for image in json.members():
                num_people = _add_people(json.value(), gathering, where=f"{path}: {shown(image)}")
                images += [image] * num_people
        json.end()
    names = sorted(set(images))
    number = dict(zip(names, frames_of_names(names, source=path), strict=True)) if names else {}
    return people_of(
        gathering,
        [number[image] for image in images],
        path=path,
        options=options,
        track=[track for track in tracks if track is not None] if all(tracks) and tracks else None,
    )


def _read_folder(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    gathering = Gathering(path)
    frame: list[int] = []
    files = frame_files(path, made_by="AlphaPose's CMU form")
    for number, file in files:
        frame += [number] * _add_people(read_json(file), gathering, where=str(file))
    first, last = files[0][0], files[-1][0]
    notes = gap_note(len(files), first=first, last=last, what="file")
    return people_of(
        gathering,
        frame,
        path=path,
        options=options,
        span=(first, last),
        num_frames=len(files),
        notes=notes,
    )


def _add(record: Any, gathering: Gathering, *, where: str) -> tuple[str, str | None]:
    """Adds one detection; its image's name, and the person's if people were tracked."""
    image = record.get("image_id") if isinstance(record, dict) else None
    if not isinstance(image, str):
        raise FormatError(f"{where}: no image name 'image_id', which every detection has")
    gathering.add(triples(record.get("keypoints"), where=where), where=where)
    track = record.get("idx")
    # People merged from several boxes have a list of numbers, of which the first is theirs.
    while isinstance(track, list) and track:
        track = track[0]
    return image, str(track) if type(track) in (int, float, str) else None


def _add_people(content: Any, gathering: Gathering, *, where: str) -> int:
    """Adds an image's people; how many there are."""
    form = next((key for key in _FORMS if isinstance(content, dict) and key in content), None)
    people = content[form] if form is not None else None
    if form is None or not isinstance(people, list):
        raise FormatError(f"{where}: no list 'bodies' or 'people', which every image has")
    for k, person in enumerate(people):
        place = f"{where}: person {k}"
        if not isinstance(person, dict):
            raise FormatError(f"{place}: expected an object with '{_FORMS[form]}'")
        gathering.add(triples(person.get(_FORMS[form]), where=place), where=place)
    return len(people)


def _sniff(path: Path) -> bool:
    begin = glimpse(first_json(path))
    if path.is_dir() or (isinstance(begin, dict) and "bodies" in begin):
        return isinstance(begin, dict) and "bodies" in begin
    if isinstance(begin, dict):
        first = next(iter(begin.values()), None)
        return isinstance(first, dict) and any(key in first for key in _FORMS)
    record = begin[0] if begin else None
    return (
        isinstance(record, dict)
        and isinstance(record.get("image_id"), str)
        and isinstance(record.get("keypoints"), list)
    )


FORMAT = Format(
    name="alphapose",
    title="AlphaPose JSON",
    kind="keypoints",
    suffixes=(".json",),
    sniff=_sniff,
    read_keypoints=read,
)
