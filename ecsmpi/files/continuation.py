"""How a restart continues a file of frames: in itself, in its parts, or in new parts beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ecsmpi.files.file_layout import Track
from ecsmpi.files.parts import PartSource, before_path, generation_of, part_path, sources_of
from ecsmpi.files.resumed_file import (
    ELSE,
    check_count,
    check_format,
    field_of,
    opened_to_resume,
)

Key = tuple[str, str]  # (group, species)


@dataclass(frozen=True)
class Continuation:
    """How a file continues.

    Parameters
    ----------
    in_parts : bool
        Whether the fields are in files of the ranks.
    anew : bool
        Whether the main file is laid out anew: other ranks have other planes, or one file had the
        fields before.
    generation : int
        Generation of the parts that are written from now on.
    first : dict
        Group -> number of the frame with which these parts begin.
    sources : dict
        (group, species) -> the parts before.
    before : str
        The name under which the main file becomes one of the parts before; "" where it does not.
    """

    in_parts: bool
    anew: bool = False
    generation: int = 0
    first: dict[str, int] = field(default_factory=dict)
    sources: dict[Key, list[PartSource]] = field(default_factory=dict)
    before: str = ""


def find_continuation(
    path: Path,
    tracks: list[Track],
    owned: list[tuple[int, int]],
    wants_parts: bool,
    kept: dict[str, int],
) -> Continuation:
    """Find how a file can continue. Raises as `cut` does.

    Parameters
    ----------
    path : Path
        The main file.
    tracks : list of Track
        What the file must have.
    owned : list of (lo, hi)
        For each rank: the planes of the box that it has.
    wants_parts : bool
        Whether these ranks would continue one file in parts.
    kept : dict
        Group -> frames after which to continue.
    """
    with opened_to_resume(path) as file:
        check_format(path, file)
        fields = {}
        for track in tracks:
            for name in track.encodings:
                fields[track.group, name] = field_of(path, file, track, name)
        for (group, _), data in fields.items():
            if not data.is_virtual:
                check_count(path, len(data), kept[group])
        virtual = [data.is_virtual for data in fields.values()]
        if any(virtual) != all(virtual):
            raise ValueError(f"{path} has fields both in itself and in parts: {ELSE}")
        if not any(virtual):
            if wants_parts and fields:
                return _from_one_file(path, tracks, kept)
            return Continuation(in_parts=False)
        sources = {key: sources_of(data) for key, data in fields.items()}
        _check_groups(path, file, tracks)
    return _from_parts(path, tracks, owned, sources, kept)


def _from_parts(
    path: Path,
    tracks: list[Track],
    owned: list[tuple[int, int]],
    sources: dict[Key, list[PartSource]],
    kept: dict[str, int],
) -> Continuation:
    """Continue parts: in the same files where the same ranks write them, else in new files."""
    generations = {generation_of(part.file) for parts in sources.values() for part in parts}
    if not generations:
        raise ValueError(f"{path} points to no parts: {ELSE}")
    latest = max(generations)
    unlimited: dict[Key, list[PartSource]] = {}
    first: dict[str, int] = {}
    for key, parts in sources.items():
        unlimited[key] = [part for part in parts if part.frames is None]
        first[key[0]] = max((part.first for part in unlimited[key]), default=0)
    if _are_of_these_ranks(path, tracks, owned, unlimited, latest, first, kept):
        return Continuation(in_parts=True, generation=latest, first=first)
    left = {}
    for key, parts in sources.items():
        cut_parts = [part.cut(kept[key[0]]) for part in parts]
        left[key] = [part for part in cut_parts if part.frames]
        for part in left[key]:
            if not path.with_name(part.file).is_file():
                raise ValueError(
                    f"the part {part.file} of {path} is missing, whose frames the checkpoint "
                    f"goes on with: {ELSE}"
                )
    return Continuation(
        in_parts=True, anew=True, generation=latest + 1, first=dict(kept), sources=left
    )


def _are_of_these_ranks(
    path: Path,
    tracks: list[Track],
    owned: list[tuple[int, int]],
    unlimited: dict[Key, list[PartSource]],
    generation: int,
    first: dict[str, int],
    kept: dict[str, int],
) -> bool:
    """Whether the ranks would write the same parts from the same frames on."""
    for track in tracks:
        begin = first[track.group]
        if begin > kept[track.group]:
            return False
        for name in track.encodings:
            if unlimited[track.group, name] != sources_of_ranks(
                path, track, name, owned, generation, begin
            ):
                return False
    return True


def sources_of_ranks(
    path: Path,
    track: Track,
    name: str,
    owned: list[tuple[int, int]],
    generation: int = 0,
    first: int = 0,
) -> list[PartSource]:
    """Return the parts that ranks write from now on.

    Parameters
    ----------
    path : Path
        The main file.
    track : Track
        The voxels.
    name : str
        The species.
    owned : list of (lo, hi)
        For each rank: the planes of the box that it has.
    generation : int
        Generation of the parts.
    first : int
        Number of the frame with which the parts begin.
    """
    sources = []
    for rank, planes in enumerate(owned):
        lo, hi = track.selection.planes(*planes)
        if hi > lo:
            file = part_path(path, rank, generation).name
            sources.append(PartSource(file, track.path_in_part(name), lo, hi, first))
    return sources


def _from_one_file(path: Path, tracks: list[Track], kept: dict[str, int]) -> Continuation:
    """Continue one file in parts: it becomes a part itself, with the frames before."""
    generation = 1
    while before_path(path, generation).exists():
        generation += 1
    before = before_path(path, generation).name
    sources = {}
    for track in tracks:
        frames = kept[track.group]
        planes = track.selection.grid.shape[0]
        for name in track.encodings:
            source = PartSource(before, f"{track.data_group}/{name}", 0, planes, 0, frames)
            sources[track.group, name] = [source] if frames else []
    return Continuation(True, True, generation, dict(kept), sources, before)


def _check_groups(path: Path, file, tracks: list[Track]) -> None:
    """Raise ValueError where a file that is laid out anew would lose frames."""
    in_file = {name for name, group in file.items() if "frames" in group.attrs}
    if "VTKHDF" in file:
        in_file.add("")
    if lost := in_file - {track.group for track in tracks}:
        names = ", ".join(sorted(lost)) or "the whole box"
        raise ValueError(f"{path} has frames of {names}, which nobody writes on: {ELSE}")
