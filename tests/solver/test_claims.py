"""Pieces in order, shared by threads: each once, and none before the piece before it is further."""

from ecsmpi.kernels.records import INTEGER, INTEGERS
from ecsmpi.solver import claims, threads
from ecsmpi.solver.bodies import Body, loop_over, passing, run
import numpy as np
import pytest

STEPS = 50

_pack, _unpack = passing(INTEGER, INTEGERS, INTEGERS, INTEGERS)


def _claim_pieces(begin, end, thread, arguments):
    pieces, progress, done, ahead = _unpack(arguments)
    piece = claims.claim(progress)
    while piece < pieces:
        for step in range(1, STEPS + 1):
            if piece > 0:
                claims.wait_for(progress, piece - 1, step)
                ahead[piece] += done[piece - 1] < step
            done[piece] = step
            claims.tell(progress, piece, step)
        piece = claims.claim(progress)


@loop_over(Body(_claim_pieces))
def _share(body, workers, pieces, progress, done, ahead):
    """done[p] counts steps of piece p; ahead[p] how often it was not behind the piece before."""
    claims.forget(progress)
    run(body, workers, _pack((pieces, progress, done, ahead)))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_each_piece_is_done_once_and_follows_the_one_before(count):
    """However many threads were asked for: none waits for a thread that never comes."""
    threads.use(count)
    try:
        for workers in (1, 2, 7, 20):
            progress = np.zeros(8, dtype=np.int64)
            done, ahead = np.zeros((2, 7), dtype=np.int64)
            _share(workers, 7, progress, done, ahead)
            assert (done == STEPS).all() and (progress[1:] == STEPS).all()
            assert not ahead.any()
    finally:
        threads.use(1)
