"""What the user described, checked: boxes, voxels, tissue, ions, and who owns which planes. Numbers
only.
"""
