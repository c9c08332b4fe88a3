"""The health report: every check that applies, the worst findings first."""

from __future__ import annotations

from . import health_checks, health_responses
from .findings import SEVERITIES, Health

CHECKS = (
    health_checks.convergence,
    health_checks.flatness,
    health_checks.rounding,
    health_checks.singular,
    health_checks.cheap_directions,
    health_checks.far_from_zero,
    health_checks.aliasing,
    health_responses.separation,
    health_responses.overdispersion,
    health_responses.zeros,
    health_responses.bound,
    health_responses.integration,
    health_checks.group_counts,
    health_checks.labels,
    health_checks.extreme_levels,
    health_checks.predictor_scales,
    health_checks.collinearity,
    health_checks.degrees_of_freedom,
)


def assess(facts, checks=CHECKS):
    """Run the checks on a fit.

    Parameters
    ----------
    facts : FitFacts
    checks : sequence of callable
        From facts to a list of `Finding`.

    Returns
    -------
    Health

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> from statsmodels_mixed.diagnostics.findings import FitFacts
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> assess(FitFacts(res.fit_record)).severity
    'ok'
    """
    found = [finding for check in checks for finding in check(facts)]
    found.sort(key=lambda f: -SEVERITIES.index(f.severity))
    return Health(tuple(found))
