"""The command `ecsmpi plan`: what it prints, what it appends, what it refuses."""

import json
import re

from ecsmpi.benchmarks.plan.step_model import Machine
from ecsmpi.cli import main
import pytest

from support.known_machine import record, records


@pytest.fixture
def bench(tmp_path):
    path = tmp_path / "bench.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in records()))
    return path


def command(capsys, *words):
    """Status, standard output and standard error of `ecsmpi plan WORDS`."""
    try:
        status = main(["plan", *map(str, words)])
    except SystemExit as ended:
        status = ended.code
    told = capsys.readouterr()
    return status, told.out, told.err


def test_plan_prints_table_recommendation_and_sbatch_line(capsys):
    words = ("--box", 128, 64, 64, "--segments", "1e4", "--nodes", "1-12", "--tstop", 100)
    status, out, _ = command(capsys, *words)
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines if line[-1:] == ["%"]] == ["1", "2", "4", "8", "12"]
    assert "4,000 steps of 0.025 ms" in out and "10,000 segments" in out
    assert "defaults; give --bench" in out and "default: give --network-bandwidth" in out
    assert "Recommended:" in out
    submit = next(line for line in lines if line[:1] == ["sbatch"])
    assert [word.split("=")[0] for word in submit[1:4]] == [
        "--nodes",
        "--ntasks-per-node",
        "--cpus-per-task",
    ]
    ranks, threads = (int(word.split("=")[1]) for word in submit[2:4])
    assert ranks * threads == Machine().cores and submit[6:] == [
        "slurm/hybrid.sbatch",
        "SCRIPT",
    ]
    assert re.fullmatch(r"--time=\d\d:\d\d:00", submit[4]) and re.fullmatch(
        r"--mem=\d+G", submit[5]
    )


def submission(out):
    """The options in the line to submit."""
    line = next(line for line in out.splitlines() if line.startswith("sbatch"))
    return dict(
        word.removeprefix("--").split("=") for word in line.split() if word.startswith("--")
    )


def test_submission_asks_for_the_time_and_memory_of_the_table_and_a_quarter_more(capsys):
    words = (
        "--box",
        512,
        512,
        512,
        "--nodes",
        1,
        "--species",
        2,
        "--tstop",
        10_000,
        "--cores-per-node",
        4,
    )
    _, out, _ = command(capsys, *words)
    row = next(line.split() for line in out.splitlines() if line.split()[:1] == ["1"])
    ranks, size = int(row[1]), float(row[4])
    assert (
        row[5] == "GB"
        and ranks * size * 1.25
        <= int(submission(out)["mem"][:-1])
        <= ranks * size * 1.25 + 1 + ranks / 10
    )
    hours, minutes, _ = map(
        int, re.fullmatch(r"(?:\d-)?(\d+):(\d+):(\d+)", submission(out)["time"]).groups()
    )
    days = int(submission(out)["time"].split("-")[0]) if "-" in submission(out)["time"] else 0
    step, steps = float(row[6].replace(",", "")) * 1e-6, 400_000
    assert (
        0
        <= (days * 24 + hours) * 3600 + minutes * 60 - (300 + 1.25 * step * steps)
        <= 60 + 2e-6 * steps
    )


def test_frames_take_eight_bytes_a_voxel_and_species_more(capsys):
    words = ("--box", 512, 512, 512, "--nodes", 1, "--species", 3)
    sizes = [
        int(submission(command(capsys, *words, *more)[1])["mem"][:-1])
        for more in ((), ("--no-frames",))
    ]
    assert abs(sizes[0] - sizes[1] - 1.25 * 8 * 3 * 512**3 / 1e9) <= 1


