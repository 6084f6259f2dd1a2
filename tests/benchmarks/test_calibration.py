"""The model of `ecsmpi plan` is fitted to measured steps, and checked on others."""

from dataclasses import replace
from pathlib import Path
from statistics import median

from ecsmpi.benchmarks.plan import calibration, cross_validation
from ecsmpi.benchmarks.plan.step_model import Machine
import pytest

from support.known_machine import TRUE, record, records

# Steps of 256^3 voxels and more on 1 to 16 cores of an Intel Xeon, which scripts/figures measured
# for the README, without the times of single repetitions. Each record has its provenance.
MEASURED = Path(__file__).parent / "data" / "measured_steps.jsonl"


def measurements(machine=TRUE):
    return [calibration.Measurement.from_record(one) for one in records(machine)]


# Numbers that the model has not made


def step_by_hand(ranks, shape, segments, phases, neuron, copy):
    """The measurement of a step with these phases (us), NEURON's part (us) and bandwidth (GB/s)."""
    seconds = {name: 1e-6 * microseconds for name, microseconds in phases.items()}
    return calibration.Measurement.from_record(
        {
            "kind": "strong",
            "ranks": ranks,
            "threads": 1,
            "nodes": 1,
            "shape": shape,
            "species": 1,
            "segments": segments,
            "dt": 0.025,
            "dx": 5.0,
            "step_seconds": sum(seconds.values()) + 1e-6 * neuron,
            "phases": seconds,
            "copy_bytes_per_second": 1e9 * copy,
            "provenance": {"cores": 8},
        }
    )


def test_costs_are_those_that_steps_were_worked_by_hand_with():
    """A voxel 5 ns of a core, or 80 bytes at 40 GB/s on all; a message 3 us, its byte 1 ns.

    The exchange 4 us, and 0.1 us a segment; NEURON 5 us, and 0.3 us a segment. Two slabs send two
    messages of a plane to each other, and an inner slab four.
    """
    small = (40, 10, 10)  # 4000 voxels, planes of 800 bytes
    large = (40, 100, 100)  # 400,000 voxels, planes of 80,000 bytes
    rest = {"deposit": 2, "collect": 2}
    coupled = {"deposit": 50, "collect": 54}
    one_small = {"up": 8, "down": 12}
    one_large = {"up": 800, "down": 1200}
    two_small = {"up": 4, "down": 6, "ghosts": 4, "interfaces": 3.6, **rest}
    two_large = {"up": 400, "down": 600, "ghosts": 80, "interfaces": 86, **rest}
    four_large = {"up": 300, "down": 500, "ghosts": 160, "interfaces": 172, **rest}
    steps = [
        step_by_hand(1, small, 0, one_small | rest, neuron=5, copy=20),
        step_by_hand(1, large, 0, one_large | rest, neuron=5, copy=20),
        step_by_hand(1, small, 1000, one_small | coupled, neuron=305, copy=20),
        step_by_hand(2, small, 0, two_small, neuron=5, copy=40),
        step_by_hand(2, large, 0, two_large, neuron=5, copy=40),
        step_by_hand(4, large, 0, four_large, neuron=5, copy=40),
    ]
    found = calibration.calibrated(steps, Machine())
    assert (found.cores, found.core_bandwidth, found.node_bandwidth) == (8, 20e9, 40e9)
    by_hand = {
        "compute": 5e-9,
        "traffic": 80.0,
        "message": 3e-6,
        "plane_byte": 1e-9,
        "coupling_step": 4e-6,
        "entry": 1e-7,
        "neuron_step": 5e-6,
        "neuron_segment": 3e-7,
    }
    assert {name: getattr(found, name) for name in by_hand} == pytest.approx(by_hand, rel=0.03)
    assert max(cross_validation.error_of(one, found) for one in steps) < 0.01


