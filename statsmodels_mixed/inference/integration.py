"""Is the approximation of the integral good enough for this fit?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import DataError
from ..fitting.integration import check_by_quadrature, check_by_sampling

# Shifts of the estimates, in standard errors: a bias of the first leaves a 95% interval
# a coverage of 94%, one of the second 83%.
SMALL, LARGE = 0.25, 1.0
FEW = 50.0  # effective draws, below which importance sampling itself is in doubt


@dataclass(frozen=True, eq=False)
class IntegrationReport:
    """What a better integral says about a fit.

    Attributes
    ----------
    method : str
        How the better integral was computed.
    difference : float
        Its log-likelihood at the estimates minus that of the fit.
    difference_se : float
        Monte Carlo standard error of it; 0 for quadrature.
    table : DataFrame
        Per fixed effect, and per standard deviation of a random effect: the estimate,
        where one Newton step with the better integral leads, and that shift in
        standard errors with its Monte Carlo error.
    verdict : {"fine", "noticeable", "badly wrong", "undecided"}
    advice : str
        One sentence.
    """

    method: str
    difference: float
    difference_se: float
    table: pd.DataFrame
    verdict: str
    advice: str

    def __repr__(self):
        error = f" (+- {self.difference_se:.2g})" if self.difference_se else ""
        table = self.table.round(3)
        if not self.difference_se:
            table = table.drop(columns="mc error (se)")
        return (
            f"Integration check by {self.method}\n"
            f"its log-likelihood minus that of the fit, at the estimates: "
            f"{self.difference:+.3f}{error}\n\n{table}\n\n{self.advice}"
        )


def check_integration(fit, names, rng=None, n_draws=4000, nodes=1):
    """Compare the integral of a fit with a better one, at its estimates.

    Adaptive quadrature where it exists for the structure, else importance sampling.

    Parameters
    ----------
    fit : GeneralizedFit
    names : sequence of str
        Of the fixed effects.
    rng : int or numpy.random.Generator, optional
    n_draws : int
        Draws of importance sampling.
    nodes : int or tuple of int
        Quadrature nodes of the fit.

    Returns
    -------
    IntegrationReport
    """
    try:
        check = check_by_quadrature(fit, nodes)
    except DataError:
        check = check_by_sampling(fit, np.random.default_rng(rng), n_draws)
    table = pd.concat([_fixed(fit, check, names), _random(fit, check)])
    verdict, advice = _judge(fit, check, table)
    return IntegrationReport(
        check.method, check.difference, check.difference_se, table, verdict, advice
    )


def _frame(index, estimate, one_step, shift, error):
    return pd.DataFrame(
        {
            "estimate": estimate,
            "one step": one_step,
            "shift (se)": shift,
            "mc error (se)": error,
        },
        index=index,
    )


def _units(step, covariance):
    """Steps in standard errors; 0 where the data say nothing."""
    size = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return np.divide(step, size, out=np.zeros_like(step), where=size > 0)


def _fixed(fit, check, names):
    linear = fit.model.rows.exog_map
    p = len(linear)
    start = len(check.step) - p
    step, noise = linear @ check.step[start:], linear @ check.step_se[start:]
    covariance = linear @ check.covariance[start:, start:] @ linear.T
    shift, error = _units(step, covariance), np.abs(_units(noise, covariance))
    return _frame(list(names), fit.beta, fit.beta + step, shift, error)


def _random(fit, check):
    """Standard deviations before and after the step; shifts of the worst parameter."""
    layout, x = fit.model.layout, fit.evaluation.x
    n = layout.n_par
    shift = _units(check.step[:n], check.covariance[:n, :n])
    error = _units(check.step_se[:n], check.covariance[:n, :n])
    after = layout.term_factors(x[:n] + check.step[:n])
    parts = []
    terms = fit.design.terms
    for t, (term, linear) in enumerate(zip(terms, fit.model.rows.maps, strict=True)):
        own = np.arange(n)[layout.slices[t]]
        worst = own[np.argmax(np.abs(shift[own]))]
        half = linear @ after[t]
        parts.append(
            _frame(
                [f"sd {term.group} {effect}" for effect in term.effects],
                np.sqrt(np.diag(fit.covariances[t])),
                np.sqrt((half**2).sum(axis=1)),
                shift[worst],
                error[worst],
            )
        )
    return pd.concat(parts) if parts else None


def _judge(fit, check, table):
    """Verdict and advice."""
    if not fit.design.terms:
        return "fine", "There are no random effects, so nothing to integrate over."
    shift, error = table["shift (se)"].abs(), table["mc error (se)"]
    name, worst = shift.idxmax(), float(shift.max())
    text = f"the largest shift is {worst:.2g} standard errors ({name})"
    if check.ess < FEW or (error > LARGE).any():
        return "undecided", (
            f"Undecided: {text}, but of the draws only {check.ess:.0f} are effective; "
            "raise n_draws."
        )
    if worst <= SMALL:
        return "fine", f"The approximation is fine: {text}."
    remedy = "Use more nodes (nagq=)" if check.ess == np.inf else "Use method='mcml'"
    if worst <= LARGE:
        return "noticeable", (
            f"The error is noticeable: {text}. {remedy} for the final estimates."
        )
    return "badly wrong", (
        f"The approximation is badly wrong: {text}. {remedy}; do not report this fit."
    )
