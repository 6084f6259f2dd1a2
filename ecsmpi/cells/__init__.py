"""What happens at the cells: segments, their ions, fluxes, and reactions at membranes."""
