"""NEURON's sparse matrix, by which it solves the voltages where a cell has ``extracellular``.

NEURON keeps to that matrix when the cells have gone. On a rank without any section the matrix has
no row, and NEURON's second step with it is a segmentation fault. So such a rank returns to the
matrix of trees, which may be empty. A new cell with ``extracellular`` brings the sparse one back.
"""

from __future__ import annotations

from ecsmpi.neuron_api.interpreter import n


def leave_if_empty() -> None:
    """Return to the matrix of trees where this rank has no section. Local; microseconds."""
    solver = n.CVode()
    if solver.use_mxb() and not any(True for _ in n.allsec()):
        solver.use_mxb(False)
