"""Pieces in order, shared by threads: each once, and none before the piece before it is further."""

from ecsmpi.solver import claims
import numba
from numba import njit, prange
import numpy as np

STEPS = 50


@njit(parallel=True)
def _share(workers, pieces, progress, done, ahead):
    """done[p] counts steps of piece p; ahead[p] how often it was not behind the piece before."""
    claims.forget(progress)
    for _ in prange(workers):
        piece = claims.claim(progress)
        while piece < pieces:
            for step in range(1, STEPS + 1):
                if piece > 0:
                    claims.wait_for(progress, piece - 1, step)
                    ahead[piece] += done[piece - 1] < step
                done[piece] = step
                claims.tell(progress, piece, step)
            piece = claims.claim(progress)


def shared(workers, pieces=7):
    progress = np.zeros(pieces + 1, dtype=np.int64)
    done, ahead = np.zeros((2, pieces), dtype=np.int64)
    _share(workers, pieces, progress, done, ahead)
    return progress, done, ahead


def test_each_piece_is_done_once_and_follows_the_one_before():
    for workers in (1, 2, 7, 20):
        progress, done, ahead = shared(workers)
        assert (done == STEPS).all() and (progress[1:] == STEPS).all()
        assert not ahead.any()


def test_one_thread_does_all_pieces_alone():
    """However many were asked for: none waits for a thread that never comes."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        _, done, _ = shared(workers=4)
    finally:
        numba.set_num_threads(before)
    assert (done == STEPS).all()
