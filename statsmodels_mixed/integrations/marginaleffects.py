"""Our results as a model of marginaleffects: predictions, comparisons, slopes.

marginaleffects reads statsmodels' results by their formula alone: it evaluates the
text again on every new frame, so that a spline or a standardisation learns another
basis, it does not know offsets, and it refers every test to one number of degrees of
freedom, rows minus columns. `as_model` gives it the columns, the offset, the covariance
and the degrees of freedom of the fit.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import stats

from ..errors import DataError, check_option
from ..prediction import linear_variances, marginal_mean, new_rows, select_effects
from ..prediction.linear import conditional_part
from .modeldata import ModelData

WHICH = ("mean", "linear")
# Families and links of which marginaleffects has derivatives
EXACT = {
    "binomial": ("logit", "probit", "cloglog"),
    "poisson": ("log", "identity", "sqrt"),
    "gamma": ("inverse", "log", "identity"),
    "gaussian": ("identity", "log"),
}
# Degrees of freedom that stand for a normal distribution in joint tests
INFINITE = 1e9


def as_model(results, df_method=None, random="none", which="mean", new_levels="error"):
    """Wrap results for ``predictions``, ``comparisons``, ``slopes``, ``hypotheses``.

    Parameters
    ----------
    results : LMMResults, GLMMResults or PQLResults
        Of a model built from a formula, with its data.
    df_method : str, optional
        Covariance matrix and degrees of freedom, as for ``results.fixed_tests``; by
        default those of the fit, cluster-robust ones included.
    random : {"none", "conditional", "marginal"}
        Random effects of zero, the conditional modes (which standard errors then take
        as known), or, for a GLMM, integrated over their distribution: effects in the
        population.
    which : {"mean", "linear"}
        For a GLMM, on the scale of the response or of the linear predictor.
    new_levels : {"error", "population"}
        For ``random="conditional"``: levels that were not there when fitting.

    Returns
    -------
    marginaleffects.classes.ModelAbstract
        With a further method ``with_df(table)``. What marginaleffects prints refers
        all rows to the smallest degrees of freedom of a coefficient; ``with_df``
        gives every row of the table its own.

    Raises
    ------
    DataError
        A model without formula or data, an option that is not one.
    ImportError
        marginaleffects is not installed.

    Notes
    -----
    A part of the linear predictor that was given as an array (``offset=`` or
    ``exposure=``) is the column ``known_offset``, on the scale of the linear predictor,
    of the data that marginaleffects starts from; frames given as ``newdata=`` must
    have it. Columns whose names marginaleffects needs for itself (``group``, ``term``,
    ``type``, ...) are left out where the fixed effects do not use them.
    Text columns, and numbers inside ``C()``, are categories here.

    marginaleffects derives slopes in the parameters by short steps, which leaves their
    standard errors three or four correct figures. A linear mixed model is linear in
    them: ``avg_slopes(model, eps_vcov=1.0)`` is exact.

    Examples
    --------
    The call needs marginaleffects, so it is not run here::

        from marginaleffects import avg_slopes
        from statsmodels_mixed.integrations.marginaleffects import as_model

        model = as_model(res, df_method="kenward-roger")
        print(model.with_df(avg_slopes(model)))
    """
    check_option("random", random, tuple(RANDOM))
    check_option("which", which, WHICH)
    check_option("new_levels", new_levels, ("error", "population"))
    results = getattr(results, "_results", results)
    if random == "marginal" and not hasattr(results, "family"):
        raise DataError(
            "random='marginal' is for GLMMs: in a linear mixed model the mean over "
            "random effects is that at zero, random='none'."
        )
    data = ModelData(results, random)
    tests = results.fixed_tests(df_method)
    return _adapter()(results, data, tests, random, which, new_levels)


def _without(rows, new_levels):
    """Random effects of zero: nothing known, no variance."""
    return 0.0, 0.0


def _at_modes(rows, new_levels):
    """Conditional modes, taken as known."""
    everything = select_effects(rows.fit.design, None)
    return conditional_part(rows, everything, new_levels), 0.0


def _integrated(rows, new_levels):
    """Variance of the random part, to integrate over."""
    return 0.0, linear_variances(rows.fit, rows)[1]


RANDOM = {"none": _without, "conditional": _at_modes, "marginal": _integrated}


@lru_cache(maxsize=1)
def _adapter():
    """The adapter class; made when asked for, as its base is marginaleffects'."""
    from marginaleffects.classes import ModelAbstract

    return type("MixedModel", (MixedModelMethods, ModelAbstract), {})


