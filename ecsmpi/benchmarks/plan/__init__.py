"""What a run will cost, for `ecsmpi plan`.

step_model.py        memory of a rank and time of a step, from counts and the machine's costs
calibration.py       the machine's costs, fitted to records of `ecsmpi bench`
cross_validation.py  how well the model fits steps that it was not fitted to
plan_table.py        the table for ever more nodes, and what to take
"""
