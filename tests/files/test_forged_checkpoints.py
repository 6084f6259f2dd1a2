"""Checkpoints that somebody else wrote, with right digests.

Nothing in them is executed, and one error names the file.
"""

from contextlib import suppress
import json
import os

from ecsmpi.files.checkpoint_folder import CheckpointFolder
from ecsmpi.files.checkpoint_part import Damaged
from ecsmpi.files.manifest import Manifest
from ecsmpi.files.saved_checkpoint import SavedCheckpoint
from ecsmpi.neuron_api.state import bbsavestate_format, savestate_format
from ecsmpi.neuron_api.state.savestate_format import Malformed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from test_checkpoint import CELLS, newest, written

from support.forged import body_of, index_of, write_index, write_manifest
from support.frames import Alone
from support.ranks import ROOT, TESTS, mpirun

PROGRAMS = TESTS / "programs"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


def ran(tmp_path_factory, name):
    """Run a program of forged restarts; return what it saved, and its folder of sets."""
    folder = tmp_path_factory.mktemp("forged")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = mpirun(
        None,
        ["python", PROGRAMS / "files" / name, folder / "out.npz", folder / "sets"],
        env={"PYTHONPATH": path},
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with np.load(folder / "out.npz") as saved:
        return dict(saved), folder / "sets"


@pytest.fixture(scope="module")
def restarts(tmp_path_factory):
    return ran(tmp_path_factory, "forged_restarts.py")


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    return ran(tmp_path_factory, "forged_cells.py")


def refused(found, folder):
    """Return the error with which each forged set was refused, by its name."""
    said = dict(zip(found["names"].tolist(), found["said"].tolist()))
    for name, text in said.items():
        assert text.startswith((f"Damaged: {folder}", f"ForeignStatement: {folder}")), (
            name,
            text,
        )
    return said


def test_nothing_of_a_checkpoint_is_executed(restarts):
    found, folder = restarts
    assert not found["executed"]
    said = refused(found, folder)
    commands = [
        text
        for name, text in said.items()
        if name.startswith(("a command", "python by hoc", "a Python function"))
    ]
    assert len(commands) == 7 and all(
        "nothing of a checkpoint is executed" in text for text in commands
    )
    assert f'system("touch {folder / "payload"}")' in said["a command"]


def test_state_that_nobody_forged_goes_on_with_the_statement_that_the_script_posts(restarts):
    found, _ = restarts
    assert found["goes_on"] == "" and found["told"] == 1 and abs(found["t"] - 3.5) < 1e-9


def test_cells_that_nobody_forged_go_on_to_the_same_bits_and_others_are_refused(cells):
    found, folder = cells
    assert found["goes_on"] == "" and found["differ"].size == 0
    assert len(refused(found, folder)) == 32


def test_artificial_cells_go_on_by_their_gids(tmp_path_factory):
    found, _ = ran(tmp_path_factory, "artificial_cells.py")
    assert abs(found["began"] - 1.5) < 1e-9 and found["differ"].size == 0
    assert {20, 21, 22, 23} <= set(found["spikes"][:, 1].tolist())


def test_neurons_savestate_hands_back_arrays_and_nothing_else(restarts):
    """NEURON gives `SavedFields` back what a script saves by NEURON's SaveState itself."""
    assert restarts[0]["boxes"].tolist() == ["ValueError"] * 6 + ["{'0 k': array([1., 2.])}"]


splices = st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=40))


def spliced(data, splice):
    place, length, new = splice
    at = int(place * len(data))
    return data[:at] + new + data[at + length :]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(splice=splices)
def test_any_bytes_of_a_state_are_read_or_refused(restarts, splice):
    state = restarts[0]["state"].tobytes()
    with suppress(Malformed):
        savestate_format.read(spliced(state, splice))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(splice=splices)
def test_any_bytes_of_a_cell_are_read_or_refused(cells, splice):
    found, _ = cells
    cell, gid = found["cell"].tobytes(), int(found["gid"])
    known = bbsavestate_format.learn(cell, gid, True, bbsavestate_format.Mechanisms({}))
    assert known.sizes["states", 17] == 3, "hh has m, h and n"
    with suppress(Malformed, bbsavestate_format.Unknown):
        bbsavestate_format.read(spliced(cell, splice), gid, True, known)


# manifests and indices


