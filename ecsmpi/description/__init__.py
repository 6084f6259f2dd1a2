"""What the user has described, checked: boxes, voxels, tissue, species, and who owns what."""
