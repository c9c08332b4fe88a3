"""Coefficients of the levels of a grouping factor: each alone, together, in between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...fitting.level_regressions import LevelRegressions, level_products
from ...linalg.basis import orthonormal_basis
from ...prediction.errors import joint_errors

# share of a column that is left when it was regressed on others, below which nothing is
SPANNED = 1e-8


@dataclass(frozen=True, eq=False)
class LevelEstimates:
    """Coefficients of all levels by one method.

    Attributes
    ----------
    estimates : ndarray, shape (m, k)
    variances : ndarray, shape (m, k)
    df : float
        Degrees of freedom of the residual variance; infinite for the normal
        distribution.
    sigma : float
        Residual standard deviation.
    """

    estimates: np.ndarray
    variances: np.ndarray
    df: float
    sigma: float


class LevelModel:
    """A fit seen from the levels of one grouping factor.

    Columns of X that vary in a level like a combination of its varying effects, such as
    these effects themselves and covariates of the level, are coefficients of the level:
    ``X_j = Z_j G_j``. The other columns have the same coefficients in all levels.

    Parameters
    ----------
    fit : Fit
    factor : int
        Number of the grouping factor.

    Attributes
    ----------
    effects : tuple of str
    determined : ndarray of bool, shape (m,)
        Levels that can be fitted alone.
    """

    def __init__(self, fit, factor):
        design = fit.design
        terms = [design.terms[t] for t in design.factors[factor]]
        ones = np.ones((design.nobs, 1))
        z = np.hstack([ones if term.z is None else term.z for term in terms])
        self._fit, self._factor = fit, factor
        self.grouping = terms[0].grouping
        self.effects = tuple(e for term in terms for e in term.effects)
        args = self.grouping.codes, self.grouping.n_levels, design.weights
        self._own = LevelRegressions(z, *args)
        self.determined = self._own.determined
        self._exog = design.mean.exog[:, np.sort(fit.model.coordinates.basis.kept)]
        self._maps, self._rest, self._spanned = self._split(z)

    def _split(self, z):
        """G (m, k, p), what is left of X, and the columns that leave nothing."""
        maps, rest = self._own.regress(self._exog)
        known = self.determined[self.grouping.codes]
        length = np.linalg.norm(self._exog[known], axis=0)
        left = np.linalg.norm(rest[known], axis=0)
        # where no level tells, only the effects themselves are known to be spanned
        same = np.array([[np.array_equal(x, c) for x in z.T] for c in self._exog.T])
        same = same.reshape(self._exog.shape[1], z.shape[1])
        spanned = (left <= SPANNED * length) & (length > 0) | same.any(axis=1)
        self._complete(maps, z, same)
        maps[:, :, ~spanned] = np.where(
            self.determined[:, None, None], maps[:, :, ~spanned], 0.0
        )
        return maps, rest, spanned

    def _complete(self, maps, z, same):
        """G of the levels that cannot be fitted, from the effects used in others."""
        lacking = ~self.determined
        if not lacking.any():
            return
        largest = np.nanmax(np.abs(maps), axis=0, initial=0.0)
        used = largest > SPANNED * largest.max(axis=0)
        rows = lacking[self.grouping.codes]
        codes, z, exog = self.grouping.codes[rows], z[rows], self._exog[rows]
        for column, own in enumerate(same):
            maps[lacking, :, column] = own
            if own.any() or not used[:, column].any():
                continue
            part = z[:, used[:, column]]
            gram, right = (
                level_products(part, other, codes, len(maps))[lacking]
                for other in (part, exog[:, [column]])
            )
            found = np.linalg.pinv(gram, hermitian=True) @ right
            maps[np.ix_(lacking, used[:, column], [column])] = found

    def _response(self):
        offset = self._fit.design.mean.offset
        endog = self._fit.design.endog
        return endog if offset is None else endog - offset

    def others(self):
        """Effects of the other grouping factors at their modes, (n,)."""
        design, modes = self._fit.design, self._fit.modes
        total = np.zeros(design.nobs)
        for t, term in enumerate(design.terms):
            if t not in design.factors[self._factor]:
                own = modes[t][term.grouping.codes]
                total += (own if term.z is None else term.z * own).sum(axis=1)
        return total

    def separate(self, without=0.0):
        """No pooling: coefficients of each level are free, the others are shared.

        Parameters
        ----------
        without : ndarray, shape (n,), optional
            Taken out of the response before, such as `others`.

        Returns
        -------
        LevelEstimates
            NaN in levels that cannot be fitted; the limit of a mixed model for
            variances without bound.
        """
        response = self._response() - without
        slopes, rest = self._own.regress(response[:, None])
        rows = self.determined[self.grouping.codes]
        maps = self._maps[:, :, ~self._spanned]
        shared, e = self._rest[rows][:, ~self._spanned], rest[rows, 0]
        weights = self._fit.design.weights
        weights = np.ones(len(e)) if weights is None else weights[rows]
        if shared.size:
            basis = orthonormal_basis(shared, weights)
            q = basis.apply(shared)
            maps, beta = maps[..., basis.kept] @ basis.linear_map, q.T @ (weights * e)
            slopes = slopes - (maps @ beta)[..., None]
            e = e - q @ beta
        df = len(e) - self.determined.sum() * len(self.effects) - maps.shape[-1]
        sigma2 = weights @ e**2 / df if df > 0 else np.nan
        own = np.diagonal(self._own.inverse(), axis1=1, axis2=2)
        variances = sigma2 * (own + (maps**2).sum(axis=-1))
        sigma = float(np.sqrt(sigma2))
        return LevelEstimates(slopes[..., 0], variances, float(df), sigma)

    def together(self):
        """Complete pooling: least squares without random effects."""
        fit = self._fit
        response, to_user = fit.objective.response, fit.exog_map
        beta = to_user @ response.coefficients
        df = fit.model.cross.nobs - fit.model.cross.rank
        sigma2 = response.unit**2 * response.ee / df
        maps = self._maps[:, :, self._spanned]
        half = to_user[self._spanned]
        variances = sigma2 * _diagonals(maps, half @ half.T)
        estimates = maps @ beta[self._spanned]
        return LevelEstimates(estimates, variances, float(df), float(np.sqrt(sigma2)))

    def partial(self):
        """Partial pooling: fixed effects plus conditional modes.

        Variances are those of ``G_j beta + b_j`` about its prediction, with the
        uncertainty of beta and of b_j given the variance parameters (Henderson 1975,
        Biometrics 31, 423-447): ``C_j + (G_j - B_j X) cov(beta) (G_j - B_j X)'``, C_j
        the conditional covariance and B_j y the conditional mode.
        """
        fit = self._fit
        terms = fit.design.factors[self._factor]
        modes = np.concatenate([fit.modes[t] for t in terms], axis=1)
        maps = np.where(self._spanned, self._maps, 0.0)
        estimates = maps @ fit.beta + modes
        errors = joint_errors(fit)
        conditional = np.diagonal(errors.blocks[self._factor], axis1=1, axis2=2)
        gap = maps @ errors.exog_map + errors.drift[self._factor]
        variances = conditional + _diagonals(gap, errors.parameters)
        sigma = float(np.sqrt(fit.sigma2))
        return LevelEstimates(estimates, variances, np.inf, sigma)


def _diagonals(maps, covariance):
    """Diagonal of ``G_j C G_j'`` for each level, (m, k)."""
    return ((maps @ covariance) * maps).sum(axis=-1)
