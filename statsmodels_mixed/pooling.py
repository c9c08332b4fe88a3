"""Levels of a grouping factor fitted alone, together, and by a mixed model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from .errors import DataError, FormulaError, IdentifiabilityError, check_level
from .fitting.level_regressions import LevelRegressions
from .formula.scanner import scan
from .inference.variances.levels import LevelModel
from .models import LMM
from .models.namespace import caller_namespace
from .plotting.pooling import plot_pooling

SHOWN = 5  # levels that a finding names
METHODS = ("complete", "partial", "none")
WHY = "there are fewer rows than effects, or an effect does not vary by itself"


@dataclass(frozen=True, eq=False, repr=False)
class LevelFits:
    """One least-squares fit per level of a grouping factor.

    Attributes
    ----------
    group : str
    coefficients, bse : DataFrame, levels x effects
        Estimates and standard errors, the latter by the pooled `sigma`; NaN for levels
        that cannot be fitted.
    sigma : float
        Residual standard deviation, pooled over the levels.
    df_resid : int
        Its degrees of freedom.
    level_sigma : Series
        Residual standard deviation of each level, NaN without degrees of freedom.
    nobs : Series
        Rows of each level.
    findings : tuple of str
        What to mind, such as levels that cannot be fitted.
    """

    group: str
    coefficients: pd.DataFrame
    bse: pd.DataFrame
    sigma: float
    df_resid: int
    level_sigma: pd.Series
    nobs: pd.Series
    findings: tuple = field(default=())

    def conf_int(self, alpha=0.05):
        """Intervals by Student's t and the pooled standard deviation, tidy.

        Parameters
        ----------
        alpha : float
            One minus the level of the intervals.

        Returns
        -------
        DataFrame
            Columns level, effect, estimate, se, lower, upper.
        """
        columns = self.coefficients.to_numpy(), self.bse.to_numpy(), self.df_resid
        index, effects = self.coefficients.index, self.coefficients.columns
        return _tidy(index, effects, *columns, _checked_alpha(alpha))

    def __repr__(self):
        head = (
            f"{len(self.coefficients)} least-squares fits by {self.group}; residual sd "
            f"{self.sigma:.4g} on {self.df_resid} degrees of freedom"
        )
        return "\n".join([head, repr(self.coefficients), *self.findings])


def lmlist(
    formula,
    data,
    weights=None,
    offset=None,
    subset=None,
    missing="drop",
    eval_env=0,
):
    """One least-squares fit for each level of a grouping factor.

    Parameters
    ----------
    formula : str
        Such as ``"y ~ x | g"``: fixed effects, and the factor after the bar.
    data : DataFrame, dict, ...
        pandas, polars, pyarrow or a dict of columns.
    weights, offset : str or array_like, optional
        Column name, or one value per row of `data`.
    subset, missing, eval_env
        As for `lmm`.

    Returns
    -------
    LevelFits

    Raises
    ------
    FormulaError
        No bar, or more than one grouping factor.
    IdentifiabilityError
        No level can be fitted.

    Notes
    -----
    Factors, splines and centred columns are coded from all rows, not anew in each
    level, so that coefficients of levels mean the same. As ``lmList`` of R's nlme and
    lme4 with a pooled standard deviation.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> fits = lmlist("Reaction ~ Days | Subject", data)
    >>> fits.coefficients.round(2).head(2)
             Intercept  Days
    Subject
    308         244.19  21.76
    309         205.05   2.26
    >>> round(fits.sigma, 3), fits.df_resid
    (25.592, 144)
    """
    namespace = eval_env
    if isinstance(eval_env, int):
        namespace = caller_namespace(eval_env + 1)
    model = LMM.from_formula(
        _with_random_term(formula),
        data,
        weights=weights,
        offset=offset,
        subset=subset,
        missing=missing,
        eval_env=namespace,
    )
    return _level_fits(model.design, model.kept)


def _with_random_term(formula):
    """The formula of a model with the same rows and columns."""
    source = scan(formula)
    depth = np.cumsum([(t.code == "(") - (t.code == ")") for t in source.tokens])
    bars = [
        t for t, d in zip(source.tokens, depth, strict=True) if t.code == "|" and not d
    ]
    if len(bars) != 1:
        raise FormulaError(
            "lmlist takes one grouping factor after a bar, as in 'y ~ x | g'.",
            source.text,
            bars[1].start if bars else None,
        )
    (bar,) = bars
    group = source.text[bar.end :].strip()
    if not group or any(t.code in "/+*" for t in source.tokens if t.start > bar.start):
        raise FormulaError(
            "After the bar stands one grouping factor; cross two as 'a:b'.",
            source.text,
            bar.start,
        )
    return f"{source.text[: bar.start].strip()} + (1 | {group})"


def _level_fits(design, kept):
    """`LevelFits` of a design with a single random intercept."""
    (term,) = design.terms
    codes, index = term.grouping.codes, term.grouping.index
    mean = design.mean
    names = [mean.exog_names[j] for j in kept]
    endog = design.endog if mean.offset is None else design.endog - mean.offset
    own = LevelRegressions(mean.exog[:, kept], codes, len(index), design.weights)
    if not own.determined.any():
        raise IdentifiabilityError(
            f"No level of {term.group} can be fitted: in each of them {WHY}."
        )
    coefficients, residuals = own.regress(endog[:, None])
    squares = own.squares(residuals[:, 0])
    free = own.counts - len(kept)
    df = int(free[own.determined].sum())
    sigma = np.sqrt(squares[own.determined].sum() / df) if df else np.nan
    inverse = np.diagonal(own.inverse(), axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        own_sigma = np.sqrt(squares / np.where(free > 0, free, np.nan))

    def frame(values):
        return pd.DataFrame(values, index=index, columns=names)

    return LevelFits(
        term.group,
        frame(coefficients[..., 0]),
        frame(sigma * np.sqrt(inverse)),
        float(sigma),
        df,
        pd.Series(own_sigma, index=index, name="sigma"),
        pd.Series(own.counts, index=index, name="nobs"),
        _undetermined(term.grouping, own.determined),
    )


def _undetermined(grouping, determined):
    """A finding that names the levels which cannot be fitted alone."""
    lost = np.flatnonzero(~determined)
    if not len(lost):
        return ()
    named = ", ".join(map(str, grouping.labels()[lost[:SHOWN]]))
    named += ", ..." if len(lost) > SHOWN else ""
    return (
        f"{len(lost)} of {len(determined)} levels of {grouping.name} cannot be fitted "
        f"alone and are NaN ({named}): {WHY}.",
    )


@dataclass(frozen=True, eq=False, repr=False)
class Pooling:
    """Coefficients of the levels of a grouping factor by three ways of pooling.

    Attributes
    ----------
    table : DataFrame
        One row per level, effect and method: level, effect, method, estimate, se,
        lower, upper. Methods are ``"complete"`` (least squares without random effects),
        ``"partial"`` (the mixed model) and ``"none"`` (every level by itself).
    sigma : dict
        Residual standard deviation by method.
    result : LMMResults
        The mixed model.
    group : str
    findings : tuple of str
        What to mind.
    alpha : float
        One minus the level of the intervals.
    """

    table: pd.DataFrame
    sigma: dict
    result: object
    group: str
    findings: tuple = ()
    alpha: float = 0.05

    def plot(self, axes=None):
        """Draw the estimates of all levels, a panel per effect; see `plot_pooling`."""
        return plot_pooling(self.table, axes, self.group, self.alpha)

    def __repr__(self):
        wide = self.table.pivot(
            index="level", columns=["effect", "method"], values="estimate"
        )
        levels = list(dict.fromkeys(self.table.level))
        order = pd.MultiIndex.from_product([dict.fromkeys(self.table.effect), METHODS])
        shown = wide.reindex(index=levels, columns=order).rename_axis(self.group)
        return "\n".join([repr(shown), *self.findings])


def pooling(model, data=None, group=None, alpha=0.05, eval_env=0, **arguments):
    """Complete, no and partial pooling of the levels of a grouping factor.

    Parameters
    ----------
    model : str or LMMResults
        A formula such as ``"y ~ x + (x | g)"``, which is fitted by REML, or a fit.
    data : DataFrame, dict, ...
        For a formula.
    group : str, optional
        Grouping factor; not needed where there is one.
    alpha : float
        One minus the level of the intervals.
    eval_env : int or dict
        Where names in a formula that are not columns are looked up: 0 is the caller.
    **arguments
        Further ones of `lmm`, for a formula: ``weights=``, ``offset=``, ``subset=``,
        ``missing=``.

    Returns
    -------
    Pooling

    Raises
    ------
    DataError
        Not a linear mixed model, or several grouping factors and no `group`.

    Notes
    -----
    All three methods estimate the coefficients of the varying effects in each level.
    Covariates of the level, such as a treatment that is the same in all its rows, are
    part of these coefficients, so that lines of different levels can be compared; other
    fixed effects are shared by all levels in every method. No pooling is the mixed
    model with unbounded variances, complete pooling that with variances of zero.
    Intervals use Student's t for least squares, and the normal distribution for the
    mixed model, whose standard errors hold the uncertainty of fixed effects and
    conditional modes, but not that of the variances. Other random effects than those
    of the factor are in partial pooling only. With crossed factors of few levels the
    mean of all rows is uncertain, and with it every level's coefficient: intervals that
    overlap then do not say that levels do not differ (see `plot_modes` of results).

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> compared = pooling("Reaction ~ Days + (Days | Subject)", data)
    >>> slopes = compared.table.query("effect == 'Days' and level == '335'")
    >>> slopes[["method", "estimate", "se"]].round(2)
          method  estimate    se
    26  complete     10.47  1.24
    62   partial     -0.28  2.34
    98      none     -2.88  2.82
    """
    if isinstance(model, str):
        if isinstance(eval_env, int):
            eval_env += 1
        model = LMM.from_formula(model, data, eval_env=eval_env, **arguments).fit()
    elif data is not None or arguments:
        raise DataError("data= and other arguments go with a formula, not with a fit.")
    if not isinstance(getattr(model, "model", None), LMM):
        raise DataError("pooling takes a formula or results of a linear mixed model.")
    alpha, fit = _checked_alpha(alpha), model._fit_with_rows("pooling")
    levels = LevelModel(fit, _find_factor(fit.design, group))
    ways = levels.together(), levels.partial(), levels.separate()
    index, effects, parts = levels.grouping.index, levels.effects, []
    for method, way in zip(METHODS, ways, strict=True):
        columns = way.estimates, np.sqrt(way.variances), way.df
        parts.append(_tidy(index, effects, *columns, alpha))
        parts[-1].insert(2, "method", method)
    findings = _undetermined(levels.grouping, levels.determined)
    name = levels.grouping.name
    others = [f"({t.text})" for t in fit.design.terms if t.group != name]
    if others:
        findings += (f"Complete and no pooling leave out {', '.join(others)}.",)
    return Pooling(
        pd.concat(parts, ignore_index=True),
        {method: way.sigma for method, way in zip(METHODS, ways, strict=True)},
        model,
        name,
        findings,
        alpha,
    )


def _find_factor(design, group):
    names = [design.terms[terms[0]].group for terms in design.factors]
    if group is None and len(names) == 1:
        return 0
    if group in names:
        return names.index(group)
    if not names:
        raise DataError("The model has no random effects, so there are no levels.")
    listed = ", ".join(map(repr, names))
    said = "Say" if group is None else f"group={group!r} is not one of them; say"
    raise DataError(f"{said} which grouping factor to pool over by group=: {listed}.")


def _checked_alpha(alpha):
    check_level(alpha, "alpha")
    return alpha


def _tidy(index, effects, estimates, errors, df, alpha):
    """One row per level and effect, with the interval of Student's t."""
    m, k = estimates.shape
    reach = stats.t.ppf(1.0 - alpha / 2.0, df) if df > 0 else np.nan
    estimate, se = estimates.T.ravel(), errors.T.ravel()
    return pd.DataFrame(
        {
            "level": np.tile(np.asarray(index, dtype=object), k),
            "effect": np.repeat(list(effects), m),
            "estimate": estimate,
            "se": se,
            "lower": estimate - reach * se,
            "upper": estimate + reach * se,
        }
    )
