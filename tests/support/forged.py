"""Checkpoints of somebody else's: any bytes in them, and right digests."""

import json
from pathlib import Path
import shutil
import struct

from ecsmpi.files import saved_checkpoint
from ecsmpi.files.checkpoint_part import MAGIC, digest_of
from ecsmpi.files.saved_checkpoint import SavedCheckpoint, part_name
from ecsmpi.neuron_api.state import savestate_format


def body_of(path):
    """What a manifest says."""
    return json.loads((Path(path) / saved_checkpoint.MANIFEST).read_text())["body"]


def write_manifest(path, body):
    """A manifest with a right digest."""
    text = json.dumps(
        {
            "format": saved_checkpoint.FORMAT,
            "digest": saved_checkpoint.digest_of_body(body),
            "body": body,
        }
    )
    (Path(path) / saved_checkpoint.MANIFEST).write_text(text)


def index_of(path, rank=0):
    """The index of a part."""
    written = body_of(path)["parts"][rank]
    return json.loads((Path(path) / part_name(rank)).read_bytes()[written["index_at"] :])


def write_index(path, index, rank=0):
    """Another index of a part, with right digests of it in the manifest."""
    body = body_of(path)
    part, text = Path(path) / part_name(rank), json.dumps(index).encode()
    rows = part.read_bytes()[: body["parts"][rank]["index_at"]]
    part.write_bytes(rows + text)
    body["parts"][rank] |= {"bytes": len(rows) + len(text), "digest": digest_of(text)}
    write_manifest(path, body)


def forge(source, target, about=None, sections=None, rank=0):
    """A copy of a checkpoint with other values in its manifest and other bytes in a part.

    None takes a section away.
    """
    shutil.copytree(source, target)
    found = SavedCheckpoint(source)
    with found.part(rank) as part:
        index = index_of(source, rank)
        contents = {name: part.read_bytes(name) for name in index} | (sections or {})
    data, new = bytearray(MAGIC), {}
    for name, content in contents.items():
        if content is None:
            continue
        row = index[name]["row"] if name.startswith("box") else 1 << 20
        digests = [digest_of(content[at : at + row]) for at in range(0, len(content), row)]
        new[name] = {
            "at": len(data),
            "bytes": len(content),
            "row": row,
            "first": index.get(name, {"first": 0})["first"],
            "digests": digests,
        }
        data += content
    index_at, text = len(data), json.dumps(new).encode()
    (Path(target) / part_name(rank)).write_bytes(data + text)
    body = body_of(source)
    body["parts"][rank] = {
        "bytes": index_at + len(text),
        "index_at": index_at,
        "digest": digest_of(text),
    }
    body["about"] |= about or {}
    write_manifest(target, body)
    return Path(target)


def parted(state):
    """(what stands before the events, [(time, text)] of the events, what stands behind) of a state
    of SaveState's.
    """
    found = savestate_format.read(state)
    at = state.rindex(found.times.tobytes()) if found.times.size else len(state)
    file = savestate_format._Reader(state)
    file.take(at + 8 * found.times.size)
    events = []
    for time in found.times:
        begin = file._at
        savestate_format._event(file)
        events.append((float(time), state[begin : file._at]))
    return state[: at - len(b"%d\n" % len(events))], events, state[file._at :]


def joined(before, events, behind=b""):
    """A state of these."""
    times = struct.pack(f"{len(events)}d", *(time for time, _ in events))
    return (
        before + b"%d\n" % len(events) + times + b"".join(text for _, text in events) + behind
    )
