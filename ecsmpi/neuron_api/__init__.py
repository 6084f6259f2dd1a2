"""The gate to NEURON: the one package that knows NEURON's import order, memory and private names.

`symbols` lists every such name. All other packages use plain names from here.
"""
