"""Quantile residuals by simulation: DHARMa's method."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import DataError, MixedModelWarning, check_option, warn_user
from ..plotting.residuals import plot_simulated_residuals
from ..simulation import KINDS
from .covariates import NO_COLUMNS, DataColumns, GroupColumns, read_groups
from .quantile_curves import QUANTILES, check_quantiles, quantile_curves, ranks, thinned
from .residual_methods import ResidualTestMethods
from .residual_tests import ALPHA, pvalue_text
from .simulations import (
    DrawnSimulations,
    GivenSimulations,
    SummedSimulations,
    group_sums,
)
from .tally import Counts, tally

FEWEST = 2


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedResiduals(ResidualTestMethods):
    """Quantile residuals: where each response is among simulated ones.

    If the model is right they are uniform between 0 and 1, whatever the family.

    Attributes
    ----------
    residuals : ndarray, shape (nobs,)
        ``lower``, or uniform between ``lower`` and ``upper`` where they differ.
    observed : ndarray, shape (nobs,)
        The response; numbers of successes for a binomial one.
    fitted : ndarray, shape (nobs,)
        Prediction for random effects of zero, on the scale of `observed`.
    integer : bool
        Whether the response is one of whole numbers, with ties among simulations.
    simulations : object
        With ``n`` and ``blocks()``; draws from a fit are made again when wanted.
    counts : Counts
        What was counted in one pass over the simulations.
    labels : Index or None
        Of the rows.
    columns : object
        Finds variables by name.

    Notes
    -----
    Randomised quantile residuals (Dunn and Smyth 1996, Journal of Computational and
    Graphical Statistics 5, 236-244), by simulation as in the R package DHARMa (Hartig):
    ``lower`` is the share of simulations below the response, ``upper`` that of those
    not above it.
    """

    residuals: np.ndarray
    observed: np.ndarray = field(repr=False)
    fitted: np.ndarray = field(repr=False)
    integer: bool
    simulations: object
    counts: Counts
    labels: object = None
    columns: object = NO_COLUMNS

    @classmethod
    def from_simulations(
        cls, simulations, observed, fitted=None, integer=None, rng=None
    ):
        """Residuals from simulations that were made elsewhere.

        Parameters
        ----------
        simulations : array_like, shape (nobs, n)
            One column per simulated response.
        observed : array_like, shape (nobs,)
        fitted : array_like, shape (nobs,), optional
            Predictions; by default the medians of the simulations.
        integer : bool, optional
            Whether responses are whole numbers by their nature; by default whether all
            of them are.
        rng : int or numpy.random.Generator, optional
            For the places within ties.

        Returns
        -------
        SimulatedResiduals

        Raises
        ------
        DataError
            Shapes that do not agree, or missing values.

        Examples
        --------
        >>> import numpy as np
        >>> import statsmodels_mixed as smm
        >>> rng = np.random.default_rng(1)
        >>> y, draws = rng.normal(size=200), rng.normal(size=(200, 250))
        >>> checked = SimulatedResiduals.from_simulations(draws, y, rng=1)
        >>> checked.uniformity().significant, checked.dispersion().significant
        (False, False)
        """
        values = np.asarray(simulations, dtype=float)
        if values.ndim != 2 or values.shape[1] < FEWEST or not len(values):
            raise DataError(
                f"simulations= has shape {values.shape}; give rows x simulations, at "
                f"least {FEWEST} of them."
            )
        labels = getattr(observed, "index", None)
        observed = _vector(observed, "observed", len(values))
        if fitted is None:
            fitted = np.median(values, axis=1)
        fitted = _vector(fitted, "fitted", len(values))
        source = GivenSimulations(values)
        return _compute(cls, source, observed, fitted, integer, rng, labels=labels)

    # ---- residuals ------------------------------------------------------------

    @property
    def n(self):
        """Number of simulations."""
        return self.simulations.n

    @property
    def nobs(self):
        """Number of rows."""
        return len(self.observed)

    @property
    def lower(self):
        """Share of simulations below the response, shape (nobs,)."""
        return self.counts.lower

    @property
    def upper(self):
        """Share of simulations not above the response, shape (nobs,)."""
        return self.counts.upper

    @property
    def normal(self):
        """Residuals as quantiles of the standard normal distribution, shape (nobs,).

        Those within half a step of 0 or 1, which outliers are, count as half a step,
        ``0.5 / (n + 1)``, away from it.
        """
        margin = 0.5 / (self.n + 1)
        return stats.norm.ppf(np.clip(self.residuals, margin, 1.0 - margin))

    @property
    def outside(self):
        """Where the response is below or above all simulations, shape (nobs,)."""
        return (self.upper == 0.0) | (self.lower == 1.0)

    @property
    def frame(self):
        """Response, prediction and residuals as a DataFrame, one row per row."""
        columns = "observed", "fitted", "residuals", "normal", "lower", "upper"
        return pd.DataFrame({c: getattr(self, c) for c in columns}, index=self.labels)

    def aggregate(self, by, rng=None):
        """Residuals of sums over groups of rows.

        Parameters
        ----------
        by : str or array_like
            A column of the data, a grouping factor, or one label per row.
        rng : int or numpy.random.Generator, optional
            For the places within ties.

        Returns
        -------
        SimulatedResiduals
            One row per group: response, predictions and simulations are summed.

        Raises
        ------
        DataError
        """
        grouping = read_groups(self.columns, by, "by", self.nobs)
        return _summed(
            type(self), self.simulations, self.observed, self.fitted, grouping,
            self.columns, self.integer, rng,
        )  # fmt: skip

    # ---- what they look like ----------------------------------------------------

    def plot(self, predictor=None, quantiles=QUANTILES, axes=None):
        """QQ plot with tests, and residuals along a predictor with their quantiles.

        Parameters
        ----------
        predictor : str or array_like, optional
            As for `quantiles`; `fitted` by default.
        quantiles : sequence of float
        axes : sequence of two matplotlib Axes, optional

        Returns
        -------
        matplotlib.figure.Figure
        """
        taus = check_quantiles(quantiles)
        values, label = self._predictor(predictor)
        test, position = self.quantiles(predictor, taus), ranks(values)
        tests = self.uniformity(), self.dispersion(), self.outliers()
        names = "KS test", "Dispersion test", "Outlier test"
        marked = dict(zip(taus, test.table.adjusted < ALPHA, strict=True))
        rows = thinned(position)
        return plot_simulated_residuals(
            self.residuals,
            {
                n: (_label(n, t), t.significant)
                for n, t in zip(names, tests, strict=True)
            },
            (position[rows], self.residuals[rows], self.outside[rows]),
            quantile_curves(self.residuals, values, taus),
            marked,
            (f"{label}, rank transformed", _label("Quantile test", test)),
            axes=axes,
        )

    def __repr__(self):
        kind = "whole numbers" if self.integer else "continuous"
        tests = self.uniformity(), self.dispersion(), self.outliers()
        lines = [
            f"Simulated residuals: {self.nobs} rows, {self.n} simulations "
            f"({self.simulations.random}), response {kind}"
        ]
        return "\n".join(lines + [_label(t.name, t) for t in tests])


def simulated_residuals(
    fit, n=250, random="conditional", by=None, rng=None, integer=None, frame=None
):
    """Quantile residuals of a fit by simulation.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    n : int
        Number of simulated responses.
    random : {"conditional", "new"}
        Keep the conditional modes of the random effects, or draw new ones.
    by : str or array_like, optional
        Sum the rows of each level of a column, or of labels.
    rng : int or numpy.random.Generator, optional
    integer : bool, optional
        Whether responses are whole numbers by their nature; by default whether all of
        them are.
    frame : DataFrame, optional
        Where names of variables are looked up.

    Returns
    -------
    SimulatedResiduals

    Raises
    ------
    DataError

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> checked = simulated_residuals(res.fit_record, rng=1)
    >>> checked.residuals.shape, checked.n
    ((180,), 250)
    """
    check_option("random", random, KINDS)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < FEWEST:
        raise DataError(f"n={n!r}: give a number of simulations, {FEWEST} or more.")
    rng = np.random.default_rng(rng)
    source = DrawnSimulations(fit, int(n), random, int(rng.integers(2**63)))
    design, columns = fit.design, DataColumns(fit.design, frame)
    fitted = population_mean(fit)
    _warn_of_effects_by_row(design, random)
    if by is None:
        return _compute(
            SimulatedResiduals, source, design.endog, fitted, integer, rng,
            design.row_labels, columns,
        )  # fmt: skip
    grouping = read_groups(columns, by, "by", design.nobs)
    return _summed(
        SimulatedResiduals, source, design.endog, fitted, grouping, columns, integer,
        rng,
    )  # fmt: skip


def _warn_of_effects_by_row(design, random):
    for term in design.terms:
        if random == "conditional" and term.grouping.n_levels == design.nobs:
            warn_user(
                f"({term.text}) has one level per row, so that its conditional modes "
                "take up what the residuals should show: they are not uniform also if "
                "the model is right. Use random='new'.",
                MixedModelWarning,
            )


def population_mean(fit):
    """Mean for random effects of zero on the scale of the response, shape (nobs,)."""
    family, trials = getattr(fit, "family", None), fit.design.trials
    mean = fit.fixed_part if family is None else family.mean(fit.fixed_part)
    return mean if trials is None else mean * trials


def _summed(cls, source, observed, fitted, grouping, columns, integer, rng):
    """Residuals of the sums of the rows of each group."""
    if source.random == "conditional" and grouping.name in columns.factors:
        warn_user(
            f"The conditional modes of {grouping.name} were made to fit the sums over "
            "its levels: their residuals stay near 0.5 also if the model is right. Use "
            "random='new'.",
            MixedModelWarning,
        )
    return _compute(
        cls,
        SummedSimulations(source, grouping),
        group_sums(observed, grouping),
        group_sums(fitted, grouping),
        integer,
        rng,
        grouping.levels,
        GroupColumns(columns, grouping),
    )


def _compute(
    cls, source, observed, fitted, integer, rng, labels=None, columns=NO_COLUMNS
):
    """Go through the simulations, and place the residuals within ties."""
    counts = tally(source, observed, fitted)
    share = np.random.default_rng(rng).random(len(observed))
    residuals = counts.lower + (counts.upper - counts.lower) * share
    integer = counts.whole if integer is None else bool(integer)
    return cls(residuals, observed, fitted, integer, source, counts, labels, columns)


def _vector(values, what, nobs):
    out = np.asarray(values, dtype=float)
    if out.shape != (nobs,):
        raise DataError(f"{what}= has shape {out.shape}; give {nobs} numbers.")
    if not np.isfinite(out).all():
        raise DataError(f"{what}= has missing or infinite values; leave them out.")
    return out


def _label(name, test):
    steps = 0 if test.draws is None else len(test.draws)
    return f"{name}: {pvalue_text(test.pvalue, steps, test.alternative)}"
