"""The model of `ecsmpi plan` is fitted to measured steps, and checked on steps that the fit has not
seen.
"""

from dataclasses import replace

import pytest

from ecsmpi.benchmarks.plan import calibration, cross_validation
from ecsmpi.benchmarks.plan.step_model import Machine
from support.known_machine import TRUE, record, records


def measurements(machine=TRUE):
    return [calibration.Measurement.from_record(one) for one in records(machine)]


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
    noisy = [
        replace(one, seconds=one.seconds * (0.5 + k % 3)) for k, one in enumerate(measurements())
    ]
    found = calibration.calibrated(noisy, Machine())
    assert min(vars(found).values()) >= 0


def test_leave_out_finds_no_error_in_records_of_the_model():
    checked = cross_validation.leave_out(measurements(), Machine())
    assert [one.label for one in checked] == ["1 rank", "2 ranks", "4 ranks", "8 ranks"]
    assert [len(one.errors) for one in checked] == [8, 8, 4, 4]
    assert max(max(one.errors) for one in checked[1:]) < 0.1


def test_leave_out_error_is_that_of_a_step_never_seen():
    """Eight ranks take twice their time: predicted from all others, that is an error of one half."""
    slow = [
        replace(one, seconds=2 * one.seconds) if one.layout.ranks == 8 else one
        for one in measurements()
    ]
    honest = cross_validation.leave_out(measurements(), Machine())[-1].errors
    checked = cross_validation.leave_out(slow, Machine())[-1]
    assert checked.label == "8 ranks"
    assert checked.errors == pytest.approx([0.5] * 4, abs=max(honest))


def test_threads_are_left_out_where_there_is_one_rank_count():
    found = [calibration.Measurement.from_record(record(1, threads)) for threads in (1, 2, 4)]
    labels = [one.label for one in cross_validation.leave_out(found, Machine())]
    assert labels == ["1 thread", "2 threads", "4 threads"]
    assert cross_validation.leave_out(found[:1], Machine()) == []
