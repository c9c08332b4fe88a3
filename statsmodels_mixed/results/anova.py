"""Analysis of variance: of one model, or of several by likelihood ratios."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import ComparisonError, DataError, check_option
from ..fitting import deliver
from ..inference.likelihood.chibar import chi_bar_square, n_variances
from ..inference.likelihood.likelihoods import stated
from ..inference.likelihood.lrt import BOUNDARY, compare_fits
from ..inference.likelihood.ratio import exact_zero

REFITTED = "Refitted by ML, since REML criteria depend on the fixed effects: {}."
ONE = (
    "Where a variance is set to its bound of zero, pvalue is conservative; "
    "pvalue_mixture refers to 0.5 chi2(df - 1) + 0.5 chi2(df)."
)
SEVERAL = (
    "Where several variances are set to zero at once, pvalue is conservative; the "
    "weights of their mixture are not known."
)
SINGULAR = (
    "{} has a variance of zero already, so both p-values of the larger model are rough."
)
COLUMNS = ["npar", "aic", "bic", "loglik", "deviance", "chi2", "df", "pvalue"]
MIXTURE = "pvalue_mixture"


@dataclass(frozen=True, eq=False)
class AnovaComparison:
    """Likelihood-ratio comparison of nested models.

    Attributes
    ----------
    table : DataFrame
        One row per model, by number of parameters: npar, aic, bic, loglik, deviance
        (``-2 loglik``); and against the model above it chi2, df, pvalue. Where one
        variance is tested there is also pvalue_mixture, of the equal mixture of
        chi-squares with ``df - 1`` and ``df`` degrees of freedom (Self and Liang 1987;
        Stram and Lee 1994).
    models : dict
        Name of each model to its formula.
    notes : tuple of str
        Which models were refitted, and what to mind when reading the p-values.
    """

    table: pd.DataFrame
    models: dict
    notes: tuple = ()

    def __repr__(self):
        lines = [f"{name}: {formula}" for name, formula in self.models.items()]
        table = self.table.to_string(
            formatters=dict.fromkeys(("pvalue", MIXTURE), _short), na_rep=""
        )
        return "\n".join(["Likelihood-ratio tests", *lines, "", table, "", *self.notes])


def _short(pvalue):
    return "" if np.isnan(pvalue) else f"{pvalue:.4g}"


def anova(*results, refit=True, names=None, type=None, df_method=None):
    """Compare nested models by likelihood ratios, or test the terms of one model.

    Parameters
    ----------
    *results : results
        Of this package; the smaller ones may be statsmodels' OLS or GLM results. For
        one alone ``res.anova(type, df_method)`` is returned.
    refit : bool
        Whether REML fits are refitted by ML first. Without, those with the same fixed
        effects can be compared.
    names : sequence of str, optional
        Rows of the table; "model 1", ... in the order given by default.
    type, df_method
        For one model: see its ``anova``.

    Returns
    -------
    AnovaComparison, or DataFrame

    Raises
    ------
    ComparisonError
        Different data, families or criteria, or models that are not nested.
    DataError
        No results, another number of names, options that are not for what is asked.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> small = smm.lmm("Reaction ~ Days + (1 | Subject)", data).fit()
    >>> large = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> anova(small, large).table[["npar", "deviance", "chi2", "df"]].round(3)
             npar  deviance    chi2    df
    model 1     4  1794.079     NaN  <NA>
    model 2     6  1751.939  42.139     2
    """
    check_option("refit", refit, (True, False))
    _check_results(results)
    if len(results) == 1 and hasattr(results[0], "fit_record"):
        if names is not None or not refit:
            raise DataError(
                "names= and refit= are for the comparison of several models; leave "
                "them out for the table of one."
            )
        return results[0].anova(3 if type is None else type, df_method)
    if len(results) < 2:
        raise DataError("anova() takes results of this package, one or several.")
    if type is not None or df_method is not None:
        raise DataError(
            "type= and df_method= are for the table of one model; several are compared "
            "by likelihood ratios."
        )
    return compare_nested(results, refit, _names(names, len(results)))


def _check_results(results):
    """Refuse arguments that are not the results of a fit."""
    for number, given in enumerate(results, start=1):
        if isinstance(given, (list, tuple)):
            raise DataError(
                f"anova(): argument {number} is a {given.__class__.__name__}; give "
                "the results one by one, anova(first, second)."
            )
        if not hasattr(getattr(given, "model", None), "endog"):
            raise DataError(
                f"anova(): argument {number} is {given!r:.60}, not the results of a "
                "model's fit()."
            )


def _names(names, count):
    out = [f"model {i + 1}" for i in range(count)] if names is None else list(names)
    if len(out) != count or len(set(out)) < count:
        raise DataError(f"names= takes {count} different names, one per model.")
    return [str(name) for name in out]


def compare_nested(results, refit, names):
    """Likelihood-ratio table of results; see `anova`.

    Parameters
    ----------
    results : sequence of results
    refit : bool
    names : list of str

    Returns
    -------
    AnovaComparison
    """
    again = [refit and getattr(r, "reml", False) for r in results]
    results = [_by_ml(r) if a else r for r, a in zip(results, again, strict=True)]
    said = [stated(r) for r in results]
    order = sorted(range(len(results)), key=lambda i: said[i].n_parameters)
    rows = {names[i]: _criteria(said[i]) for i in order}
    lost = [names[i] for i in order if again[i]]
    notes = [REFITTED.format(", ".join(lost))] if lost else []
    for smaller, larger in itertools.pairwise(order):
        pair = names[smaller], names[larger]
        fits, turned = (results[smaller], results[larger]), smaller < larger
        row, remarks = _compared(fits, pair, turned)
        rows[pair[1]] |= row
        notes += [remark for remark in remarks if remark not in notes]
    table = pd.DataFrame.from_dict(rows, orient="index")
    tested = MIXTURE in table and table[MIXTURE].notna().any()
    table = table[[*COLUMNS, MIXTURE] if tested else COLUMNS]
    models = {names[i]: _formula(results[i]) for i in order}
    return AnovaComparison(table.astype({"df": "Int64"}), models, tuple(notes))


def _criteria(said):
    deviance, k = -2.0 * said.llf, said.n_parameters
    return {
        "npar": k,
        "aic": deviance + 2.0 * k,
        "bic": deviance + np.log(len(said.endog)) * k,
        "loglik": said.llf,
        "deviance": deviance,
    }


def _compared(fits, names, turned):
    """Test of one model against the next, and what to say about it.

    Parameters
    ----------
    fits, names : tuple
        The smaller model, then the larger one.
    turned : bool
        Whether the user gave them in this order.
    """
    smaller, larger = fits
    try:
        test = compare_fits(larger, smaller, names[::-1], turned)
    except ComparisonError as error:
        both = " and ".join(names if turned else names[::-1])
        raise ComparisonError(f"{both}: {error}") from None
    chi2 = exact_zero(test.statistic)
    numbers = [n_variances(getattr(r.model, "terms", ())) for r in fits]
    added = max(numbers[1] - numbers[0], 0)
    mixture, _ = chi_bar_square(chi2, test.df_diff, added)
    notes = [ONE if added == 1 else SEVERAL] if added else []
    notes += [SINGULAR.format(names[0])] if getattr(smaller, "singular", ()) else []
    rest = test.note.replace(BOUNDARY, "").strip()
    notes += [f"{names[1]}: {rest}"] if rest else []
    row = {"chi2": chi2, "df": test.df_diff, "pvalue": test.pvalue}
    return row | {MIXTURE: mixture if added else np.nan}, notes


def _by_ml(results):
    """The same model fitted by ML."""
    model, options = results.model, results.options
    if model.endog is None:
        stated(results)  # which says what is missing
    return model._wrap(deliver(model.engine.fit(False, options)), "normal", options)


def _formula(results):
    model = results.model
    for name in ("formula_full", "formula"):
        if text := getattr(model, name, None):
            return text
    terms = [f"({term.text})" for term in getattr(model, "terms", ())]
    return f"{model.endog_names} ~ {' + '.join([*model.exog_names, *terms])}"
