"""Cluster-robust covariance of the fixed effects of a linear mixed model.

``M [sum_i E_i e_i e_i' E_i'] M`` with ``E_i = X_i' V_i^-1 A_i``: V_i is the fitted
covariance of cluster i relative to sigma^2, e_i its residuals ``y - X beta``, M the
inverse of ``X' V^-1 X``, and A_i the adjustment of the kind (Bell and McCaffrey 2002,
Survey Methodology 28, 169-181; Pustejovsky and Tipton 2018, Journal of Business and
Economic Statistics 36, 672-683, section 2; as in the R package clubSandwich).

Everything happens in the span of the columns of ``[Z_i Lambda, X_i]``: off it V_i is
the identity and X_i is zero, so A_i is the identity there and E_i zero. With prior
weights this holds for rows times the roots of their weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ...errors import DataError, MixedModelWarning, check_option, warn_user
from ...fitting.fit import Fit
from .clusters import cluster_blocks, cluster_grouping
from .wald import FTest, independent

# A cluster that leaves less than this share of a variance of its own residuals has
# determined a fixed effect, or a combination of them, alone.
NOTHING_LEFT = 1e-8
STACK = 1 << 21  # numbers in arrays over clusters and rows
SHOWN = 3


def _transposed(stack):
    return np.swapaxes(stack, -1, -2)


class _Whitened:
    """Clusters in coordinates of their residual variance.

    With the symmetric root S of V and ``U = S^-1 X L``, ``LL' = M``, the residuals have
    the covariance ``S (I - UU') S``; squared singular values of U are the leverages.
    """

    def __init__(self, blocks, half):
        values, vectors = np.linalg.eigh(blocks.covariance)
        roots = np.sqrt(values)[:, None, :]
        self.root = (vectors * roots) @ _transposed(vectors)
        self.covariance = blocks.covariance
        self.exog = ((vectors / roots) @ _transposed(vectors)) @ blocks.exog
        self.left, s, self.right = np.linalg.svd(self.exog @ half, full_matrices=False)
        self.singular = s
        self.rest = np.clip(1.0 - s**2, 0.0, None)
        self.lost = self.rest < NOTHING_LEFT
        self.half = half


def _unadjusted(blocks, half):
    """A = I."""
    return _transposed(np.linalg.solve(blocks.covariance, blocks.exog)), None


def _unbiased(blocks, half):
    """A = S B^{+1/2} S with ``B = S R S``, R the covariance of the residuals.

    The symmetric solution of ``A R A = V`` where R is regular (Pustejovsky and Tipton
    2018, equation 8). B is KK' with ``K = V (I - UU')^{1/2}``, whose singular values
    lose fewer digits than the eigenvalues of B.
    """
    own = _Whitened(blocks, half)
    shrunk = np.where(own.lost, 0.0, np.sqrt(own.rest)) - 1.0
    factor = (own.left * shrunk[:, None, :]) @ _transposed(own.left)
    u, s, _ = np.linalg.svd(own.covariance + own.covariance @ factor)
    kept = np.arange(s.shape[-1]) < s.shape[-1] - own.lost.sum(axis=-1)[:, None]
    inverse = np.where(kept, 1.0, 0.0) / np.where(kept, s, 1.0)
    power = (u * inverse[:, None, :]) @ _transposed(u)
    return _transposed(own.exog) @ power @ own.root, own.lost.any(axis=-1)


def _jackknife(blocks, half):
    """``A = (I - H)^-1``, so ``E = X'R^-1``: each cluster left out in turn."""
    own = _Whitened(blocks, half)
    gain = np.where(own.lost, 0.0, own.singular) / np.where(own.lost, 1.0, own.rest)
    inner = _transposed(np.linalg.solve(own.root, own.left)) * gain[..., None]
    right = np.linalg.solve(half.T, _transposed(own.right))
    return right @ inner, own.lost.any(axis=-1)


class Kind(NamedTuple):
    """An adjustment: matrices E_i of clusters, and a fraction that multiplies all."""

    matrices: object
    fraction: object  # of numbers of clusters m, rows n and fixed effects p


KINDS = {
    "CR0": Kind(_unadjusted, lambda m, n, p: (1, 1)),
    "CR1": Kind(_unadjusted, lambda m, n, p: (m, m - 1)),
    "CR1p": Kind(_unadjusted, lambda m, n, p: (m, m - p)),
    "CR1S": Kind(_unadjusted, lambda m, n, p: (m * (n - 1), (m - 1) * (n - p))),
    "CR2": Kind(_unbiased, lambda m, n, p: (1, 1)),
    "CR3": Kind(_jackknife, lambda m, n, p: (1, 1)),
}


