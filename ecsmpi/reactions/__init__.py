"""Rate laws, their derivatives and compiled code, and a step of reactions in a slab."""