def test_numbers_of_nodes_with_too_little_memory_are_named_and_not_recommended(capsys):
    words = ("--box", 1024, 512, 512, "--nodes", "1-8")
    status, out, _ = command(capsys, *words, "--memory-per-node", 4)
    assert status == 0 and "memory    4.0 GB a node (given)" in out
    assert re.search(
        r"Too little memory on 1 node: each would need [45]\.\d GB and has 4\.0 GB\.", out
    )
    assert int(submission(out)["nodes"]) >= 2
    status, out, _ = command(capsys, *words, "--memory-per-node", 0.3)
    assert (
        status == 1
        and "Too little memory on 1, 2, 4, 8 nodes" in out
        and "Take more nodes, or larger ones" in out
    )
    assert "sbatch" not in out


def test_a_rank_for_each_numa_domain_is_recommended_and_none_in_several(capsys):
    words = ("--box", 256, 256, 256, "--nodes", 1, "--cores-per-node", 64)
    for domains in (1, 2, 4, 8):
        _, out, _ = command(capsys, *words, "--numa-domains", domains)
        assert f"NUMA      {domains} domain{'s' * (domains > 1)} a node (given)" in out
        assert submission(out)["ntasks-per-node"] == str(domains) and submission(out)[
            "cpus-per-task"
        ] == str(64 // domains)
        ranks = int(
            submission(
                command(capsys, *words, "--numa-domains", domains, "--segments", 10**7)[1]
            )["ntasks-per-node"]
        )
        assert ranks > domains and ranks % domains == 0, "NEURON uses one thread of each rank"
    assert "4 domains a node (a guess" in command(capsys, *words)[1]
    status, _, err = command(capsys, *words, "--numa-domains", 5)
    assert status == 2 and "--numa-domains must divide the 64 cores of a node, got 5" in err


def test_memory_and_domains_of_a_node_are_those_of_the_records(tmp_path, capsys):
    path = tmp_path / "b.jsonl"
    seen = {"cores": 8, "numa_domains": 4, "memory_bytes": 3e9}
    path.write_text("".join(json.dumps(one | {"provenance": seen}) + "\n" for one in records()))
    _, out, _ = command(capsys, "--box", 128, 64, 64, "--nodes", 1, "--bench", path)
    assert (
        "NUMA      4 domains a node (measured)" in out
        and "memory    3.0 GB a node (measured)" in out
    )
    assert submission(out)["ntasks-per-node"] in ("4", "8")


def test_box_in_um_is_cut_into_voxels_as_by_the_solver(capsys):
    corners = ("--box", -10, 0, 0, 91, 40, 30, "--dx", 10, 20, 5)
    _, out, _ = command(capsys, *corners, "--nodes", 1, "--d", 2, "--dt", 0.1)
    assert out.startswith("11 x 2 x 6 voxels") and "r = D dt/dx2 = 0.002\n" in out


def test_plan_says_what_was_measured_given_and_checked(bench, capsys):
    words = ("--network-latency", 3, "--neuron-ns", 55, "--cores-per-node", 16)
    status, out, _ = command(
        capsys, "--box", 128, 64, 64, "--nodes", "1-4", "--bench", bench, *words
    )
    assert status == 0
    assert "fitted to 24 records" in out
    assert "16 a node (given)" in out
    assert "30 GB/s a core, 60 GB/s a node (measured, with 8 of 16 cores)" in out
    assert "3 us a message (given)" in out and "12 GB/s a node (default" in out
    assert "55 ns a segment (given)" in out
    assert "(median)" in out and "% on 8 ranks" in out


def test_steps_whose_threads_shared_cores_are_not_used(bench, capsys):
    crowded = [record(8, 2), record(16, 1)]
    with bench.open("a") as file:
        file.writelines(json.dumps(one | {"step_seconds": 9.0}) + "\n" for one in crowded)
    _, out, _ = command(capsys, "--box", 128, 64, 64, "--nodes", 1, "--bench", bench)
    assert "fitted to 24 records; 2 not used: more threads than cores" in out
    assert "% on 8 ranks)" in out


def test_nodes_beyond_the_planes_are_left_out_and_named(capsys):
    _, out, _ = command(capsys, "--box", 6, 64, 64, "--nodes", "1-64")
    assert "More than 6 ranks cannot share the box: it has 6 planes along x." in out
    assert [row[0] for row in rows_of(out)] == ["1", "2", "4"]


def test_a_rank_beyond_the_planes_takes_the_program_and_its_share_of_the_segments(capsys):
    """Steps worked by hand from the default machine: 3 planes, a rank to a node.

    A rank sends 4 planes to other nodes, and messages for its segments to the owners of planes.
    """
    words = ("--box", 3, 1000, 1000, "--segments", 12_000, "--cores-per-node", 8)
    _, out, _ = command(capsys, *words, "--nodes", "1-2")
    told = next(line for line in out.splitlines() if line.startswith("Rank 4 "))
    assert "would own no voxel and take 208 MB" in told  # 200 MB and 2,500 bytes x 12,000 / 4
    before, after = (
        float(number.replace(",", "")) for number in re.findall(r"([\d,]+) us", told)
    )
    neuron, entry, network = 1e-7, 5e-8, 16 / 12e9  # s for each segment of a rank
    of_a_segment = 1e6 * (neuron + entry)
    of_far_segment = 1e6 * network * 12_000 * ((2 / 3) / 3 - (3 / 4) / 4)
    messages = 1e6 * 2 * 2e-6 * 3 * (2 / 3 - 3 / 4)
    expected = of_a_segment * (12_000 / 3 - 12_000 / 4) + of_far_segment + messages
    assert abs(before - after - expected) <= 1  # both are rounded to 1 us


def test_all_ranks_have_planes_and_nothing_is_said_of_more(capsys):
    _, out, _ = command(capsys, "--box", 64, 8, 8, "--nodes", 2, "--cores-per-node", 32)
    assert "cannot share the box" not in out


def rows_of(out):
    """The cells of the rows of the table, numbers without separators of thousands."""
    lines = out.splitlines()
    first = next(i for i, line in enumerate(lines) if line.split()[:1] == ["nodes"]) + 1
    last = next(i for i, line in enumerate(lines) if line.startswith("ranks x threads are"))
    return [re.split(r" {2,}", line.strip().replace(",", "")) for line in lines[first:last]]


def test_large_numbers_keep_their_columns_apart(capsys):
    """4000 x 4000 x 4000 voxels on up to 4,000 nodes and a million cores."""
    for cores in (64, 256):  # of the second there are 1,024,000
        words = ("--box", 4000, 4000, 4000, "--segments", "1e9", "--species", 8)
        _, out, _ = command(capsys, *words, "--nodes", "1-4000", "--cores-per-node", cores)
        rows = rows_of(out)
        assert [int(row[0]) for row in rows] == [*(2**k for k in range(12)), 4000]
        for row in rows:
            parts = [float(cell) for cell in row[4:8]]
            assert len(row) == (11 if "reduced" in row[-1] else 10)
            assert re.fullmatch(r"\d+ x \d+", row[1]) and row[9].endswith(" %")
            assert float(row[3]) == pytest.approx(sum(parts), abs=3)
        assert float(rows[0][3]) > 1e8
        table = out.splitlines()
        head = next(line for line in table if line.split()[:1] == ["nodes"])
        assert all(len(line) == len(head) for line in table if line.endswith(" %"))


def test_model_is_appended_as_records_for_the_measured_layouts_and_the_table(bench, capsys):
    before = bench.read_text()
    words = ("--box", 128, 64, 64, "--nodes", "1-4", "--bench", bench, "--model", bench)
    assert command(capsys, *words)[0] == 0
    text = bench.read_text()
    assert text.startswith(before)
    added = [json.loads(line) for line in text[len(before) :].splitlines()]
    assert {one["kind"] for one in added} == {"model"} and len(added) == 24 + 3
    for one, measured in zip(added, records()):
        assert {key: one[key] for key in ("ranks", "threads", "shape", "segments")} == {
            key: measured[key] for key in ("ranks", "threads", "shape", "segments")
        }
        assert one["step_seconds"] == pytest.approx(measured["step_seconds"], rel=0.02)
        assert sum(one["phases"].values()) == pytest.approx(one["step_seconds"])
    assert [one["nodes"] for one in added[24:]] == [1, 2, 4]
    assert command(capsys, *words)[0] == 0  # records of the model are no measurements


GOOD = {"--box": (64, 64, 64), "--nodes": ("1-4",)}


@pytest.mark.parametrize(
    "option, values, told",
    [
        ("--box", (64, 64), "--box takes three numbers"),
        (
            "--box",
            (64, 64, 6.5),
            "--box NX NY NZ must be whole numbers of voxels, got 64 64 6.5",
        ),
        ("--box", (64, 0, 64), "--box NX NY NZ must be whole"),
        ("--box", (0, 0, 0, 9, 9, 9), "needs --dx"),
        ("--box", ("a", 1, 1), "--box"),
        ("--dx", (0,), "dx must be > 0"),
        ("--dx", (5, 5), "dx must be a number or"),
        ("--species", (0,), "--species: must be a whole number from 1, got 0"),
        ("--segments", (-1,), "--segments: must be a whole number from 0, got -1"),
        ("--segments", ("1e3.5",), "--segments"),
        ("--tstop", (0,), "--tstop: must be a number above 0, got 0"),
        ("--dt", ("nan",), "--dt: must be a number above 0, got nan"),
        ("--d", (-1,), "--d: must be"),
        (
            "--nodes",
            ("8-4",),
            "--nodes: must be a number of nodes or a range such as 1-256, got 8-4",
        ),
        ("--nodes", ("0",), "--nodes: must be"),
        ("--nodes", ("2-",), "--nodes: must be"),
        ("--nodes", ("65-80",), "65 nodes are more than the box has planes along x, 64"),
        ("--cores-per-node", (0,), "--cores-per-node: must be"),
        ("--numa-domains", (0,), "--numa-domains: must be"),
        ("--memory-per-node", (-2,), "--memory-per-node: must be"),
        ("--network-bandwidth", (0,), "--network-bandwidth: must be"),
        ("--network-latency", ("inf",), "--network-latency: must be"),
        ("--neuron-ns", (-4,), "--neuron-ns: must be"),
        ("--bench", ("/nowhere/b.jsonl",), "/nowhere/b.jsonl"),
        ("--model", ("/nowhere/m.jsonl",), "/nowhere"),
    ],
)
def test_bad_argument_is_named(capsys, option, values, told):
    words = [
        word for name, given in {**GOOD, option: values}.items() for word in (name, *given)
    ]
    status, out, err = command(capsys, *words)
    assert status == 2 and told in err
    assert "Traceback" not in err and "sbatch" not in out


@pytest.mark.parametrize(
    "spoil, told",
    [
        (
            lambda one: one.pop("phases"),
            "record 2, was not written by ecsmpi bench: it has no 'phases'",
        ),
        (lambda one: one.update(step_seconds=0), "must be > 0, got 0"),
        (lambda one: one.update(threads=0), "threads must be at least 1"),
        (lambda one: one.update(shape=[8, 8]), "record 2"),
        (lambda one: one.update(copy_bytes_per_second=None), "record 2"),
    ],
)
def test_bad_record_is_named(tmp_path, capsys, spoil, told):
    broken = record(2)
    spoil(broken)
    path = tmp_path / "b.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in (record(1), broken)))
    status, _, err = command(capsys, "--box", 64, 64, 64, "--nodes", 1, "--bench", path)
    assert status == 2 and told in err and "b.jsonl" in err


def test_file_without_measured_steps_is_refused(tmp_path, capsys):
    path = tmp_path / "b.jsonl"
    path.write_text(json.dumps(record(1, kind="neuron")))
    status, _, err = command(capsys, "--box", 64, 64, 64, "--nodes", 1, "--bench", path)
    assert status == 2 and "no records of ecsmpi bench kernel, strong, weak" in err
