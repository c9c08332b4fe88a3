"""Single-term deletions: of fixed effects (drop1) and of random effects (ranova)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...errors import ComparisonError, DataError
from ..likelihood.chibar import chi2_sf, chi_bar_square, n_variances
from ..likelihood.ratio import contradicts, exact_zero, ratio_error
from .contrasts import fixed_terms, type3
from .reduced import fit_design, random_deletions, with_constraint
from .table import table_of

NONE = "<none>"


def drop1_f(fit, tests):
    """F test of each fixed-effects term that is marginal to no other.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    tests : WaldTests
        Covariance and degrees of freedom (see `fixed_tests`).

    Returns
    -------
    DataFrame
        Columns of `anova_table`.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("oats")
    >>> formula = "Q('yield') ~ Variety * nitro + (1 | Block/Variety)"
    >>> res = smm.lmm(formula, data).fit()
    >>> drop1_f(res.fit_record, res.fixed_tests())[["num_df", "F"]].round(3)
                   num_df      F
    Variety:nitro       2  0.499
    """
    return table_of(fit, tests, _hypotheses(fit))


def _hypotheses(fit):
    fixed = fixed_terms(fit)
    if not fixed.tested():
        raise DataError("The model has no fixed-effects term beside the intercept.")
    return {fixed.terms[i].name: type3(fixed, i) for i in fixed.droppable()}


def drop1_lrt(fit, options):
    """Likelihood-ratio test of each fixed-effects term that is marginal to no other.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
        One by REML is fitted again by ML.
    options : FitOptions
        How to fit the smaller models.

    Returns
    -------
    DataFrame
        One row for the model and one per term: npar, loglik, aic, lrt, df, pvalue.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> drop1_lrt(res.fit_record, res.options)[["npar", "lrt"]].round(3)
            npar     lrt
    <none>     6     NaN
    Days       5  23.537
    """
    full = fit_design(fit, fit.design, options) if fit.reml else fit
    rows = {NONE: _criteria(full)}
    for name, matrix in _hypotheses(fit).items():
        if len(matrix):
            smaller = fit_design(fit, with_constraint(fit, matrix), options)
            rows[name] = _criteria(smaller) | _ratio(full, smaller, name)
        else:
            rows[name] = {}
    table = pd.DataFrame.from_dict(rows, orient="index")
    columns = ["npar", "loglik", "aic", "lrt", "df", "pvalue"]
    table = table.reindex(columns=columns)
    table["pvalue"] = _naive(table)
    return _whole_numbers(table)


def ranova(fit, options, reduce_terms=True):
    """Likelihood-ratio test of each random effect that can be left out.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
        The smaller models are fitted by the same criterion, REML or ML.
    options : FitOptions
        How to fit them.
    reduce_terms : bool
        Whether correlated effects are left out one by one rather than together.

    Returns
    -------
    DataFrame
        One row for the model and one per deletion: npar, loglik, aic, lrt, df,
        pvalue, pvalue_naive, reference. `pvalue` refers to the chi-bar-square
        mixture that `reference` names. It is that of the chi-square distribution,
        which is conservative, where several variances are left out at once.

    Raises
    ------
    DataError
        No random effects.
    ComparisonError
        A smaller model has the higher likelihood.

    Notes
    -----
    As lmerTest's ``ranova`` but for `pvalue`; see `chi_bar_square` for the sources.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> table = ranova(res.fit_record, res.options)
    >>> table[["npar", "lrt", "reference"]].round(3)
                                  npar     lrt                  reference
    <none>                           6     NaN
    Days in (1 + Days | Subject)     4  42.837  0.5 chi2(1) + 0.5 chi2(2)
    """
    rows = {NONE: _criteria(fit)}
    for deletion in random_deletions(fit.design, reduce_terms):
        smaller = fit_design(fit, deletion.design, options, fit.reml)
        row = _criteria(smaller) | _ratio(fit, smaller, deletion.label)
        fewer = n_variances(fit.design.terms) - n_variances(deletion.design.terms)
        pvalue, reference = chi_bar_square(row["lrt"], row["df"], fewer)
        rows[_unused(deletion.label, rows)] = row | {
            "pvalue": pvalue,
            "reference": reference,
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table["pvalue_naive"] = _naive(table)
    table["pvalue"] = table["pvalue"].fillna(table["pvalue_naive"])
    table["reference"] = table["reference"].fillna("")
    columns = ["npar", "loglik", "aic", "lrt", "df", "pvalue", "pvalue_naive"]
    return _whole_numbers(table[[*columns, "reference"]])


def _criteria(fit):
    npar = len(fit.beta) + fit.n_covariance
    deviance = float(fit.deviance)
    return {"npar": npar, "loglik": -0.5 * deviance, "aic": deviance + 2.0 * npar}


def _ratio(full, smaller, label):
    lrt = float(smaller.deviance - full.deviance)
    if contradicts(lrt, ratio_error(full, smaller)):
        raise ComparisonError(
            f"The model without {label} fits better (by {-lrt:.4g} in deviance), so "
            "the larger one has not converged; see its convergence, and fit it from "
            "another start."
        )
    df = len(full.beta) + full.n_covariance
    df -= len(smaller.beta) + smaller.n_covariance
    return {"lrt": exact_zero(lrt), "df": df}


def _naive(table):
    pairs = zip(table["lrt"], table["df"], strict=True)
    return [np.nan if np.isnan(lrt) else chi2_sf(lrt, df) for lrt, df in pairs]


def _unused(label, labels):
    """The label, numbered where two terms are alike."""
    count = 1 + sum(label == known.partition(" #")[0] for known in labels)
    return label if count == 1 else f"{label} #{count}"


def _whole_numbers(table):
    """Numbers of parameters as integers that may be missing."""
    return table.astype({"npar": "Int64", "df": "Int64"})