def test_costs_of_a_real_machine_are_those_read_off_its_steps():
    """Worked from the records by hand: what one core, all cores and NEURON take.

    Sweeps of 256^3 voxels take 68.0 and 90.6 ms on one core, 7.5 to 7.7 ms on 16 cores at up to
    123.4 GB/s. NEURON takes 1.75 ms more with 10,000 segments than without.
    """
    steps = calibration.read_measurements(MEASURED)
    found = calibration.calibrated(steps, Machine())
    assert len(steps) == 16 and found.cores == 16
    assert found.core_bandwidth == pytest.approx(19.19e9, rel=1e-3)
    assert found.node_bandwidth == pytest.approx(123.4e9, rel=1e-3)
    assert 4.05e-9 < found.compute < 5.7e-9
    assert 53 < found.traffic < 62
    assert found.neuron_segment == pytest.approx(1.75e-7, rel=0.05)


def test_steps_of_a_real_machine_are_predicted_from_other_ranks():
    checked = cross_validation.leave_out(calibration.read_measurements(MEASURED), Machine())
    assert [one.label for one in checked] == [
        "1 rank",
        "2 ranks",
        "4 ranks",
        "8 ranks",
        "16 ranks",
    ]
    errors = []
    for one in checked:
        errors += one.errors
    assert median(errors) < 0.18
    assert max(errors) < 0.4


# The fit


def test_records_of_a_known_machine_give_it_back():
    found = calibration.calibrated(measurements(), Machine())
    assert found.cores == 8 and found.core_bandwidth == 30e9 and found.node_bandwidth == 60e9
    for name in ("compute", "traffic", "neuron_segment", "entry"):
        assert getattr(found, name) == pytest.approx(getattr(TRUE, name), rel=0.02), name
    for one in measurements():
        assert cross_validation.error_of(one, found) < 0.02


def test_fit_leaves_the_network_alone():
    start = replace(Machine(), network_latency=7e-6, network_bandwidth=3e9)
    found = calibration.calibrated(measurements(), start)
    assert (found.network_latency, found.network_bandwidth) == (7e-6, 3e9)


def test_costs_that_no_record_shows_stay_as_they_were():
    found = calibration.calibrated([calibration.Measurement.from_record(record(1))], Machine())
    for name in ("message", "plane_byte", "entry", "neuron_segment"):
        assert getattr(found, name) == pytest.approx(getattr(Machine(), name)), name


def test_no_fitted_cost_is_negative():
    noisy = []
    for k, one in enumerate(measurements()):
        noisy.append(replace(one, seconds=one.seconds * (0.5 + k % 3)))
    found = calibration.calibrated(noisy, Machine())
    assert min(vars(found).values()) >= 0


# The check


def test_leave_out_finds_no_error_in_records_of_the_model():
    checked = cross_validation.leave_out(measurements(), Machine())
    assert [one.label for one in checked] == ["1 rank", "2 ranks", "4 ranks", "8 ranks"]
    assert [len(one.errors) for one in checked] == [8, 8, 4, 4]
    assert max(max(one.errors) for one in checked[1:]) < 0.1


def test_leave_out_error_is_that_of_a_step_never_seen():
    """Eight ranks take twice their time: predicted from the others, that is an error of a half."""
    slow = []
    for one in measurements():
        if one.layout.ranks == 8:
            one = replace(one, seconds=2 * one.seconds)
        slow.append(one)
    honest = cross_validation.leave_out(measurements(), Machine())[-1].errors
    checked = cross_validation.leave_out(slow, Machine())[-1]
    assert checked.label == "8 ranks"
    assert checked.errors == pytest.approx([0.5] * 4, abs=max(honest))


def test_threads_are_left_out_where_there_is_one_rank_count():
    found = [calibration.Measurement.from_record(record(1, threads)) for threads in (1, 2, 4)]
    labels = [one.label for one in cross_validation.leave_out(found, Machine())]
    assert labels == ["1 thread", "2 threads", "4 threads"]
    assert cross_validation.leave_out(found[:1], Machine()) == []
