"""Likelihood-ratio tests of one variance, with the distribution the design gives.

Under the null hypothesis of a single variance the (restricted) likelihood ratio is a
function of independent chi-square variables and of the eigenvalues of a matrix as large
as there are levels: it can be drawn without fitting anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...errors import ComparisonError, DataError
from ...fitting import Fit, FitOptions, deliver
from ..anova.reduced import fit_design
from .ratio import contradicts, exact_zero
from .spectrum import component_spectrum
from .variance_components import (
    find_component,
    variance_components,
    without_component,
)

CORRELATED = (
    "use ranova(), or bootstrap_lrt() with the smaller model; or write || in place of "
    "| in the formula, for uncorrelated effects whose variances are tested one by one."
)
APPROXIMATE = (
    "The other random effects are treated as known (Greven et al. 2008): the null "
    "distribution is that of the model with this term alone. bootstrap_lrt() does "
    "without this approximation."
)
BY_REML = "The fit is by ML; the test is of the same model fitted by REML."
BY_ML = "The fit is by REML; the test is of the same model fitted by ML."


@dataclass(frozen=True, eq=False, repr=False)
class RLRTResult:
    """Likelihood-ratio test of one variance against zero.

    Attributes
    ----------
    statistic : float
        Twice the difference of the (restricted) log-likelihoods.
    pvalue : float
        ``(1 + b) / (1 + n)``, b the number of n draws as large as the statistic.
    pvalue_se : float
        Its Monte Carlo standard error.
    term : str
        The variance that was tested.
    method : str
        ``"RLRT"`` or ``"LRT"``.
    draws : ndarray, shape (n,)
        Of the statistic under the null hypothesis.
    notes : tuple of str
        What to mind when reading the p-value.
    """

    statistic: float
    pvalue: float
    pvalue_se: float
    term: str
    method: str
    draws: np.ndarray = field(repr=False)
    notes: tuple = ()

    @property
    def p_zero(self):
        """Probability of a statistic of exactly zero under the null hypothesis."""
        return float((self.draws == 0.0).mean())

    def _stated_pvalue(self):
        n = len(self.draws)
        if not (self.draws >= self.statistic).any():
            return f"p < {_rounded_up(n)} (none of {n} draws as large)"
        error = f"Monte Carlo standard error {self.pvalue_se:.2g}"
        return f"p-value {self.pvalue:.4g} ({error})"

    def __repr__(self):
        name = {"RLRT": "Restricted likelihood", "LRT": "Likelihood"}[self.method]
        lines = [
            f"{name}-ratio test of a variance of zero: {self.term}",
            f"{self.method} = {self.statistic:.4f}, {self._stated_pvalue()}",
            f"{len(self.draws)} draws under the null hypothesis, "
            f"{self.p_zero:.1%} of them zero",
        ]
        return "\n".join([*lines, *self.notes])


def _rounded_up(n):
    """1 / n with one digit, not less than it is."""
    digits = len(str(n - 1))
    return f"{-(-(10**digits) // n) / 10**digits:.{digits}f}"


def restricted_lrt(fit, term=None, n_sim=10_000, rng=None, options=None):
    """Restricted likelihood-ratio test of one variance, with its exact null.

    Parameters
    ----------
    fit : Fit
        Of a linear mixed model; one by ML is fitted again by REML.
    term : str, optional
        The variance to test: a term as in the formula such as ``"1 | g"``, or
        ``"effect | g"``. Not needed where there is only one.
    n_sim : int
        Draws of the statistic under the null hypothesis.
    rng : int or numpy.random.Generator, optional
        Seed or generator.
    options : FitOptions, optional
        How to fit without the term.

    Returns
    -------
    RLRTResult

    Raises
    ------
    ComparisonError
        A term with several correlated effects.
    DataError
        No such term, or a generalized linear mixed model.

    Notes
    -----
    With one random term the finite-sample distribution of Crainiceanu and Ruppert
    (2004, JRSS B 66, 165-185, equation 9) is drawn as in Scheipl, Greven and
    Kuechenhoff (2008, CSDA 52, 3283-3299). With several it is an approximation: the
    distribution for the pseudo-response from which the other random effects were
    subtracted as if they were known (Greven, Crainiceanu, Kuechenhoff and Peters 2008,
    JCGS 17, 870-891), so that it depends on X and the columns of the tested term only;
    the statistic itself compares the fits with and without the term.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("dyestuff")
    >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
    >>> test = restricted_lrt(res.fit_record, rng=1)
    >>> round(test.statistic, 4), test.pvalue < 0.01
    (6.369, True)
    """
    component = _checked(fit, term, n_sim)
    spectrum = component_spectrum(fit, component)
    draws = spectrum.restricted_draws(n_sim, np.random.default_rng(rng))
    notes = (APPROXIMATE,) if _several(fit, component) else ()
    notes += () if fit.reml else (BY_REML,)
    statistic = _statistic(fit, component, True, options)
    return _result("RLRT", statistic, draws, component.label, notes)


def exact_lrt(fit, term=None, n_sim=10_000, rng=None, options=None):
    """Likelihood-ratio test (ML) of the only variance, with its exact null.

    Parameters and result are those of `restricted_lrt`, which has more power. The fixed
    effects are those of the fit under both hypotheses.

    Raises
    ------
    ComparisonError
        More than one random term, or a term with several correlated effects.

    Notes
    -----
    Crainiceanu and Ruppert (2004), equation 6 without restrictions of beta.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("dyestuff")
    >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit(reml=False)
    >>> test = exact_lrt(res.fit_record, rng=1)
    >>> round(test.statistic, 4), test.pvalue < 0.02
    (5.4028, True)
    """
    component = _checked(fit, term, n_sim)
    if _several(fit, component):
        raise ComparisonError(
            "The exact likelihood-ratio test is for a model with one variance beside "
            "the residual's; use restricted_lrt() or bootstrap_lrt()."
        )
    spectrum = component_spectrum(fit, component)
    draws = spectrum.full_draws(n_sim, np.random.default_rng(rng))
    notes = (BY_ML,) if fit.reml else ()
    statistic = _statistic(fit, component, False, options)
    return _result("LRT", statistic, draws, component.label, notes)


def _checked(fit, term, n_sim):
    if not isinstance(fit, Fit):
        raise DataError(
            "The null distribution of restricted_lrt() and exact_lrt() is known for "
            "linear mixed models only; use bootstrap_lrt() with the model without the "
            "term."
        )
    if not isinstance(n_sim, (int, np.integer)) or n_sim < 1:
        raise DataError(f"n_sim={n_sim!r}: give a whole number, 1 or more.")
    _refuse_correlated(fit.design, term)
    return find_component(fit.design, term, CORRELATED)


def _refuse_correlated(design, term):
    """Say what to do where no variance can be left out alone."""
    if design.terms and not variance_components(design):
        listed = ", ".join(f"({t.text})" for t in design.terms)
        asked = "" if term is None else f"term={term!r}: "
        raise ComparisonError(
            f"{asked}all variances are of correlated effects, {listed}: leaving one "
            "out removes covariances too, so that this is not a test of one variance; "
            f"{CORRELATED}"
        )


def _several(fit, component):
    """Whether there are random effects beside those of the component."""
    return sum(term.k for term in fit.design.terms) > len(component.effects)


def _statistic(fit, component, reml, options):
    options, design = options or FitOptions(), without_component(fit.design, component)
    full = fit if fit.reml == reml else deliver(fit.model.fit(reml, options))
    restricted = fit_design(full, design, options, reml)
    statistic = float(restricted.deviance - full.deviance)
    if contradicts(statistic):
        raise ComparisonError(
            f"The fit without {component.label} is better (by {-statistic:.4g} in "
            "deviance), so the larger one has not converged; see its convergence."
        )
    return exact_zero(statistic)


def _result(method, statistic, draws, label, notes):
    n = len(draws)
    pvalue = (1.0 + (draws >= statistic).sum()) / (1.0 + n)
    error = np.sqrt(pvalue * (1.0 - pvalue) / n)
    return RLRTResult(
        statistic, float(pvalue), float(error), label, method, draws, notes
    )
