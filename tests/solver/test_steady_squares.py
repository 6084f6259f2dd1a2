"""Squares that take one number for all do what the others do, and leave alone what is level."""

from dataclasses import replace

from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box, aligned_zeros
from ecsmpi.solver.one_pass import OnePass, PassFactors, panels_of_slab
from ecsmpi.solver.slab_edges import SlabEdges
from ecsmpi.solver.sweep_plans import Sources
from ecsmpi.solver.timing import Phases
from ecsmpi.solver.tridiagonal import Chain
from ecsmpi.solver.workspace import Workspace
from mpi4py import MPI
import numpy as np
import pytest

SHAPE = 24, 72, 56
R = np.array([0.004, 0.002, 0.003])


def step_of(voxel, is_steady=True):
    """One step of a slab with sources in some voxels, and the slab's concentrations."""
    slabs = Slabs(SHAPE[0], 1)
    box = Box((0.0, 0.0, 0.0), (5.0, 5.0, 5.0), SHAPE)
    work = Workspace(MPI.COMM_SELF, box, slabs, Phases())
    chain = Chain.of(SHAPE[0], R[0], False, slabs)
    factors = PassFactors.of(work, chain, R, panels_of_slab(work, chain, R), False)
    assert all(axis.end - axis.begin > SHAPE[0] // 2 for axis in factors.axes)
    if not is_steady:
        x, y, z = factors.axes
        factors = replace(factors, axes=(x._replace(end=x.begin), y, z))
    u = aligned_zeros((SHAPE[0] + 2, *SHAPE[1:]))
    edges = SlabEdges(MPI.COMM_SELF, u, 0.0)
    return OnePass(work, factors, Sources.of(voxel, SHAPE), 5.0, edges), u


@pytest.mark.parametrize("sources", [0, 900])
def test_they_do_what_the_others_do(sources):
    random = np.random.default_rng(sources)
    voxel = np.sort(random.choice(np.prod(SHAPE), sources, replace=False)).astype(np.uint32)
    start, amounts = random.uniform(1, 4, SHAPE), random.uniform(0, 0.1, sources)
    ends = []
    for is_steady in (True, False):
        step, u = step_of(voxel, is_steady)
        u[1:-1] = start
        step.advance(u, amounts, np.zeros(sources))
        ends.append(u[1:-1])
    assert np.abs(ends[0] - start).max() > 1e-3
    assert np.allclose(*ends, rtol=0, atol=2e-15)


def test_what_is_level_stays_as_it_is_to_the_bit():
    step, u = step_of(np.zeros(0, np.uint32))
    u[:] = 3.7
    for _ in range(3):
        step.advance(u, np.zeros(0), np.zeros(0))
    assert (u == 3.7).all()
