"""Tests of fixed effects in many simulated responses at once, by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from ...errors import DataError
from ...simulation import simulate_responses
from ..fixed_effects.df_methods import df_method_name, fixed_tests
from .refitting import Refitter, Replicates

# fits from which degrees of freedom are learnt
DF_DRAWS = 20


class _Figures:
    """Estimates and standard errors of some fixed effects."""

    batched = True

    def __init__(self, places):
        self.places, self.names = places, [None] * (2 * len(places))

    def __call__(self, fit):
        variances = np.diagonal(fit.cov_beta, axis1=-2, axis2=-1)
        parts = fit.beta[..., self.places], np.sqrt(variances[..., self.places])
        return np.concatenate(parts, axis=-1)


class _Tests:
    """Degrees of freedom or p-values of some fixed effects, of single fits."""

    batched = False

    def __init__(self, places, df_method):
        self.places, self.df_method = places, df_method
        self.names = [None] * len(places)

    def _tests(self, fit):
        return fixed_tests(fit, self.df_method), np.eye(len(fit.beta))[self.places]


class _Freedom(_Tests):
    def __call__(self, fit):
        tests, rows = self._tests(fit)
        return tests.df(rows)


class _PValues(_Tests):
    """p-values of all effects, then their degrees of freedom."""

    def __init__(self, places, df_method):
        super().__init__(places, df_method)
        self.names = [None] * (2 * len(places))

    def __call__(self, fit):
        tests, rows = self._tests(fit)
        found = [tests.f_test(row[None]) for row in rows]
        return np.array([*(t.pvalue for t in found), *(t.df_denom for t in found)])


class _Deviance:
    """Minus twice the log-likelihood."""

    batched = True
    names = (None,)

    def __call__(self, fit):
        return fit.deviance[..., None]


class Wald:
    """t tests whose degrees of freedom are computed once.

    They are the median over fits of some simulated responses: those of single fits
    vary with the estimated variances.

    Parameters
    ----------
    truth : Truth
    options : FitOptions
    places : ndarray of int
        Fixed effects to test.
    df_method : str
    rng : numpy.random.Generator
    """

    def __init__(self, truth, options, places, df_method, rng):
        if df_method == "kenward-roger":
            raise DataError(
                "df_method='kenward-roger' adjusts standard errors, for each fit "
                "anew: use it with test='wald-each'."
            )
        self._refitter = Refitter(truth, options, _Figures(places))
        self.df = np.full(len(places), np.inf)
        if df_method != "normal":
            self.df = _typical_df(truth, options, _Freedom(places, df_method), rng)

    def chunk_size(self):
        """How many responses to test at once."""
        return self._refitter.chunk_size()

    def pvalues(self, endog):
        """p-values of k effects in responses (n, R), then their degrees of freedom.

        Parameters
        ----------
        endog : ndarray, shape (n, R)

        Returns
        -------
        Replicates
            With values (R, 2k).
        """
        found = self._refitter.responses(endog)
        estimates, errors = np.hsplit(found.values, 2)
        p = 2.0 * stats.t.sf(np.abs(estimates / errors), self.df)
        return replace(found, values=_with_df(p, self.df))


def _with_df(p, df):
    """p-values (R, k) and the same degrees of freedom for all of them."""
    return np.hstack([p, np.broadcast_to(df, p.shape)])


def _typical_df(truth, options, measure, rng):
    endog = simulate_responses(truth, DF_DRAWS, rng=rng)
    found = Refitter(truth, options, measure).responses(endog)
    if not found.converged.any():
        text = next(iter(found.errors.values()), "no fit converged")
        raise DataError(f"No simulated response could be fitted: {text}")
    return np.nanmedian(found.values[found.converged], axis=0)


class WaldEach:
    """Tests with degrees of freedom (and covariance) of each fit; see `Wald`."""

    def __init__(self, truth, options, places, df_method, rng):
        self._refitter = Refitter(truth, options, _PValues(places, df_method))

    def chunk_size(self):
        """How many responses to test at once."""
        return self._refitter.chunk_size()

    def pvalues(self, endog):
        """p-values, and degrees of freedom of each; see `Wald`."""
        return self._refitter.responses(endog)


class LikelihoodRatio:
    """Likelihood-ratio tests, chi-square with 1 degree of freedom; see `Wald`."""

    def __init__(self, truth, options, places, df_method, rng):
        if options.method == "pql":
            raise DataError("test='lrt': method='pql' has no likelihood.")
        self._full = Refitter(truth, options, _Deviance(), reml=False)
        self._restricted = [
            Refitter(_without(truth, j), options, _Deviance(), reml=False)
            for j in places
        ]

    def chunk_size(self):
        """How many responses to test at once."""
        return self._full.chunk_size()

    def pvalues(self, endog):
        """p-values, and NaN for their degrees of freedom; see `Wald`."""
        full = self._full.responses(endog)
        others = [refitter.responses(endog) for refitter in self._restricted]
        restricted = np.hstack([other.values for other in others])
        statistic = np.maximum(restricted - full.values, 0.0)
        return Replicates(
            _with_df(stats.chi2.sf(statistic, 1), np.nan),
            np.logical_and.reduce([r.converged for r in (full, *others)]),
            full.singular,
            {i: text for r in (*others, full) for i, text in r.errors.items()},
        )


def _without(truth, place):
    """The parameters without one fixed effect, on the design without its column."""
    design, kept = truth.design, truth.kept
    columns = np.delete(kept, place)
    mean = replace(
        design.mean,
        exog=np.asfortranarray(design.mean.exog[:, columns]),
        exog_names=tuple(design.mean.exog_names[j] for j in columns),
    )
    design = replace(design, predictors=(mean, *design.predictors[1:]))
    # a model of its own, so that nothing is known of the column
    return replace(truth, model=truth._model(design), beta=np.delete(truth.beta, place))


TESTS = {"wald": Wald, "wald-each": WaldEach, "lrt": LikelihoodRatio}


def default_df_method(truth, df_method):
    """The method that was asked for, or the default of the model."""
    if df_method is not None:
        return df_method_name(df_method)
    return "normal" if hasattr(truth, "family") else "satterthwaite"
