"""Scripts for processes of their own, with NEURON or with ecsmpi: the same lines but for the
import.
"""
