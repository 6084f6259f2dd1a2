"""Rate laws, their derivatives and code, and a step of reactions in the voxels of a slab."""