def leaves(value, path=()):
    """Yield the place of each value in a value of JSON, itself included."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    if isinstance(value, list):
        for i, inner in enumerate(value):
            yield from leaves(inner, (*path, i))


def with_value(value, path, new):
    """Return a value of JSON with another one at a place."""
    if not path:
        return new
    copy = json.loads(json.dumps(value))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = new
    return copy


def read_all(path):
    found = SavedCheckpoint(path)
    found.verify()
    found.verify_numbers()
    return found


@given(data=st.data())
def test_any_manifest_with_a_right_digest_is_valid_or_damaged(tmp_path_factory, data):
    """What passes with a drawn value in place of a field has the types of what was written."""
    path = written(tmp_path_factory.mktemp("manifest"))[0]
    body = body_of(path)
    place = data.draw(st.sampled_from(list(leaves(body))))
    write_manifest(path, with_value(body, place, data.draw(JSON)))
    try:
        found = read_all(path)
    except Damaged as error:
        assert str(path) in str(error)
    else:
        assert found.manifest == Manifest.read(json.loads(json.dumps(found.manifest.record())))
        assert type(found.manifest.step) is int and found.manifest.dt > 0


@given(data=st.data())
def test_any_index_with_a_right_digest_is_valid_or_damaged(tmp_path_factory, data):
    path = written(tmp_path_factory.mktemp("index"))[0]
    index = index_of(path)
    place = data.draw(st.sampled_from(list(leaves(index))))
    write_index(path, with_value(index, place, data.draw(JSON)))
    try:
        found = read_all(path)
        with found.part(0) as part:
            assert part.read_bytes("cells") == CELLS
    except Damaged as error:
        assert str(path) in str(error)


WRONG_BODIES = [
    [],
    {},
    {"about": {}},
    {"about": {}, "parts": []},
    {"about": [], "parts": {}},
    None,
    3,
    "text",
    [{}],
]


@pytest.mark.parametrize("body", WRONG_BODIES, ids=str)
def test_a_set_whose_manifest_has_another_body_is_passed_over(body, tmp_path):
    before, last = written(tmp_path, 2)
    write_manifest(last, body)
    found, said = newest(tmp_path)
    assert found.path == before and len(said) == 1 and str(last) in said[0]


WRONG_FIELDS = [
    ("model", ["a box"]),
    ("model", {"dt": {}}),
    ("t", "now"),
    ("dt", 0.0),
    ("step", -1),
    ("step", True),
    ("planes", [[[0, 7], [7, 9]]]),
    ("planes", [[[1, 7]]]),
    ("planes", [[[7, 0]]]),
    ("cells", []),
    ("cells", [3]),
    ("gids", [[-1]]),
    ("without_gids", 3),
    ("connected", 1),
    ("vectors", [[3]]),
    ("observers", [["output"]]),
    ("observers", [["output", 3]]),
    ("statements", [1]),
]


@pytest.mark.parametrize("field, value", WRONG_FIELDS, ids=str)
def test_a_wrong_field_of_a_manifest_is_named(field, value, tmp_path):
    path = written(tmp_path)[0]
    body = body_of(path)
    body["about"][field] = value
    write_manifest(path, body)
    with pytest.raises(Damaged, match=rf"manifest\.json: .*\b{field}\b"):
        SavedCheckpoint(path)


@pytest.mark.parametrize(
    "field, value", [("bytes", "1"), ("index_at", 1 << 61), ("digest", "0123"), ("digest", 3)]
)
def test_a_wrong_field_of_a_part_is_named(field, value, tmp_path):
    path = written(tmp_path)[0]
    body = body_of(path)
    body["parts"][0][field] = value
    write_manifest(path, body)
    with pytest.raises(Damaged, match=rf"manifest\.json: {field} must be"):
        SavedCheckpoint(path)


WRONG_INDICES = {
    "a list": lambda index: [],
    "sections that are lists": lambda index: {
        name: list(section.values()) for name, section in index.items()
    },
    "sections renamed": lambda index: {
        name.replace("box 0", "box 7"): section for name, section in index.items()
    },
    "negative places": lambda index: {
        name: section | {"at": -section["at"]} for name, section in index.items()
    },
    "negative planes": lambda index: {
        name: section | {"first": -1} for name, section in index.items()
    },
    "other planes": lambda index: {
        name: section | {"first": section["first"] + 1} for name, section in index.items()
    },
    "sizes beyond the file": lambda index: {
        name: section | {"bytes": 1 << 60} for name, section in index.items()
    },
    "rows without bytes": lambda index: {
        name: section | {"row": 0} for name, section in index.items()
    },
    "digests that are numbers": lambda index: {
        name: section | {"digests": [3] * len(section["digests"])}
        for name, section in index.items()
    },
    "no digests": lambda index: {
        name: section | {"digests": []} for name, section in index.items()
    },
    "more than there is": lambda index: index | {"more": index["cells"]},
    "a value more": lambda index: {
        name: section | {"more": 1} for name, section in index.items()
    },
}


@pytest.mark.parametrize("kind", WRONG_INDICES)
def test_a_set_whose_part_has_another_index_is_passed_over(kind, tmp_path):
    before, last = written(tmp_path, 2)
    write_index(last, WRONG_INDICES[kind](index_of(last)))
    found, said = newest(tmp_path)
    assert found.path == before and len(said) == 1 and str(last) in said[0]


def replace_by_pipe(path):
    path.unlink()
    os.mkfifo(path)


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


def replace_by_link_to_itself(path):
    path.unlink()
    path.symlink_to(path)


def replace_by_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    "replace",
    [replace_by_pipe, replace_by_folder, replace_by_link_to_itself, replace_by_device],
)
@pytest.mark.parametrize("name", ["manifest.json", "rank00000"])
def test_what_is_no_plain_file_is_passed_over_without_waiting(name, replace, tmp_path):
    before, last = written(tmp_path, 2)
    replace(last / name)
    found, said = newest(tmp_path)
    assert found.path == before and len(said) == 1 and str(last / name) in said[0]


def test_a_file_in_place_of_a_set_is_passed_over(tmp_path):
    before = written(tmp_path)[0]
    (tmp_path / "000009-step-900").write_text("no folder")
    assert newest(tmp_path)[0].path == before


def test_a_folder_of_sets_that_is_a_file_has_no_sets(tmp_path):
    (tmp_path / "sets").write_text("no folder")
    assert CheckpointFolder(Alone(), tmp_path / "sets").newest() is None


@pytest.mark.parametrize(
    "text",
    [
        '{"format": NaN}',
        "[" * 100_000,
        '{"a": 1' + "0" * 5000 + "}",
        '"\\ud800"',
        "\xff",
        "",
        "null",
    ],
    ids=lambda text: text[:9],
)
def test_odd_json_is_no_manifest(text, tmp_path):
    path = written(tmp_path)[0]
    (path / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(Damaged, match="manifest.json"):
        SavedCheckpoint(path)
