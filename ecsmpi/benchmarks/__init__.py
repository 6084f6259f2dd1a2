"""Measurements behind `ecsmpi bench`.

They follow the rules of Hoefler and Belli (2015, SC15, "Scientific benchmarking of parallel
computing systems").

problem.py, records.py      what is measured; a JSON line of what came out, with provenance
repetition.py               repetitions, medians and their intervals
bandwidth.py                what memory can do, in the same run
box.py, exchange.py         the measurements of one launch
launches.py                 launches of processes of their own: a list of ranks x threads
against_neuron.py           the same scripts (scripts/) with NEURON and with ecsmpi
scaling.py                  how launches compare
tables.py, pictures.py      what people look at
options.py, commands.py     what can be asked for, and what is then done
"""
