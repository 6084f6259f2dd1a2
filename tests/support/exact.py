"""What the tests of diffusion compare with: dense algebra, modes, the heat equation."""

import itertools
import math

import numpy as np


def second_difference(n, r):
    """Return A of one axis as a dense matrix (n, n), without flux at the ends.

    A is r times the second difference.
    """
    difference = np.diff(np.eye(n), axis=0)  # (n - 1, n): gradient across the inner faces
    return -r * difference.T @ difference


def along(axis, matrix, u):
    return np.moveaxis(np.tensordot(matrix, u, (1, axis)), 0, axis)


def border_of(shape):
    """Mask of the voxels on the box's faces."""
    inner = np.zeros(shape, dtype=bool)
    inner[1:-1, 1:-1, 1:-1] = True
    return ~inner


def dense_step(u, r, sources, wall=None):
    """Return u + d with (1 - Ax/2)(1 - Ay/2)(1 - Az/2) d = (Ax + Ay + Az) u + sources.

    At walls d = wall - u.

    u, sources: (nx, ny, nz) mM. r: (3,) D dt/h2.
    """
    operators = [second_difference(n, each) for n, each in zip(u.shape, r)]
    d = sources + sum(along(axis, operator, u) for axis, operator in enumerate(operators))
    border = border_of(u.shape) & (wall is not None)
    for axis, operator in enumerate(operators):
        d[border] = 0.0 if wall is None else (wall - u)[border]
        half_step = np.eye(len(operator)) - operator / 2
        if wall is not None:
            for end in (0, -1):
                half_step[end] = np.eye(len(operator))[end]
        solved = np.linalg.solve(half_step, np.moveaxis(d, axis, 0).reshape(len(operator), -1))
        d = np.moveaxis(solved.reshape(np.moveaxis(d, axis, 0).shape), 0, axis).copy()
    d[border] = 0.0 if wall is None else (wall - u)[border]
    return u + d


def varying_operator(axis, alpha, permeability, rule, d, h, dt):
    """Return A of one axis of varying tissue as a dense matrix (voxels, voxels).

    It is made flux by flux, without flux at the box's faces.
    """
    index = np.arange(alpha.size).reshape(alpha.shape)
    i = np.delete(index, -1, axis).reshape(-1)
    j = np.delete(index, 0, axis).reshape(-1)  # the next higher voxel
    a, p = alpha.reshape(-1), permeability.reshape(-1)
    if rule == "neuron":
        conductance = p[j] * 2 * a[i] * a[j] / (a[i] + a[j])
    else:
        conductance = 2 / (1 / (a[i] * p[i]) + 1 / (a[j] * p[j]))
    flux = conductance * d * dt / h**2
    matrix = np.zeros((alpha.size, alpha.size))
    np.add.at(matrix, (i, j), flux / a[i])
    np.add.at(matrix, (i, i), -flux / a[i])
    np.add.at(matrix, (j, i), flux / a[j])
    np.add.at(matrix, (j, j), -flux / a[j])
    return matrix


def varying_step(u, alpha, permeability, rule, d, spacing, dt, given, faces, t):
    """Take a step as dense_step does, in varying tissue and with any condition at each face.

    given: mM times volume fraction.
    """
    index, a = np.arange(u.size).reshape(u.shape), alpha.reshape(-1)
    a_times_p = a * permeability.reshape(-1)
    tissue = alpha, permeability, rule
    operators = [
        varying_operator(axis, *tissue, d[axis], spacing[axis], dt) for axis in range(3)
    ]
    flat, baths, held = u.reshape(-1), np.zeros(u.size), {}
    for face in reversed(range(6)):
        axis, upper = divmod(face, 2)
        voxels = index.take(-upper, axis).reshape(-1)
        condition = faces[face]
        if hasattr(condition, "permeability"):
            inside = spacing[axis] / (2 * d[axis] * a_times_p[voxels])
            through = 1 / (1 / condition.permeability + inside)
            rate = through * dt / spacing[axis] / a[voxels]
            np.add.at(operators[axis], (voxels, voxels), -rate)
            baths[voxels] += rate * condition.at(t, dt)
        elif condition is not None:
            held.update(dict.fromkeys(voxels.tolist(), condition.at(t, dt)))
    at, values = np.array(list(held), dtype=int), np.array(list(held.values()))
    d_u = sum(operators) @ flat + baths + given.reshape(-1) / a
    for operator in operators:
        half_step = np.eye(u.size) - operator / 2
        half_step[at] = np.eye(u.size)[at]
        d_u[at] = values - flat[at]
        d_u = np.linalg.solve(half_step, d_u)
    return (flat + d_u).reshape(u.shape)


def cosine_mode(shape, waves):
    """Return the product of cos(pi m (i + 1/2)/n), an eigenvector of every A.

    Its largest value is near 1.
    """
    lines = []
    for n, m in zip(shape, waves):
        lines.append(np.cos(np.pi * m * (np.arange(n) + 0.5) / n))
    return np.einsum("i,j,k->ijk", *lines)


def cosine_factor(shape, waves, r):
    """Return the factor by which one step multiplies a cosine mode."""
    a = np.array(r) * 4 * np.sin(np.pi * np.array(waves) / (2 * np.array(shape))) ** 2
    return 1 - a.sum() / np.prod(1 + a / 2)


def _integrated_erf(x):
    return x * math.erf(x) + math.exp(-x * x) / math.sqrt(math.pi)


def spread_block(n, length, block, d, t):
    """Return voxel averages (n,) at time t of a block that spreads in a closed interval.

    The block `block` = (a, b) of (0, length) was 1 at the start.

    The block and its mirror images at both ends spread freely, each end as erf(x / sqrt(4 d t)).
    """
    width = math.sqrt(4 * d * t)
    total = np.zeros(n)
    faces = np.linspace(0, length, n + 1)
    edges = ((block[0], 1), (block[1], -1))
    for m, sign, (edge, up) in itertools.product(range(-6, 7), (1, -1), edges):
        image = sign * edge + 2 * m * length
        heights = [_integrated_erf((x - image) / width) for x in faces]
        total += up * sign * width / 2 * np.diff(heights) * n / length
    return total
