"""Panels of the page that checks a model, chosen by the kind of the response."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import stats

from ..diagnostics.influence import deletion_groups
from ..diagnostics.quantile_residuals import simulated_residuals
from ..diagnostics.residual_tables import mode_table
from ..errors import DataError
from ..fitting.fit import Fit
from ..plotting import diagnostics as draw
from ..plotting.influence import plot_index
from ..plotting.model_page import plot_page, plot_predictive

DRAWS = 40  # responses drawn for the predictive check
SIMULATIONS = 250
QUANTILE = "simulated residual (normal score)"


def normal_scores(fit, rng):
    """Normal scores of simulated residuals: smooth, whatever the family, (n,)."""
    found = simulated_residuals(fit, SIMULATIONS, "conditional", rng=rng).residuals
    # the outermost residual is no more extreme than one in so many simulations
    edge = 0.5 / (SIMULATIONS + 1)
    return stats.norm.ppf(np.clip(found, edge, 1.0 - edge))


class ModelPage:
    """Panels of one fit; what several of them need is computed once.

    Parameters
    ----------
    results : MixedResults
    rng : numpy.random.Generator
    """

    def __init__(self, results, rng):
        self.results, self.rng = results, rng
        self.fit = results.fit_record

    @cached_property
    def eta(self):
        """Linear predictor at the conditional modes."""
        return self.fit.fixed_part + self.fit.random_part

    @cached_property
    def resid(self):
        """Residuals of about unit variance."""
        if isinstance(self.fit, Fit):
            return np.asarray(self.results.resid_pearson)
        return normal_scores(self.fit, self.rng)

    @property
    def labels(self):
        """What predictors and residuals are called."""
        if isinstance(self.fit, Fit):
            return {"xlabel": "fitted value", "ylabel": "Pearson residual"}
        return {"xlabel": "linear predictor", "ylabel": QUANTILE}

    @cached_property
    def groups(self):
        """The grouping factor with the fewest levels to leave out, None without."""
        groupings = [term.grouping for term in self.fit.design.terms]
        usable = [g for g in groupings if g.n_levels > 1]
        return min(usable, key=lambda g: g.n_levels, default=None)

    def predictive(self, ax):
        """Responses drawn with new random effects."""
        draws = self.results.simulate(DRAWS, rng=self.rng).to_numpy()
        design = self.fit.design
        observed, name = design.endog, self.results.endog_name
        if design.trials is not None:
            observed, draws = observed / design.trials, draws / design.trials[:, None]
            name = "share of successes"
        plot_predictive(observed, draws, ax, xlabel=name)

    def linearity(self, ax):
        """Residuals against the predictor."""
        draw.plot_residuals(self.eta, self.resid, ax, **self.labels)

    def spread(self, ax):
        """Their size against it."""
        labels = self.labels | {"ylabel": "root of |residual|"}
        draw.plot_scale_location(self.eta, self.resid, ax, **labels)

    def normality(self, ax):
        """Quantiles of residuals."""
        draw.plot_qq(self.resid, ax, ylabel=self.labels["ylabel"])

    def modes(self, ax):
        """Quantiles of conditional modes."""
        draw.plot_modes_together(mode_table(self.fit), ax)

    def influence(self, ax):
        """Cook's distances of groups."""
        by = "row" if self.groups is None else self.groups.name
        found = self.results.influence(by, variances=False)
        plot_index(found.cooks_distance, by, ax)

    def binned(self, ax):
        """Mean residuals in bins of the fitted probability."""
        draw.plot_binned(self.results.binned_residuals(), ax)

    def by_group(self, ax):
        """Residuals group by group."""
        groups = self.groups or deletion_groups(self.fit.design, "row")
        labels = groups.labels().to_numpy()[groups.codes]
        ylabel = self.labels["ylabel"]
        draw.plot_by_group(self.resid, labels, groups.name, ax, ylabel=ylabel)


PANELS = {
    "predictive": ("Drawn from the model: like the data?", ModelPage.predictive),
    "linearity": ("Curve flat at 0?", ModelPage.linearity),
    "spread": ("Curve flat?", ModelPage.spread),
    "normality": ("Residuals on the line?", ModelPage.normality),
    "modes": ("Random effects on the line?", ModelPage.modes),
    "influence": ("None far above the others?", ModelPage.influence),
    "binned": ("19 of 20 bins within bounds?", ModelPage.binned),
    "by_group": ("Groups alike?", ModelPage.by_group),
}
PAGES = {
    "gaussian": (
        "predictive",
        "linearity",
        "spread",
        "normality",
        "modes",
        "influence",
    ),
    "binary": ("predictive", "binned", "by_group", "normality", "modes", "influence"),
    "other": ("predictive", "linearity", "spread", "normality", "modes", "influence"),
}


def page_of(fit):
    """Which of the `PAGES` suits a fit.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit

    Returns
    -------
    str
    """
    if isinstance(fit, Fit):
        return "gaussian"
    design = fit.design
    ones = design.trials is None or (design.trials == 1).all()
    return "binary" if fit.family.name == "binomial" and ones else "other"


def check_model(results, panels=None, rng=None, axes=None):
    """Draw the page; see `DiagnosticMethods.check_model`."""
    panels = [panels] if isinstance(panels, str) else panels
    names = PAGES[page_of(results.fit_record)] if panels is None else tuple(panels)
    unknown = [name for name in names if name not in PANELS]
    if unknown or not names:
        known = ", ".join(PANELS)
        raise DataError(f"panels={panels!r}: use some of {known}.")
    if not results.fit_record.design.terms:
        names = tuple(name for name in names if name != "modes")
    page = ModelPage(results, np.random.default_rng(rng))
    chosen = [(PANELS[name][0], _bound(PANELS[name][1], page)) for name in names]
    return plot_page(chosen, axes)


def _bound(panel, page):
    return lambda ax: panel(page, ax)