class MixedModelMethods:
    """What marginaleffects asks of a model, answered by our results."""

    def __init__(self, results, data, tests, random, which, new_levels):
        from marginaleffects.classes import ModelVault

        self.data, self.tests = data, tests
        self.random, self.which, self.new_levels = random, which, new_levels
        names = np.asarray(results.model.exog_names)
        # names only: the columns come from the design, not from this text
        text = " + ".join(f"`{name}`" for name in data.needed) or "1"
        vault = ModelVault(
            coef=np.asarray(results.params, dtype=float),
            coefnames=names,
            formula=f"1 ~ {text}",
            modeldata=data.frame(),
            package="statsmodels_mixed",
            variable_names=[data.response, *data.predictors],
        )
        super().__init__(results, vault)
        self.set_variable_type(data.response, "numeric")

    @property
    def df_resid(self):
        """Smallest degrees of freedom of a coefficient: one number for all tests."""
        n = len(self.vault.coef)
        return float(np.min(self.tests.df(np.eye(n)))) if n else np.inf

    def get_df(self):
        """The same for joint tests, which want a whole number: infinity is none."""
        return min(self.df_resid, INFINITE)

    def get_vcov(self, vcov=True):
        """Covariance of the fixed effects that the tests of the fit use."""
        if vcov is False or vcov is None:
            return None
        if isinstance(vcov, str):
            raise DataError(
                f"vcov={vcov!r}: robust covariances belong to the fit here; use "
                ".fit(cov_type='cluster', cov_kwds=...) and vcov=True."
            )
        return np.asarray(self.tests.cov)

    def get_exog(self, newdata):
        """Fixed-effects columns; then, where there is one, known part and variance."""
        columns = self.data.back(newdata)
        offset = newdata[self.data.offset].to_numpy() if self.data.offset else None
        rows = new_rows(self.model.fit_record, columns, offset)
        known, variance = RANDOM[self.random](rows, self.new_levels)
        if self.random == "none" and rows.fit.design.mean.offset is None:
            return rows.exog  # the form in which marginaleffects derives exactly
        known = known + rows.offset
        parts = (rows.exog, *(np.broadcast_to(v, rows.nobs) for v in (known, variance)))
        return np.column_stack(parts)

    def get_predict(self, params, newdata):
        """Predictions at some coefficients, from what `get_exog` returned."""
        import polars as pl

        values, p = np.asarray(newdata, dtype=float), len(self.vault.coef)
        eta, variance = values[:, :p] @ np.asarray(params), 0.0
        if values.shape[1] > p:
            eta, variance = eta + values[:, p], values[:, p + 1]
        estimate = self._mean(eta, variance)
        rowid = pl.Series("rowid", range(len(values)), dtype=pl.Int32)
        return pl.DataFrame([rowid, pl.Series("estimate", estimate)])

    def get_autodiff_args(self):
        """What marginaleffects derives exactly, where JAX is there: plain means."""
        family = getattr(self.model, "family", None)
        if family is None or self.which == "linear":
            return {"model_type": "linear", "family": None, "link": None}
        if family.name not in EXACT or family.link.name not in EXACT[family.name]:
            return None
        link = family.link.name
        return {"model_type": "glm", "family": family.name, "link": link}

    def _mean(self, eta, variance):
        family = getattr(self.model, "family", None)
        if family is None or self.which == "linear":
            return eta
        if self.random == "marginal":
            return marginal_mean(family, eta, variance)
        return family.mean(eta)

    def with_df(self, table):
        """A table of marginaleffects with degrees of freedom for each of its rows.

        Parameters
        ----------
        table : MarginaleffectsResult
            Of this model, such as ``avg_slopes(model)``.

        Returns
        -------
        MarginaleffectsResult
            With a column ``df``, and p-values and intervals that use it. For a mean on
            a curved scale the degrees of freedom are those of its linearisation.

        Raises
        ------
        DataError
            The table has no standard errors or no derivatives (``vcov=False``,
            ``transform=``, a joint test), or equivalence tests.
        """
        import polars as pl

        have = set(table.columns)
        if table.jacobian is None or not {"std_error", "statistic"} <= have:
            raise DataError(
                "The table has no standard errors and derivatives; leave vcov=False "
                "and transform= out, and use wald_test of the results for joint tests."
            )
        if "p_value_equiv" in have:
            raise DataError("with_df() does not do equivalence tests; leave them out.")
        df = self.tests.df(np.asarray(table.jacobian))
        estimate, se, statistic = (
            table[name].to_numpy() for name in ("estimate", "std_error", "statistic")
        )
        half = stats.t.ppf(0.5 + 0.5 * table.conf_level, df) * se
        pvalue = 2.0 * stats.t.sf(np.abs(statistic), df)
        with np.errstate(divide="ignore"):
            surprise = -np.log2(pvalue)
        columns = {
            "df": df,
            "p_value": pvalue,
            "s_value": surprise,
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
        out = table.with_columns(**{k: pl.Series(v) for k, v in columns.items()})
        out._meta.mapping["df"] = "Df"  # what is printed, besides what is held
        return out
