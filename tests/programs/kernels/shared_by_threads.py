"""Share loops among threads in one process: prints a word for each thing that holds.

many     each piece of many loops is done once, by threads in use, however many there are
both     two threads of Python share loops at the same time
signals  threads take no signals
asleep   threads that wait use no core
child    a forked child does loops with one thread, and its parent goes on with several
"""

import os
from pathlib import Path
import signal
import threading
import time

from ecsmpi.kernels import workers
from ecsmpi.kernels.records import INTEGERS
from ecsmpi.solver import threads
from ecsmpi.solver.bodies import Body, loop_over, passing, run
import numpy as np

_pack, _unpack = passing(INTEGERS, INTEGERS)


def _mark_pieces(begin, end, thread, arguments):
    done, by = _unpack(arguments)
    for piece in range(begin, end):
        done[piece] += 1
        by[piece] = thread


@loop_over(Body(_mark_pieces))
def mark(body, done, by):
    """done += 1 for each piece; by: the number of the thread that has done it."""
    run(body, done.size, _pack((done, by)))


def marks_each_once(pieces, count):
    done, by = np.zeros((2, pieces), dtype=np.int64)
    mark(done, by)
    return (done == 1).all() and (by >= 0).all() and (by < count).all()


def many():
    for number in range(6000):
        count = 1 + number % 5
        threads.use(count)
        assert marks_each_once(number % 23, count), number
        if number % 500 == 0:
            time.sleep(0.01)  # long enough for threads to fall asleep
    assert workers.started() == 5


def both():
    threads.use(4)
    held = []

    def loops():
        held.append(all(marks_each_once(50, 4) for _ in range(2000)))

    others = [threading.Thread(target=loops) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert held == [True, True]


def signals():
    main = os.getpid()
    blocked = []
    for task in Path("/proc/self/task").iterdir():
        if int(task.name) != main:
            mask = (task / "status").read_text().partition("SigBlk:\t")[2].split()[0]
            blocked.append(bool(int(mask, 16) >> (signal.SIGINT - 1) & 1))
    assert sum(blocked) >= workers.started() - 1, blocked


def asleep():
    threads.use(4)
    assert marks_each_once(100, 4)
    began = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - began < 0.2


def child():
    before = workers.started()
    child = os.fork()
    if child == 0:
        threads.use(3)
        os._exit(0 if marks_each_once(1000, 1) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    threads.use(3)
    assert workers.started() == before
    assert marks_each_once(1000, 3)


for check in (many, both, signals, asleep, child):
    check()
    print(check.__name__, end=" ", flush=True)
