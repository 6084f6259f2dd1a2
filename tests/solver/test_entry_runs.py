"""Runs of entries with one slot, and blocks of slots: sums do not depend on the blocks' size."""

from ecsmpi.solver import entry_runs
from ecsmpi.solver.entry_kernels import add_by_voxel, add_in_turn
from ecsmpi.solver.entry_runs import EntryRuns, in_order
import numpy as np
import pytest

ENTRIES = 5000
SLOTS = 700


def entries(longest):
    """Slots of entries in the order of memory, up to ``longest`` in a row in one slot."""
    random = np.random.default_rng(longest)
    rows = random.integers(0, SLOTS, ENTRIES)
    slot = np.repeat(rows, random.integers(1, longest + 1, ENTRIES))
    return slot[:ENTRIES].astype(np.uint32), random.uniform(-1, 1, (2, ENTRIES))


def sums(slot, values, factor, size, monkeypatch):
    """The sums of all slots, with blocks of so many slots."""
    monkeypatch.setattr(entry_runs, "block_size", lambda n_slots: size)
    turn = np.arange(slot.size)
    order = in_order(slot, turn, SLOTS)
    runs = EntryRuns.of(slot[order], SLOTS, turn[order])
    assert runs.n_blocks == -(-SLOTS // size)
    out = np.full(SLOTS, np.nan)
    bounds = (runs.slot, runs.start, runs.alike, runs.block, runs.edge)
    add_by_voxel(values, order.astype(np.uint32), factor[order], *bounds, 0.3, True, out)
    return out


@pytest.mark.parametrize("longest", [1, 3, 40])
def test_sums_have_the_same_bits_with_blocks_of_any_size(longest, monkeypatch):
    slot, (values, factor) = entries(longest)
    whole = sums(slot, values, factor, SLOTS, monkeypatch)
    expected = np.bincount(slot, 0.3 * factor * values, SLOTS)
    np.testing.assert_allclose(whole, expected, rtol=0, atol=1e-13)
    for size in (1, 8, 101):
        assert np.array_equal(sums(slot, values, factor, size, monkeypatch), whole)


def test_entries_apart_in_memory_are_not_in_a_row():
    slot = np.zeros(32, dtype=np.uint32)
    turn = np.arange(32)
    assert EntryRuns.of(slot, 1, turn).alike.tolist() == [True]
    assert EntryRuns.of(slot, 1, 2 * turn).alike.tolist() == [False]
    turn[16:] += 1
    runs = EntryRuns.of(slot, 1, turn)
    assert runs.alike.tolist() == [True, True]
    assert runs.start.tolist() == [0, 16, 32]


def test_one_thread_goes_through_memory_once(monkeypatch):
    monkeypatch.setattr(entry_runs.threads, "for_work", lambda size, each: 1)
    assert entry_runs.block_size(10**7) == 10**7
    slot = np.array([5, 0, 9, 5], dtype=np.uint32)
    assert in_order(slot, np.array([3, 1, 0, 2]), 10).tolist() == [2, 1, 3, 0]


def test_threads_have_blocks_enough_and_none_is_tiny(monkeypatch):
    monkeypatch.setattr(entry_runs.threads, "for_work", lambda size, each: 4)
    least, each = entry_runs.BLOCK, entry_runs.BLOCKS_OF_THREAD
    assert entry_runs.block_size(least) == least
    assert entry_runs.block_size(1000 * least) == 1000 * least // (4 * each)


@pytest.mark.parametrize("longest", [1, 40])
def test_values_in_turn_have_the_same_sums(longest):
    slot, (values, factor) = entries(longest)
    runs = EntryRuns.of(slot, SLOTS)
    out = np.zeros(SLOTS)
    add_in_turn(values, factor, runs.slot, runs.start, runs.alike, 0.3, out)
    expected = np.bincount(slot, 0.3 * factor * values, SLOTS)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-13)
