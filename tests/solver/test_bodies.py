"""Compiled code reads from a record what was written when a step was planned."""

from typing import NamedTuple

from ecsmpi.kernels.records import (
    FLAGS,
    INTEGER,
    NUMBER,
    NUMBERS,
    PLACES,
    TABLE,
    Record,
    named,
    triple,
)
from ecsmpi.solver.bodies import reading
from numba import njit
import numpy as np
import pytest


class Inner(NamedTuple):
    numbers: np.ndarray
    flags: np.ndarray
    count: int


class Outer(NamedTuple):
    shape: tuple
    table: np.ndarray
    inner: Inner
    places: np.ndarray
    value: float


KIND = named(
    Outer, triple(INTEGER), TABLE, named(Inner, NUMBERS, FLAGS, INTEGER), PLACES, NUMBER
)


def made():
    inner = Inner(np.array([1.5, -2.5]), np.array([True, False]), -7)
    table = np.arange(6.0).reshape(2, 3)
    return Outer((4, 5, 6), table, inner, np.array([3, 2**32 - 1], dtype=np.uint32), 0.1)


def test_compiled_code_reads_each_value_of_a_record():
    read = reading(KIND)

    @njit
    def seen(address, out):
        values = read(address)
        nx, ny, nz = values.shape
        out[0], out[1], out[2] = nx, ny, nz
        out[3], out[4], out[5] = (
            values.table.shape[0],
            values.table.shape[1],
            values.table[1, 2],
        )
        out[6], out[7] = values.inner.numbers[1], values.inner.count
        out[8], out[9] = values.inner.flags[0], values.inner.flags[1]
        out[10], out[11], out[12] = values.places[1], values.places.size, values.value

    record, out = Record(KIND, made()), np.zeros(13)  # the record lives as long as it is read
    seen(record.address, out)
    assert out.tolist() == [4, 5, 6, 2, 3, 5.0, -2.5, -7, 1, 0, 2**32 - 1, 2, 0.1]


def test_compiled_code_writes_the_arrays_of_a_record():
    read = reading(KIND)

    @njit
    def write(address):
        read(address).inner.numbers[0] = 42.0

    values = made()
    record = Record(KIND, values)
    write(record.address)
    assert values.inner.numbers[0] == 42.0


@pytest.mark.parametrize(
    "change",
    [
        {"places": np.zeros(2, dtype=np.int64)},
        {"table": np.zeros((2, 3)).T},
        {"value": 1},
        {"shape": (4, 5)},
        {"inner": (np.zeros(2), np.zeros(2, dtype=bool), 1)},
    ],
)
def test_values_of_another_kind_are_refused(change):
    with pytest.raises(TypeError, match="take a record of"):
        Record(KIND, made()._replace(**change))