@dataclass(frozen=True, eq=False)
class ClusterRobust:
    """Cluster-robust covariance of the fixed effects, and tests by it.

    Attributes
    ----------
    cov : ndarray, shape (p, p)
        In the order of `Fit.beta`, columns that are aliased left out.
    expected : ndarray, shape (p, p)
        Its expectation if the fitted covariance of the response is right: exactly the
        model's own covariance of the fixed effects for ``"CR2"``.
    kind : str
    group : str
        What the clusters are.
    n_clusters : int
    singular_clusters : tuple of str
        Clusters that determine a fixed effect alone. Its variance cannot be learned
        from residuals, and the covariance is too small for it.
    beta : ndarray, shape (p,)
    """

    cov: np.ndarray
    expected: np.ndarray
    kind: str
    group: str
    n_clusters: int
    singular_clusters: tuple
    beta: np.ndarray
    # no number of degrees of freedom that would hold for all contrasts
    constant_df = None
    # M cov(E_i e_i, E_j e_j) M is [i = j] spread_i - shared_i shared_j' if the fitted
    # covariance is right, (m, p, p) each
    _spread: np.ndarray = field(repr=False)
    _shared: np.ndarray = field(repr=False)

    def __repr__(self):
        return (
            f"Cluster-robust covariance ({self.kind}) of {len(self.beta)} fixed "
            f"effects, {self.n_clusters} clusters ({self.group})"
        )

    def df(self, matrix):
        """Satterthwaite degrees of freedom of the t test of each row.

        Parameters
        ----------
        matrix : array_like, shape (r, p) or (p,)

        Returns
        -------
        ndarray, shape (r,)
            ``2 E(v)^2 / Var(v)`` of the variance estimate v of each row under the
            fitted covariance (Bell and McCaffrey 2002, section 4; Pustejovsky and
            Tipton 2018, section 3.1); nan where v is always zero.
        """
        rows = self._rows(matrix)
        most = max(1, STACK // self._shared[..., 0].size)
        parts = [self._row_df(rows[i : i + most]) for i in range(0, len(rows), most)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _row_df(self, rows):
        """`_dimensions` of each row alone."""
        v = ((rows @ self._spread) * rows).sum(axis=-1)
        k = (rows @ self._shared).swapaxes(0, 1)
        kk = (k * k).sum(axis=-1).T
        total = (v * (v - 2.0 * kk)).sum(axis=0)
        total += ((_transposed(k) @ k) ** 2).sum(axis=(1, 2))
        mean = (v - kk).sum(axis=0)
        known = mean > 0
        return np.where(known, mean**2 / np.where(known, total, 1.0), np.nan)

    def f_test(self, matrix, value=0.0):
        """Joint test of ``matrix @ beta = value``, with Hotelling's T squared.

        Parameters
        ----------
        matrix : array_like, shape (r, p)
            Rows that are combinations of others do not count.
        value : array_like, shape (r,), optional

        Returns
        -------
        FTest
            Approximate Hotelling test, HTZ of Pustejovsky and Tipton (2018, section
            3.2): ``(nu - q + 1) / (nu q) Q`` on q and ``nu - q + 1`` degrees of
            freedom, Q Wald's statistic. Statistic and p-value are nan where there are
            too few clusters for q rows.
        """
        matrix = self._rows(matrix)
        # by the expected covariance: with few clusters the estimate has a lower rank
        turn, _ = independent(matrix, self.expected)
        q = len(turn)
        if not q:
            return FTest(np.nan, 0, np.nan, np.nan)
        rows = turn @ matrix
        nu = self._dimensions(rows)
        denom = nu - q + 1.0
        if not denom > 0:
            return FTest(np.nan, q, float(denom), np.nan)
        effect = turn @ (matrix @ self.beta - value)
        wald = effect @ np.linalg.solve(rows @ self.cov @ rows.T, effect)
        return FTest.of(denom / (nu * q) * wald, q, denom)

    def _rows(self, matrix):
        rows = np.atleast_2d(np.asarray(matrix, dtype=float))
        if rows.ndim != 2 or rows.shape[1] != len(self.beta):
            raise DataError(
                f"The matrix of a hypothesis has shape {np.shape(matrix)}; it needs "
                f"{len(self.beta)} columns, one per fixed effect."
            )
        return rows

    def _dimensions(self, rows):
        """Degrees of freedom nu of the covariance of q independent rows.

        ``q (q + 1) / sum_ij [tr(P_ij P_ij) + tr(P_ij)^2]`` in coordinates where the
        expected covariance is I, P_ij (q, q) the covariance of what clusters i and j
        contribute. It is ``[i = j] v_i - k_i k_j'``, so sums over pairs are sums over
        clusters.
        """
        q = len(rows)
        expected = rows @ self.expected @ rows.T
        if not np.all(np.linalg.eigvalsh(expected) > 0):
            return np.nan
        rows = np.linalg.solve(np.linalg.cholesky(expected), rows)
        v, k = rows @ self._spread @ rows.T, rows @ self._shared
        kk = k @ _transposed(k)
        flat = k.reshape(len(k), -1)
        pairs = (flat.T @ flat).reshape(2 * k.shape[1:])
        total = (v * v).sum() - 2.0 * (v * kk).sum()
        total += (pairs * pairs.transpose(2, 1, 0, 3)).sum()
        traces = np.trace(v, axis1=1, axis2=2)
        total += (traces * (traces - 2.0 * np.trace(kk, axis1=1, axis2=2))).sum()
        total += (pairs * pairs).sum()
        return q * (q + 1) / total


def cluster_robust(fit, groups=None, kind="CR2"):
    """Cluster-robust covariance of the fixed effects of a linear mixed model.

    Parameters
    ----------
    fit : Fit
    groups : None, str, Grouping or array_like, shape (n,)
        Clusters, which must hold the groups of all random effects: labels of the rows,
        or a grouping factor of the model; by default that which all others are
        nested in.
    kind : {"CR2", "CR0", "CR1", "CR1p", "CR1S", "CR3"}
        ``CR0`` is the plain sandwich, too small with few clusters. ``CR1``, ``CR1p``
        and ``CR1S`` multiply it by ``m/(m-1)``, ``m/(m-p)`` and
        ``m(n-1)/((m-1)(n-p))`` for m clusters. ``CR2`` is unbiased if the fitted
        covariance of the response is right; ``CR3`` is close to the jackknife.

    Returns
    -------
    ClusterRobust

    Raises
    ------
    DataError
        Not a linear mixed model, no clusters that hold all groups, or too few.

    Notes
    -----
    With prior weights A_i is symmetric for rows times the roots of their weights:
    ``CR2`` is unbiased all the same, and means of rows, weighted by their numbers, have
    the covariance of the rows. clubSandwich's A_i is symmetric for the rows as they
    are; figures differ a little.

    Examples
    --------
    >>> import numpy as np
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> fit = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit().fit_record
    >>> robust = cluster_robust(fit)
    >>> robust
    Cluster-robust covariance (CR2) of 2 fixed effects, 18 clusters (Subject)
    >>> np.sqrt(np.diag(robust.cov)).round(3).tolist()
    [6.825, 1.546]
    >>> robust.df(np.eye(2)).round(6).tolist()
    [17.0, 17.0]
    """
    check_option("kind", kind, tuple(KINDS))
    if not isinstance(fit, Fit):
        raise DataError(
            "Cluster-robust covariances are for linear mixed models; for a generalized "
            "one bootstrap whole clusters."
        )
    clusters = cluster_grouping(fit, groups)
    factor = _factor(kind, clusters, fit)
    basis = fit.model.cross.basis
    linear = basis.linear_map[np.argsort(basis.kept)]
    bread = np.linalg.inv(fit.evaluation.precision)
    half = np.linalg.cholesky(bread)
    m, p = clusters.n_levels, len(bread)
    scores, lost = np.empty((m, p)), np.zeros(m, dtype=bool)
    spread, shared = np.empty((2, m, p, p))
    for blocks in cluster_blocks(fit, clusters):
        e, singular = KINDS[kind].matrices(blocks, half)
        e, at = np.sqrt(factor) * (linear @ bread) @ e, blocks.places
        scores[at] = (e @ blocks.resid[..., None])[..., 0]
        spread[at] = fit.sigma2 * (e @ blocks.covariance @ _transposed(e))
        shared[at] = np.sqrt(fit.sigma2) * (e @ blocks.exog @ half)
        lost[at] = False if singular is None else singular
    return ClusterRobust(
        cov=scores.T @ scores,
        expected=(spread - shared @ _transposed(shared)).sum(axis=0),
        kind=kind,
        group=clusters.name,
        n_clusters=m,
        singular_clusters=_warned(clusters.labels()[lost], kind),
        beta=fit.beta,
        _spread=spread,
        _shared=shared,
    )


def cluster_covariance(fit, groups=None, kind="CR2"):
    """Cluster-robust covariance matrix (p, p); see `cluster_robust`."""
    return cluster_robust(fit, groups, kind).cov


def _factor(kind, clusters, fit):
    m, p = clusters.n_levels, len(fit.beta)
    above, below = KINDS[kind].fraction(m, fit.design.nobs, p)
    if below <= 0:
        raise DataError(
            f"kind={kind!r} needs more clusters than fixed effects; {clusters.name!r} "
            f"has {m} for {p}. Use 'CR2'."
        )
    return above / below


def _warned(labels, kind):
    """Labels of clusters that determine a fixed effect alone, and a warning of them."""
    labels = tuple(map(str, labels))
    if labels:
        more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
        warn_user(
            f"Some fixed effects are determined by one cluster alone "
            f"({', '.join(labels[:SHOWN])}{more}), whose residuals say nothing of "
            f"their variance: {kind} standard errors of these are too small. Use the "
            "model's own, or larger groups.",
            MixedModelWarning,
        )
    return labels
