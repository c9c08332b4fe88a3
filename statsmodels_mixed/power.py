"""Power of tests of fixed effects, by simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from .covariance import STRUCTURES
from .design.response import takes_trials
from .design.table import Table
from .errors import DataError, IdentifiabilityError, MixedModelError, check_level
from .families import as_family
from .fitting import FitOptions, check_covariances
from .formula import parse_formula
from .formula.spec import bare_name
from .inference.bootstrap.assumed import (
    assumed_effects,
    assumed_scale,
    effect_places,
    effect_settings,
    with_effects,
)
from .inference.bootstrap.power_tests import TESTS, default_df_method
from .inference.bootstrap.refitting import join
from .inference.bootstrap.replicates import check_count, run_chunks
from .inference.bootstrap.resampling import Clusters, cluster_factor
from .inference.bootstrap.truth import truth_of
from .inference.options import chosen
from .models import glmm, lmm
from .models.base import MixedModel
from .plotting.power import plot_power
from .simulation import simulate_responses

WITHIN = "within "
LEVEL = 0.95  # of the Monte Carlo intervals


@dataclass(frozen=True, eq=False)
class Power:
    """Estimated power of tests of fixed effects.

    Attributes
    ----------
    table : DataFrame
        One row per size of the design, setting and effect: effect, value (assumed),
        factor and n (its levels, or rows of each of them), power, lower and upper
        (Wilson interval for the Monte Carlo error, level 0.95), n_sim, n_failed (fits
        that did not converge or ended in an error, counted as not significant) and df
        (of the tests, the median where they differ; NaN for ``"lrt"``).
    alpha : float
    test, df_method : str
    interrupted : bool
        Whether the user stopped it; `n_sim` says what was done.
    """

    table: pd.DataFrame
    alpha: float
    test: str
    df_method: str
    interrupted: bool = False

    def plot(self, target=0.8, ax=None):
        """Power with its Monte Carlo intervals; see `plot_power`."""
        return plot_power(self.table, target, ax, self.alpha)

    def __repr__(self):
        how = "likelihood-ratio test"
        if self.test != "lrt":
            when = "once" if self.test == "wald" else "for each fit"
            how = f"Wald test, df_method={self.df_method!r} ({when})"
        text = f"Power at alpha = {self.alpha:g}: {how}"
        text += "; interrupted" if self.interrupted else ""
        return (
            f"{text}\n{self.table.to_string(index=False, float_format='{:.4g}'.format)}"
        )


def power(
    model,
    effects,
    n_sim=1000,
    along=None,
    *,
    data=None,
    family=None,
    params=None,
    covariances=None,
    sigma=None,
    dispersion=None,
    alpha=0.05,
    test="wald",
    df_method=None,
    rng=None,
    n_jobs=1,
    progress=False,
):
    """Power of tests of fixed effects: simulate, fit, test, count.

    Parameters
    ----------
    model : results, LMM, GLMM or str
        Results, whose estimates are assumed where nothing else is said; a model that
        was not fitted, of whose response nothing is used; or a formula, with `data`.
    effects : dict, str or sequence of str
        Fixed effects to test. A dict says their values, in place of `params`. One of
        them can have several, ``{"Days": [1, 2, 3]}``, for a curve over its size.
    n_sim : int
        Simulated responses for each design and value of the effects.
    along : dict, optional
        One entry, for a power curve: ``{"Subject": [10, 20, 40]}`` takes that many
        levels of a grouping factor, ``{"within Subject": [5, 10]}`` that many rows of
        each. What there is is repeated as it is, in order, and its first part taken
        for fewer.
    data : DataFrame, optional
        For a formula; the response needs not be in it.
    family : str or Family, optional
        For a formula of a generalized linear mixed model.
    params : dict or Series, optional
        All fixed effects, by name.
    covariances : sequence of array_like, shape (k, k), optional
        Covariance of each random-effects term, in units of the response (of the linear
        predictor).
    sigma : float, optional
        Residual standard deviation of a linear model.
    dispersion : float, optional
        Of a family that has one.
    alpha : float
        Level of the tests.
    test : {"wald", "wald-each", "lrt"}
        t test with degrees of freedom that are computed once, as the median over 20
        simulated responses; t test with those of each fit, one by one; or
        likelihood-ratio test (of fits by maximum likelihood).
    df_method : str, optional
        Of the Wald tests, as in ``fit``: Satterthwaite's for linear models by default,
        the normal distribution for others; ``"kenward-roger"`` with ``"wald-each"``
        only. Standard errors are those of the model, never cluster-robust.
    rng : int or numpy.random.Generator, optional
    n_jobs : int
        Processes (needs joblib); the result does not depend on it.
    progress : bool
        Show a progress bar for each design (needs tqdm).

    Returns
    -------
    Power

    Raises
    ------
    DataError
        An effect or factor that is not there, parameters that are missing, or an
        argument of another type.
    IdentifiabilityError
        A design of `along` from which the model cannot be estimated.

    Notes
    -----
    As R's simr (Green and MacLeod 2016, Methods in Ecology and Evolution 7, 493-498).
    Power at estimated effects ("observed power") says no more than their p-values do:
    state the effects that matter.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> from statsmodels_mixed.power import power
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> found = power(res, {"Days": 4.0}, n_sim=200, along={"Subject": [9, 36]}, rng=1)
    >>> found.table.n.tolist(), bool(found.table.power.is_monotonic_increasing)
    ([9, 36], True)
    """
    check_count("n_sim", n_sim)
    test = chosen("test", test, TESTS)
    check_level(alpha, "alpha")
    names, settings = effect_settings(effects)
    model = _with_placeholder(model, data, family) if isinstance(model, str) else model
    given = dict(covariances=covariances, sigma=sigma, dispersion=dispersion)
    truth, options = _assumed(model, params, settings[0], **given)
    places = effect_places(names, truth.names, "effects")
    df_method = default_df_method(truth, df_method)
    rng, rows, stopped = np.random.default_rng(rng), [], False
    make = partial(TESTS[test], options=options, places=places, df_method=df_method)
    how = dict(rng=rng, n_jobs=n_jobs, progress=progress)
    for (factor, n, own), values in product(_sizes(truth, along), settings):
        own = with_effects(own, values)
        found, stopped = _tested(own, make, n_sim, **how)
        if found is not None:
            rows += _rows(factor, n, names, own.beta[places], found, alpha)
        if stopped:
            break
    return Power(pd.DataFrame(rows, columns=COLUMNS), alpha, test, df_method, stopped)


def _tested(truth, make, n_sim, rng, **how):
    """`Replicates` of the tests (None of none), and whether it was stopped."""
    way = make(truth, rng=rng)
    task = partial(_pvalues, truth, way)
    parts, stopped = run_chunks(task, n_sim, way.chunk_size(), rng, **how)
    return join(parts) if parts else None, stopped


COLUMNS = ["effect", "value", "factor", "n", "power", "lower", "upper"]
COLUMNS += ["n_sim", "n_failed", "df"]


def _pvalues(truth, way, rng, count):
    return way.pvalues(simulate_responses(truth, count, rng=rng))


def _rows(factor, n, names, values, found, alpha):
    """One row of the table per effect."""
    total, out = len(found.converged), []
    pvalues, freedom = np.split(found.values.T, 2)
    for name, value, p, dfs in zip(names, values, pvalues, freedom, strict=True):
        known = dfs[found.converged & ~np.isnan(dfs)]
        df = float(np.median(known)) if len(known) else np.nan
        hits = int((found.converged & (p <= alpha)).sum())
        interval = proportion_confint(hits, total, 1.0 - LEVEL, method="wilson")
        failed = int((~found.converged).sum())
        out.append((name, value, factor, n, hits / total, *interval, total, failed, df))
    return out


# ---- designs -----------------------------------------------------------------


def _sizes(truth, along):
    """Factor, number of its levels or rows, and parameters of each design."""
    design = truth.design
    if along is None:
        sizes = [(term.group, term.grouping.n_levels) for term in design.terms]
        yield *(sizes or [("rows", design.nobs)])[0], truth
        return
    name, numbers = _along(design, along)
    within = name.startswith(WITHIN)
    clusters = Clusters(design, cluster_factor(design, name.removeprefix(WITHIN)))
    levels = np.arange(len(clusters))
    for n in numbers:
        check_count(f"along[{name!r}]", n)
        if within:
            design = clusters.take(levels, sizes=np.full(len(levels), n))
        else:
            design = clusters.take(np.arange(n) % len(levels))
        try:
            own = truth.on(design)
        except MixedModelError as error:
            raise IdentifiabilityError(f"With {n} of {name!r}: {error}") from error
        yield name, int(n), own


def _along(design, along):
    """The factor of ``along=``, after "within " or not, and the numbers."""
    if not isinstance(along, Mapping) or len(along) != 1:
        raise DataError(
            "along= takes a dict of one entry, such as {'Subject': [10, 20]}."
        )
    ((name, numbers),) = along.items()
    known = list(dict.fromkeys(term.group for term in design.terms))
    if not known:
        raise DataError("along=: the model has no random effects, so no levels.")
    if str(name).removeprefix(WITHIN) not in known:
        raise DataError(
            f"along= takes the number of levels of a grouping factor, "
            f"{' or '.join(map(repr, known))}, or of rows in each level, "
            f"{WITHIN + known[0]!r}; {name!r} is none of these."
        )
    return name, np.atleast_1d(numbers)


# ---- parameters ----------------------------------------------------------------


def _assumed(model, params, values, covariances, sigma, dispersion):
    """Truth and FitOptions of results, or of a model with parameters."""
    fit, options = None, FitOptions()
    if hasattr(model, "fit_record"):
        fit, options = model._fit_with_rows("power"), model.options
        model = model.model
    if not isinstance(model, MixedModel):
        raise DataError("power() takes results, a model, or a formula with data=.")
    names = list(model.exog_names)
    beta = assumed_effects(names, fit, params, values)
    if covariances is not None:
        covariances = check_covariances(
            covariances, model.terms, "covariances=", relative=False
        )
    elif fit is not None:
        covariances = fit.covariances
    else:
        raise DataError(
            "covariances= is needed: one covariance matrix of the random effects per "
            f"term, {', '.join(f'({t.text})' for t in model.terms)}."
        )
    truth = truth_of(
        model.engine,
        beta=beta,
        covariances=covariances,
        sigma2=assumed_scale(model, fit, sigma, dispersion),
        # a model that was not fitted would be by its default
        reml=not hasattr(model, "family") if fit is None else fit.reml,
    )
    return (truth if fit is not None else truth.on(truth.design)), options


def _with_placeholder(formula, data, family):
    """The model of a formula, with any response that the family can have."""
    if data is None:
        raise DataError("A formula needs data=, with the columns of the design.")
    spec = parse_formula(formula, tuple(STRUCTURES), trials=family is not None)
    name = bare_name(spec.response or "")
    if not name.isidentifier():
        raise DataError(
            f"The response {name!r} must be a plain name here, as it is simulated; "
            "else build the model with any response, and pass that."
        )
    table = Table.from_data(data)
    # without a pattern that the design could reproduce
    response = np.random.default_rng(0).integers(0, 2, table.nobs)
    columns = {c: table.column(c) for c in table.names if c != name}
    frame = pd.DataFrame(columns, index=table.index)
    if family is None:
        return lmm(formula, frame.assign(**{name: 1.0 * response}), eval_env=2)
    family = as_family(family)
    response = response if takes_trials(family) else 1 + response
    return glmm(formula, frame.assign(**{name: response}), family, eval_env=2)
