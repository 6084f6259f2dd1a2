"""A script whose first start compiles, as numba does into its folder: `starts.py --own`."""

import os
import sys

assert sys.argv[1:] == ["--own"]
folder = os.environ["NUMBA_CACHE_DIR"]
if not os.path.isdir(folder):
    os.mkdir(folder)
    compiler = bytearray(300_000_000)
    compiler[::4096] = bytes(len(compiler[::4096]))
    print(sum(range(20_000_000)))
