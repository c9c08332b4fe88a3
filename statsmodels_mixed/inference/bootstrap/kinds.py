"""Ways of making new data like those of a fit, by name."""

from __future__ import annotations

import numpy as np
from scipy.linalg import block_diag

from ...errors import DataError, IdentifiabilityError, check_option
from ...fitting import GaussianModel
from ...simulation import KINDS as RANDOM
from ...simulation import simulate_responses
from ..options import chosen
from .resampling import Clusters, cluster_factor

# Eigenvalues of a covariance below this share of the largest are zero.
RANK = 1e-10


class Parametric:
    """Draws from the fitted distribution.

    Parameters
    ----------
    fit : Fit
    random : {"new", "conditional"}
        New random effects for each draw, or the conditional modes for all.
    """

    takes = frozenset({"random"})

    def __init__(self, fit, random="new"):
        self.fit, self.random = fit, chosen("random", random, RANDOM)

    def replicate(self, refitter, rng, count):
        """Fit `count` draws, a `Replicates`."""
        endog = simulate_responses(self.fit, count, random=self.random, rng=rng)
        return refitter.responses(endog)


class Residual:
    """Draws with replacement from the conditional modes and from the residuals.

    Both are centred, and transformed to have the estimated covariance: they are
    shrunken. Of the modes of a factor, a row (all effects of one level) is drawn.

    Parameters
    ----------
    fit : Fit
    random : {"new", "conditional"}
        Draw modes, or keep them where they are and draw residuals only.

    Notes
    -----
    Carpenter, Goldstein and Rasbash (2003), Journal of the Royal Statistical Society C
    52, 431-443, section 3.2. Of the transformations that give the covariance, theirs
    by Cholesky factors depends on the order of the effects; this one is symmetric and
    moves the modes least.
    """

    takes = frozenset({"random"})

    def __init__(self, fit, random="new"):
        random = chosen("random", random, RANDOM)
        if not isinstance(fit.model, GaussianModel):
            raise DataError(
                "kind='residual' needs residuals of one distribution, which a "
                "generalized model has not; use kind='parametric' or 'case'."
            )
        self.fit, self.random = fit, random
        weights = fit.design.weights
        self._root = 1.0 if weights is None else np.sqrt(weights)
        self.pool = self._residual_pool()
        self.mode_pools = [] if random == "conditional" else self._mode_pools()

    def _residual_pool(self):
        """Residuals of rows of weight 1: mean 0, mean square sigma^2."""
        fit = self.fit
        residual = self._root * (fit.design.endog - fit.fixed_part - fit.random_part)
        residual = residual - residual.mean()
        return residual * np.sqrt(fit.sigma2 / (residual**2).mean())

    def _mode_pools(self):
        """Per grouping factor the terms, and effects (m, K) of all levels."""
        out = []
        for terms in self.fit.design.factors:
            modes = np.hstack([self.fit.modes[t] for t in terms])
            cov = block_diag(*[self.fit.covariances[t] for t in terms])
            group = self.fit.design.terms[terms[0]].group
            out.append((terms, reflated(modes, cov, group)))
        return out

    def draw(self, rng, count):
        """New responses, shape (n, count)."""
        fit = self.fit
        mean = fit.fixed_part
        if self.random == "conditional":
            mean = mean + fit.random_part
        drawn = rng.integers(len(self.pool), size=(count, len(self.pool)))
        out = mean + self.pool[drawn] / self._root
        for terms, pool in self.mode_pools:
            levels = rng.integers(len(pool), size=(count, len(pool)))
            at = 0
            for t in terms:
                term = fit.design.terms[t]
                effects = pool[:, at : at + term.k]
                at += term.k
                rows = levels[:, term.grouping.codes]
                for a in range(term.k):
                    part = effects[:, a][rows]
                    out += part if term.z is None else part * term.z[:, a]
        return out.T

    def replicate(self, refitter, rng, count):
        """Fit `count` draws, a `Replicates`."""
        return refitter.responses(self.draw(rng, count))


def reflated(modes, cov, group):
    """Centred modes, transformed to have a covariance.

    Parameters
    ----------
    modes : ndarray, shape (m, k)
    cov : ndarray, shape (k, k)
    group : str
        Grouping factor, for the message.

    Returns
    -------
    ndarray, shape (m, k)
        Columns have mean 0, and ``out' out / m`` is `cov`.

    Raises
    ------
    IdentifiabilityError
        The modes span fewer directions than there are with variance.

    Examples
    --------
    >>> import numpy as np
    >>> modes = np.array([[1.0], [2.0], [6.0]])
    >>> float(reflated(modes, np.array([[4.0]]), "g").var().round(12))
    4.0
    """
    centred = modes - modes.mean(axis=0)
    root, inverse = _roots(centred.T @ centred / len(modes))
    middle, _ = _roots(root @ cov @ root)
    out = centred @ (inverse @ middle @ inverse)
    gap = np.abs(out.T @ out / len(modes) - cov).max()
    if gap > 1e-6 * max(np.abs(cov).max(), np.finfo(float).tiny):
        raise IdentifiabilityError(
            f"kind='residual': the conditional modes of the {len(modes)} levels of "
            f"{group!r} span fewer directions than the estimated covariance, so draws "
            "from them cannot have it; use kind='parametric'."
        )
    return out


def _roots(cov):
    """Symmetric root of a covariance, and the pseudo-inverse of that root."""
    values, vectors = np.linalg.eigh(cov)
    kept = values > RANK * values[-1]
    roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
    return (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T


class Case:
    """Draws whole clusters with replacement.

    Parameters
    ----------
    fit : Fit
    cluster : str, optional
        Grouping factor whose levels are drawn; the outermost one by default.
    resample_rows : bool
        Draw the rows within each drawn cluster with replacement, too.
    """

    takes = frozenset({"cluster", "resample_rows"})

    def __init__(self, fit, cluster=None, resample_rows=False):
        self.clusters = Clusters(fit.design, cluster_factor(fit.design, cluster))
        self.resample_rows = resample_rows

    def replicate(self, refitter, rng, count):
        """Fit `count` draws, a `Replicates`."""
        number = len(self.clusters)

        def draw(_):
            drawn = rng.integers(number, size=number)
            return self.clusters.take(drawn, rng=rng if self.resample_rows else None)

        return refitter.designs(draw, count)


# clusters are left out by the jackknife, whatever the kind
FOR_ALL = "cluster"
KINDS = {"parametric": Parametric, "residual": Residual, "case": Case}


def make_kind(name, fit, **settings):
    """A way of making new data.

    Parameters
    ----------
    name : {"parametric", "residual", "case"}
    fit : Fit
    **settings
        Of the kind; None for those the user did not give.

    Raises
    ------
    DataError
        No such kind, or a setting it does not take.
    """
    check_option("kind", name, KINDS)
    given = {key: value for key, value in settings.items() if value is not None}
    takes = KINDS[name].takes
    for key in given:
        if key not in takes | {FOR_ALL}:
            known = ", ".join(f"{k}=" for k in sorted(takes))
            raise DataError(f"{key}= is not for kind={name!r}, which takes {known}.")
    return KINDS[name](fit, **{key: given[key] for key in given if key in takes})
