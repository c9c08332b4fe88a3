"""One pass over the rows: cross-products of [Z X y], in coordinates fit for them.

Nothing after this stage touches a row again, apart from fitted values. Columns of
X are orthonormalised, columns of z are brought to mean square 1 in coordinates
their covariance structure allows, and the response is replaced by its residual on
X, which changes neither the profiled deviance nor theta (only beta, by a known
amount): cross-products of raw columns would lose all digits at ``y + 1e9``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..linalg import BlockSystem
from ..linalg.basis import chunks
from .check import check_residual
from .coordinates import Coordinates, gram, level_sums, weighted


@dataclass(frozen=True)
class ResponseProducts:
    """Cross-products that involve the response; leading axes are responses.

    Attributes
    ----------
    ze : ndarray, shape (..., q)
        ``Z'We`` in elimination order, e the residual of the response on X divided
        by its root mean square.
    ee : ndarray, shape (...)
        ``e'We``.
    coefficients : ndarray, shape (..., p)
        Least-squares coefficients on the orthonormal columns, of the response as
        it is.
    unit : ndarray, shape (...)
        The root mean square that e was divided by.
    """

    ze: np.ndarray
    ee: np.ndarray
    coefficients: np.ndarray
    unit: np.ndarray

    def select(self, index):
        """Those of some of the responses, or of one."""
        parts = self.ze, self.ee, self.coefficients, self.unit
        return ResponseProducts(*(part[index] for part in parts))


class CrossProducts:
    """Cross-products of a design's mean predictor.

    Parameters
    ----------
    design : Design

    Attributes
    ----------
    nobs, rank : int
        Rows, and columns of X that are not aliased.
    basis : Basis
        Coordinates of X.
    maps : tuple of ndarray, shape (k, k)
        Per term, L with ``z L`` the coordinates used here; ``b = L b'``.
    factors : tuple of tuple of int
        Terms amalgamated by grouping factor.
    system : BlockSystem
        Z'WZ.
    zx : ndarray, shape (q, rank)
        ``Z'WQ``, Q the orthonormal columns.
    sum_log_weights : float
    """

    def __init__(self, design):
        self._design = design
        self.nobs = design.nobs
        weights = design.weights
        self.sum_log_weights = 0.0 if weights is None else float(np.log(weights).sum())
        self._coordinates = Coordinates(design, weights)
        self.factors, self.maps = self._coordinates.factors, self._coordinates.maps
        self.basis = self._coordinates.basis
        self.rank = len(self.basis.kept)
        pairs = self._coordinates.pairs()
        self.system = BlockSystem(gram(self._coordinates, pairs, weights))
        self.zx = self._with_exog()

    def _weighted(self, values):
        return weighted(values, self._design.weights)

    def _sums(self, f, values):
        """Sums of ``w z_a values`` over the rows of each level, (m, k)."""
        return level_sums(self._coordinates, f, self._weighted(values))

    def _with_exog(self):
        exog, basis = self._design.mean.exog, self.basis
        out = np.empty((self.system.width, self.rank))
        for j, (column, shift) in enumerate(zip(basis.kept, basis.shift, strict=True)):
            values = exog[:, column] - shift
            for f, part in enumerate(self.system.slices):
                out[part, j] = self._sums(f, values).ravel()
        return out @ basis.transform

    def response(self, endog):
        """Cross-products of a response, or of many.

        Parameters
        ----------
        endog : ndarray, shape (n,) or (n, R)
            Offsets already subtracted.

        Returns
        -------
        ResponseProducts
            With a leading axis of length R for two-dimensional input.
        """
        columns = endog[:, None] if endog.ndim == 1 else endog
        coefficients, e = self._project(columns)
        largest = np.maximum(np.abs(e).max(axis=1), np.finfo(float).tiny)
        unit = largest * np.sqrt(((e / largest[:, None]) ** 2).mean(axis=1))
        check_residual(unit, columns)
        e /= unit[:, None]
        ee = np.array([self._weighted(c) @ c for c in e])
        ze = np.empty((len(e), self.system.width))
        for r, column in enumerate(e):
            for f, part in enumerate(self.system.slices):
                ze[r, part] = self._sums(f, column).ravel()
        if endog.ndim == 1:
            return ResponseProducts(ze[0], ee[0], coefficients[0], unit[0])
        return ResponseProducts(ze, ee, coefficients, unit)

    def _project(self, columns):
        """Least squares on X: coefficients (R, rank) and residuals (R, n).

        Twice: where the response is huge beside its residuals, the second round
        takes what rounding left of the first.
        """
        e = np.array(columns.T, dtype=float, order="C")
        total = np.zeros((len(e), self.rank))
        weights, exog = self._design.weights, self._design.mean.exog
        centre = self._centre(e)
        if centre is not None:
            e -= centre[:, None]
            total[:, 0] += centre * self._constant_coefficient
        for _ in range(2):
            change = np.zeros_like(total)
            for rows in chunks(self.nobs):
                q = self.basis.apply(exog[rows])
                part = e[:, rows]
                change += (part if weights is None else part * weights[rows]) @ q
            for rows in chunks(self.nobs):
                e[:, rows] -= change @ self.basis.apply(exog[rows]).T
            total += change
        return total, e

    @cached_property
    def _constant_coefficient(self):
        """Coefficient on the first orthonormal column of a column of ones."""
        value = self.basis.constant_value
        return 1.0 / (value * self.basis.transform[0, 0])

    def _centre(self, e):
        """A number near each response, where X holds a constant to absorb it."""
        if self.basis.constant != 0:
            return None
        return e.mean(axis=1)

    @cached_property
    def logdet_exog(self):
        """``log|X'X|`` of the user's columns against the orthonormal ones."""
        return -2.0 * np.log(np.abs(np.diag(self.basis.transform))).sum()

    def has_constant(self):
        """Whether a column of ones is a combination of the columns of X."""
        if self.basis.constant >= 0:
            return True
        if not self.rank:
            return False
        _, rest = self._project(np.ones((self.nobs, 1)))
        return bool((np.abs(rest) < 1e-8).all())
