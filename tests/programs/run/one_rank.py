"""An Output on the first rank alone: `one_rank.py FOLDER before|after`.

It is made before or after n.finitialize.
"""

import sys

from support.observed_model import n, rank, rxd, steps

when = sys.argv[2]
if when == "after":
    n.finitialize(-65)
if rank == 0:
    output = rxd.Output(f"{sys.argv[1]}/k.h5", every=0.1)
if when == "before":
    n.finitialize(-65)
steps(1)
