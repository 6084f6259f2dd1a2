"""MPI ranks: started together, ended together, waiting for each other, compiling once a node."""
