"""Stacks of small matrices, worked on all at once."""

from __future__ import annotations

import numpy as np

# A singular factor is nudged inside by this much (relative to sigma) for what is
# defined as a limit from inside, such as the derivative in the covariance.
NUDGE = 1e-7
# One wide product is faster than many tiny ones up to this width, for that many numbers
WIDEST, MANY = 16, 1000


def spd_inverse(a):
    """Inverse and log-determinant of a stack of symmetric positive definite matrices.

    Parameters
    ----------
    a : ndarray, shape (..., k, k)
        Symmetric positive definite; not modified.

    Returns
    -------
    inverse : ndarray, shape (..., k, k)
    logdet : ndarray, shape (...)

    Notes
    -----
    One symmetric sweep per row (Goodnight 1979, The American Statistician 33,
    149-158), so the number of array operations depends on k alone: for the k of
    a random-effects term this is many times faster than one LAPACK call a matrix.

    Examples
    --------
    >>> import numpy as np
    >>> inverse, logdet = spd_inverse(np.array([[[2.0, 1.0], [1.0, 1.0]]]))
    >>> inverse[0].tolist(), float(logdet[0])
    ([[1.0, -1.0], [-1.0, 2.0]], 0.0)
    """
    k = a.shape[-1]
    if k == 1:
        return 1.0 / a, np.log(a[..., 0, 0])
    work = a.copy()
    determinant = np.ones(a.shape[:-2])
    logdet = np.zeros(a.shape[:-2])
    for j in range(k):
        pivot = work[..., j, j].copy()
        # the product stays in range for the k and pivots >= 1 of D = L'CL + I
        determinant *= pivot
        if j % 8 == 7:
            logdet += np.log(determinant)
            determinant[...] = 1.0
        column = work[..., :, j].copy()
        row = work[..., j, :] / pivot[..., None]
        work -= column[..., :, None] * row[..., None, :]
        work[..., j, :] = row
        work[..., :, j] = -column / pivot[..., None]
        work[..., j, j] = 1.0 / pivot
    logdet += np.log(determinant)
    return work, logdet


def solve_semidefinite(a, b):
    """``a^-1 b``, by least squares where rounding has left `a` singular.

    Parameters
    ----------
    a : ndarray, shape (k, k)
        Symmetric positive semidefinite.
    b : ndarray, shape (k,) or (k, columns)

    Examples
    --------
    >>> import numpy as np
    >>> solve_semidefinite(np.array([[2.0, 0.0], [0.0, 0.0]]), np.ones(2)).tolist()
    [0.5, 0.0]
    """
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(a, b)[0]


def congruence(factor, blocks):
    """``factor' B factor`` for every block B of a stack.

    Parameters
    ----------
    factor : ndarray, shape (..., k, j)
    blocks : ndarray, shape (..., m, k, k)
        Leading axes broadcast against those of `factor`.

    Returns
    -------
    ndarray, shape (..., m, j, j)

    Notes
    -----
    ``vec(F'BF) = (F kron F)' vec(B)``: one matrix product over all blocks.

    Examples
    --------
    >>> import numpy as np
    >>> congruence(np.array([[2.0]]), np.array([[[3.0]]])).tolist()
    [[[12.0]]]
    """
    k, j = factor.shape[-2:]
    if k == 1 and j == 1:
        return blocks * (factor * factor)[..., None, :, :]
    kron = factor[..., :, None, :, None] * factor[..., None, :, None, :]
    kron = kron.reshape(*factor.shape[:-2], k * k, j * j)
    flat = blocks.reshape(*blocks.shape[:-2], k * k) @ kron
    return flat.reshape(*flat.shape[:-1], j, j)


def stacked_product(a, b):
    """Product of two stacks of small matrices, (..., i, j) by (..., j, l)."""
    if a.shape[-1] == 1:
        return a * b
    return a @ b


def shared_product(matrix, blocks):
    """One small matrix times all blocks of a replicate.

    Parameters
    ----------
    matrix : ndarray, shape (..., k, k)
    blocks : ndarray, shape (..., m, k, c)

    Returns
    -------
    ndarray, shape (..., m, k, c)

    Notes
    -----
    Products of many tiny matrices spend their time on starting; for few columns one
    product with ``matrix kron I`` does all blocks at once.

    Examples
    --------
    >>> import numpy as np
    >>> shared_product(np.array([[0.0, 1.0], [2.0, 0.0]]), np.ones((1, 2, 1))).tolist()
    [[[1.0], [2.0]]]
    """
    k, c = blocks.shape[-2:]
    if k == 1:
        return matrix[..., None, :, :] * blocks
    if k * c > WIDEST or blocks.size < MANY:
        return matrix[..., None, :, :] @ blocks
    turned = np.swapaxes(matrix, -1, -2)
    wide = turned[..., :, None, :, None] * np.eye(c)[:, None, :]
    wide = wide.reshape(*matrix.shape[:-2], k * c, k * c)
    flat = blocks.reshape(*blocks.shape[:-2], k * c) @ wide
    return flat.reshape(*flat.shape[:-1], k, c)


def symmetric_part(a):
    """``(a + a') / 2`` over the last two axes."""
    return 0.5 * (a + np.swapaxes(a, -1, -2))


def inside(factor):
    """The triangular factor with zeros on its diagonal replaced by `NUDGE`."""
    i = np.arange(factor.shape[-1])
    diagonal = factor[..., i, i]
    small = np.abs(diagonal) < NUDGE
    if not small.any():
        return factor
    out = factor.copy()
    out[..., i, i] = np.where(small, NUDGE, diagonal)
    return out
