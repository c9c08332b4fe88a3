"""Formula shortcuts: `lmm`, `glmm`, and a drop-in for statsmodels' `mixedlm`."""

from __future__ import annotations

from .glmm import GLMM
from .lmm import LMM
from .mixedlm import mixedlm


def lmm(
    formula,
    data,
    weights=None,
    offset=None,
    subset=None,
    missing="drop",
    eval_env=0,
):
    """Linear mixed model from a formula in lme4's notation.

    Parameters
    ----------
    formula : str
        Such as ``"y ~ x + (1 + x | subject) + (1 | item)"``.
    data : DataFrame, dict, ...
        pandas, polars, pyarrow or a dict of columns.
    weights, offset : str or array_like, optional
        Column name, or one value per row of `data`. The residual variance of row i
        is ``sigma^2 / w_i``; rows of weight zero are left out.
    subset : array_like, optional
        Boolean mask or positions of the rows to use.
    missing : {"drop", "raise"}
        What to do with rows in which anything that is used is missing.
    eval_env : int or dict
        Where names that are not columns are looked up: 0 is the caller.

    Returns
    -------
    LMM
        Call ``.fit()`` on it.

    Raises
    ------
    FormulaError, MissingColumnError, DataError, IdentifiabilityError

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> res.params.round(3).to_dict()
    {'Intercept': 251.405, 'Days': 10.467}
    """
    if isinstance(eval_env, int):
        eval_env += 1
    return LMM.from_formula(
        formula,
        data,
        weights=weights,
        offset=offset,
        subset=subset,
        missing=missing,
        eval_env=eval_env,
    )


def glmm(
    formula,
    data,
    family="binomial",
    weights=None,
    offset=None,
    exposure=None,
    n_trials=None,
    subset=None,
    missing="drop",
    eval_env=0,
):
    """Generalized linear mixed model from a formula in lme4's notation.

    Parameters
    ----------
    formula : str
        Such as ``"y ~ x + (1 + x | subject)"``; the response of a binomial family may
        be ``cbind(successes, failures)``.
    data : DataFrame, dict, ...
        pandas, polars, pyarrow or a dict of columns.
    family : Family, statsmodels family, or str
        Distribution of the response, with its link.
    weights : str or array_like, optional
        Prior weights; numbers of trials of a response that holds proportions.
    offset, exposure : str or array_like, optional
        Known part of the linear predictor; or, for a log link, what it is the
        logarithm of.
    n_trials : str or array_like, optional
        Numbers of trials of a response that holds proportions.
    subset : array_like, optional
        Boolean mask or positions of the rows to use.
    missing : {"drop", "raise"}
        What to do with rows in which anything that is used is missing.
    eval_env : int or dict
        Where names that are not columns are looked up: 0 is the caller.

    Returns
    -------
    GLMM
        Call ``.fit()`` on it.

    Raises
    ------
    FormulaError, MissingColumnError, DataError, FamilyError, IdentifiabilityError

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("cbpp")
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> res = smm.glmm(formula, data, family="binomial").fit()
    >>> round(float(res.llf), 4)
    -92.0263
    """
    if isinstance(eval_env, int):
        eval_env += 1
    return GLMM.from_formula(
        formula,
        data,
        family=family,
        weights=weights,
        offset=offset,
        exposure=exposure,
        n_trials=n_trials,
        subset=subset,
        missing=missing,
        eval_env=eval_env,
    )


__all__ = ["glmm", "lmm", "mixedlm"]
