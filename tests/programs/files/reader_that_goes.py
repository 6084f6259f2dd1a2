"""Ends as `ecsmpi info PATH` does whose reader has gone: `reader_that_goes.py PATH`."""

import subprocess
import sys

code = "import sys; from ecsmpi.cli import main; sys.exit(main(['info', sys.argv[1]]))"
with subprocess.Popen(
    [sys.executable, "-c", code, sys.argv[1]], stdout=subprocess.PIPE
) as process:
    process.stdout.close()
    sys.exit(process.wait())
