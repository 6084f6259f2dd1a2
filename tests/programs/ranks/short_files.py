"""A model whose processes, once MPI has started, can write no file of more than 32 kB."""

from pathlib import Path
import resource
import runpy

import ecsmpi.rxd  # noqa: F401  starts MPI, whose files are long

_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (32 * 1024, most))
runpy.run_path(str(Path(__file__).with_name("decaying.py")))
