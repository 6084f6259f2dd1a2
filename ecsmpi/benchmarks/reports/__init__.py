"""Records of `ecsmpi bench` as tables and as pictures.

tables.py       tables of text
peer_table.py   the tables of other solvers
pictures.py     speed-up, efficiency and phases, drawn
scaling.py      how records on different numbers of cores compare
"""
