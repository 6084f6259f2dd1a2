"""Prints how many frames a file has, and the sum of k: `read_frames.py PATH`."""

import sys

from ecsmpi.files.recording import load

recording = load(sys.argv[1])
print(len(recording), recording["k"].sum())
