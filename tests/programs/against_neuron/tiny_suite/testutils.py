"""As that of NEURON's test/rxd: what tests and their conftest.py import."""

tol = 1e-10


def collect_data(h, rxd, data, save_path):
    """What the fixture `neuron_instance` calls before each step."""
    data["data"].append(h.t)
