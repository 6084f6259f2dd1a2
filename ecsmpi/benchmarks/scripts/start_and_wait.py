"""Start a program, wait for it, and print what it took.

    python -S start_and_wait.py PROGRAM ARGUMENTS...

Prints a JSON list: status, seconds, seconds of processors, and ru_maxrss of its largest process.
This process is small, as a child's ru_maxrss is never less than that of the process that starts it.
"""

import json
import os
import sys
import time


def main(argv):
    """Start, wait and print."""
    begin = time.perf_counter()
    null = os.open(os.devnull, os.O_WRONLY)
    no_output = [(os.POSIX_SPAWN_DUP2, null, 1)]
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=no_output)
    _, status, used = os.wait4(pid, 0)
    seconds = time.perf_counter() - begin
    processor = used.ru_utime + used.ru_stime
    print(json.dumps([os.waitstatus_to_exitcode(status), seconds, processor, used.ru_maxrss]))


if __name__ == "__main__":
    main(sys.argv[1:])
