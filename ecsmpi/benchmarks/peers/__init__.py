"""Other solvers of the diffusion equation, which `ecsmpi bench peers` sets beside ecsmpi's step.

catalogue.py        which solvers there are, with which scheme each is used
measure.py          the script that measures one of them, in a process of its own
cosine_modes.py     fields whose decay is known, and what each scheme makes of them
with_*.py           one solver each

The script imports `cosine_modes` and one of `with_*.py`, which lie beside it, and not ecsmpi: a
solver may be in an interpreter that has no ecsmpi.
"""
