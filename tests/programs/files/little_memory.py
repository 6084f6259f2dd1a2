"""Run a command of ecsmpi with little memory: `python little_memory.py MB WORDS`.

It gets so many MB more than it has at its beginning.
"""

from pathlib import Path
import resource
import sys

from ecsmpi.cli import command_parser, main
import ecsmpi.files.checkpoint_folder
import ecsmpi.files.recording
import ecsmpi.files.sonata  # noqa: F401

command_parser()  # loads the commands, which is not what memory is short for
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + int(float(sys.argv[1]) * 1e6)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(main(sys.argv[2:]))
