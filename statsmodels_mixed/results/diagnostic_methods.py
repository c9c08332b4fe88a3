"""Influence, and classical pictures of residuals, of the results of all models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..diagnostics.influence import (
    ROW,
    deletion_groups,
    one_step_influence,
    refit_figures,
    refitted_influence,
)
from ..diagnostics.residual_tables import added_variable, binned_residuals, mode_table
from ..errors import check_option
from ..fitting.fit import Fit
from ..inference.bootstrap.refitting import Refitter
from ..inference.bootstrap.replicates import progress_bar
from ..inference.bootstrap.resampling import Clusters, without_level
from ..inference.means.grid_variables import used_rows
from ..plotting import diagnostics as draw
from .check_model import QUANTILE, check_model, normal_scores

QQ = ("residuals", "modes")


class _Figures:
    """What is kept of a fit without some rows."""

    batched = False

    def __init__(self, fit):
        self.names = range(len(refit_figures(fit)))

    def __call__(self, fit):
        return refit_figures(fit)


def _name_of(values):
    """Name of a covariate that was given as values."""
    return str(getattr(values, "name", None) or "covariate")


class DiagnosticMethods:
    """Mixin for results with `_fit_with_rows`, a ``model`` and ``options``."""

    # ---- influence ----------------------------------------------------------

    def influence(self, by=None, exact=False, *, variances=True, progress=False):
        """Influence of groups of rows, or of single rows, on the estimates.

        Parameters
        ----------
        by : None, str or array_like, optional
            What to leave out at a time: levels of a grouping factor (by default of the
            one all others are nested in), ``"row"``, or labels, one per row.
        exact : bool
            Fit again without each. By default fixed effects are exact at the estimated
            variances, and variance parameters are those after one Newton step.
        variances : bool
            Whether variance parameters are wanted. Without them single rows of large
            data take no time.
        progress : bool
            Show a progress bar of the fits (needs tqdm).

        Returns
        -------
        Influence
            With ``dfbeta``, ``dfbetas``, ``cooks_distance``, ``covratio``,
            ``hat_diag``, ``variance_change``, ``summary_frame()`` and ``plot()``.

        Raises
        ------
        DataError
            Crossed factors and none named, a single group, or unknown names.

        Warns
        -----
        MixedModelWarning
            There are no estimates without some groups.

        Notes
        -----
        Cook's distance and DFBETAS compare fixed effects (Christensen, Pearson and
        Johnson 1992, Technometrics 34, 38-45; Demidenko and Stukel 2005, Statistics in
        Medicine 24, 893-909). For generalized models one step is that of the working
        linear model at the conditional modes; an estimated dispersion is not moved.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> found = res.influence()
        >>> found.cooks_distance.nlargest(2).round(3).to_dict()
        {'309': 0.149, '335': 0.129}
        """
        fit = self._fit_with_rows("influence()")
        grouping = deletion_groups(fit.design, by)
        names = self.model.exog_names
        if not exact:
            return one_step_influence(fit, grouping, names, variances)
        found = self._without_each(fit, grouping, progress)
        failures = {i: "not converged" for i in np.flatnonzero(~found.converged)}
        values = np.where(found.converged[:, None], found.values, np.nan)
        failures |= found.errors
        return refitted_influence(fit, grouping, names, values, failures)

    def _without_each(self, fit, grouping, progress):
        """Fits without each level of a grouping."""
        clusters = Clusters(fit.design, grouping)
        refitter = Refitter(fit, self.options, _Figures(fit))
        with progress_bar(progress, len(clusters)) as report:

            def make(i):
                report(1)
                return without_level(clusters, i)

            return refitter.designs(make, len(clusters))

    # ---- residuals ----------------------------------------------------------

    def _scaled_residuals(self, what):
        """Residuals of unit variance, and the predictor they are drawn against."""
        fit = self._fit_with_rows(what)
        eta = fit.fixed_part + fit.random_part
        label = "fitted value" if isinstance(fit, Fit) else "linear predictor"
        return np.asarray(self.resid_pearson), eta, label

    def plot_residuals(self, ax=None, smooth=True):
        """Pearson residuals against fitted values (or linear predictors).

        Parameters
        ----------
        ax : matplotlib Axes, optional
        smooth : bool
            Whether to draw a lowess curve.

        Returns
        -------
        matplotlib.figure.Figure
        """
        resid, eta, label = self._scaled_residuals("plot_residuals()")
        labels = {"xlabel": label, "ylabel": "Pearson residual"}
        return draw.plot_residuals(eta, resid, ax, smooth=smooth, **labels)

    def plot_scale_location(self, ax=None):
        """Roots of the sizes of Pearson residuals against fitted values.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib.figure.Figure
        """
        resid, eta, label = self._scaled_residuals("plot_scale_location()")
        ylabel = "root of |Pearson residual|"
        return draw.plot_scale_location(eta, resid, ax, xlabel=label, ylabel=ylabel)

    def plot_qq(self, what="residuals", axes=None, *, level=0.95, rng=None):
        """Normal QQ plot of residuals, or of conditional modes with intervals.

        Parameters
        ----------
        what : {"residuals", "modes"}
            Residuals of generalized models are normal scores of simulated ones.
        axes : matplotlib Axes or array of them, optional
            One per effect, for modes.
        level : float
            Of the intervals of modes.
        rng : int or numpy.random.Generator, optional
            For residuals of generalized models.

        Returns
        -------
        matplotlib.figure.Figure
        """
        check_option("what", what, QQ)
        if what == "modes":
            fit = self._fit_with_rows("plot_qq()")
            return draw.plot_modes_qq(mode_table(fit, level), axes)
        ax = None if axes is None else np.ravel(axes)[0]
        if isinstance(self._fit_with_rows("plot_qq()"), Fit):
            return draw.plot_qq(self.resid_pearson, ax)
        return draw.plot_qq(normal_scores(self.fit_record, rng), ax, ylabel=QUANTILE)

    def plot_residuals_by(self, by=None, ax=None):
        """Pearson residuals group by group.

        Parameters
        ----------
        by : str or array_like, optional
            As for `influence`, or a column of the data, such as a fixed factor.
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Unknown names, or a single group.
        """
        resid, _, _ = self._scaled_residuals("plot_residuals_by()")
        grouping = deletion_groups(self.fit_record.design, self._labels_of(by))
        labels = grouping.labels().to_numpy()[grouping.codes]
        ylabel = "Pearson residual"
        return draw.plot_by_group(resid, labels, grouping.name, ax, ylabel=ylabel)

    def _labels_of(self, by):
        """Values of a column of the data, where that is what `by` names."""
        fit, frame = self.fit_record, getattr(self.model.data, "frame", None)
        known = {ROW, *(term.group for term in fit.design.terms)}
        if not isinstance(by, str) or by in known or frame is None or by not in frame:
            return by
        return pd.Series(np.asarray(used_rows(fit, frame).column(by)), name=by)

    def added_variable(self, variable, random="none"):
        """A covariate and the response, adjusted for the other fixed effects.

        Parameters
        ----------
        variable : str or array_like
            A fixed effect, or values of a covariate that is not in the model.
        random : {"none", "conditional"}
            Whether the response keeps its random effects, or is without them.

        Returns
        -------
        table : DataFrame
            Columns covariate and response (the working one of generalized models).
        slope : float
            The coefficient; of a covariate that is not in the model, what it would be
            at the estimated variances.
        """
        fit = self._fit_with_rows("added_variable()")
        return added_variable(fit, self.model.exog_names, variable, random)

    def plot_added_variable(self, variable, random="none", ax=None):
        """Draw `added_variable`, with the line of its slope.

        Parameters
        ----------
        variable, random
            As for `added_variable`.
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib.figure.Figure
        """
        table, slope = self.added_variable(variable, random)
        name = variable if isinstance(variable, str) else _name_of(variable)
        linear = isinstance(self.fit_record, Fit)
        ylabel = self.endog_name if linear else "working response"
        return draw.plot_added_variable(table, slope, name, ax, ylabel=ylabel)

    def binned_residuals(self, n_bins=None, against=None):
        """Mean residuals in bins of the fitted values, for binary responses.

        Parameters
        ----------
        n_bins : int, optional
            About the root of the number of rows by default.
        against : array_like, shape (n,), optional
            Values of a covariate to form the bins by, one per row that was used.

        Returns
        -------
        DataFrame
            Columns fitted (or that of `against`), resid, n, bound: means of the bin,
            its number of rows, and twice the standard error of the mean residual.

        Raises
        ------
        DataError
            `n_bins` is no whole number from 1 to the number of rows, or `against`
            has another length or missing values.
        """
        self._fit_with_rows("binned_residuals()")
        if against is None:
            return binned_residuals(self.fittedvalues, self.resid, n_bins)
        table = binned_residuals(against, self.resid, n_bins)
        return table.rename(columns={"fitted": _name_of(against)})

    def plot_binned_residuals(self, n_bins=None, against=None, ax=None):
        """Draw `binned_residuals`.

        Parameters
        ----------
        n_bins, against
            As for `binned_residuals`.
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib.figure.Figure
        """
        family = getattr(self.fit_record, "family", None)
        binomial = family is not None and family.name == "binomial"
        xlabel = "fitted probability" if binomial else "fitted value"
        xlabel = xlabel if against is None else _name_of(against)
        table = self.binned_residuals(n_bins, against)
        return draw.plot_binned(table, ax, xlabel=xlabel)

    def check_model(self, panels=None, rng=None, axes=None):
        """One page of panels that say whether the model fits.

        Chosen by the response: a Gaussian one, a binary one, or another. The title of
        each panel is the question that it answers with yes if all is well.

        Parameters
        ----------
        panels : str or sequence of str, optional
            Some of "predictive", "linearity", "spread", "normality", "modes",
            "influence", "binned" and "by_group" instead.
        rng : int or numpy.random.Generator, optional
            For responses that are drawn.
        axes : array_like of matplotlib Axes, optional
            One per panel; made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Unknown panels.
        MixedModelError
            matplotlib is not installed, or there are too few axes.

        Notes
        -----
        Residuals of generalized models are normal scores of simulated ones, which are
        standard normal under the model for counts and small numbers too.
        """
        self._fit_with_rows("check_model()")
        return check_model(self, panels, rng, axes)
