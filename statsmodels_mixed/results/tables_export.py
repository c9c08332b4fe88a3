"""Estimates and figures of a fit in the forms that table packages read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import DataError, check_level

# alpha of the intervals that maketables can print
INTERVALS = {"ci95": 0.05, "ci90": 0.10}
# maketables' own words for figures that have another label here
KEYS = {"N": "Observations", "ll": "Log-likelihood", "aic": "AIC", "bic": "BIC"}


class ScaleRow(NamedTuple):
    """A standard deviation, a correlation or a dispersion, and what it is called."""

    group: str
    term: str
    label: str
    value: float
    name: str  # in `variance_params`


def scale_row(group, effect, effect2, value):
    """The row of one entry of ``varcorr()``.

    Examples
    --------
    >>> scale_row("Subject", "Days", None, 1.0).label
    'SD Days | Subject'
    >>> scale_row("Residual", None, None, 1.0).label
    'SD Residual'
    """
    if not isinstance(effect, str):
        return ScaleRow(group, "SD", f"SD {group}", value, "sigma")
    paired = isinstance(effect2, str)
    term = f"Corr. {effect}, {effect2}" if paired else f"SD {effect}"
    name = f"cor_{effect2}.{effect}" if paired else f"sd_{effect}"
    return ScaleRow(group, term, f"{term} | {group}", value, f"{name}|{group}")


class TableExports:
    """Mixin for results: tidy frames, and the hooks of table packages."""

    def tidy(self, alpha=0.05):
        """Every estimate as a row: fixed effects, then standard deviations.

        Parameters
        ----------
        alpha : float
            One minus the level of the intervals, between 0 and 1.

        Returns
        -------
        DataFrame
            Columns as in R's broom.mixed: effect (``"fixed"`` or ``"ran_pars"``),
            group, term, estimate, std_error, df, statistic, p_value, conf_low,
            conf_high. Standard errors and intervals of standard deviations and
            correlations are those of `variance_params`, where it has any.

        Raises
        ------
        DataError
            `alpha` is not between 0 and 1.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> res.tidy()[["effect", "group", "term", "estimate"]].round(2)
             effect     group          term  estimate
        0     fixed               Intercept   1527.50
        1  ran_pars     Batch  SD Intercept     42.00
        2  ran_pars  Residual            SD     49.51
        """
        check_level(alpha, "alpha")
        interval = np.asarray(self.conf_int(alpha=alpha)).reshape(-1, 2)
        fixed = pd.DataFrame(
            {
                "effect": "fixed",
                "group": "",
                "term": self.model.exog_names,
                "estimate": self._params,
                "std_error": np.asarray(self.bse),
                "df": self._df_of_parameters(),
                "statistic": np.asarray(self.tvalues),
                "p_value": np.asarray(self.pvalues),
                "conf_low": interval[:, 0],
                "conf_high": interval[:, 1],
            }
        )
        rows = self._scale_rows()
        columns = {"effect": "ran_pars", "group": [r.group for r in rows]}
        columns |= {"term": [r.term for r in rows]}
        scales = pd.DataFrame(columns | {"estimate": [r.value for r in rows]})
        errors = self._variance_errors(alpha).reindex([r.name for r in rows])
        scales[["std_error", "conf_low", "conf_high"]] = errors.to_numpy()
        parts = [part for part in (fixed, scales) if len(part)]
        return pd.concat(parts, ignore_index=True)

    def glance(self):
        """Figures of the whole fit as a single row.

        Returns
        -------
        DataFrame
            Columns nobs, one ``levels_`` column per grouping factor, method,
            loglike, aic, bic, and df_params, the number of parameters. Without a
            likelihood (PQL) loglike, aic and bic are NaN.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> res.glance().round(2).to_dict("records")[0]
        {'nobs': 30, 'levels_Batch': 6, 'method': 'REML', 'loglike': -159.83, \
'aic': 325.65, 'bic': 329.86, 'df_params': 3}
        """
        row = {"nobs": int(self.nobs)}
        row |= {f"levels_{group}": int(m) for group, m in self.ngroups.items()}
        row["method"] = self.method
        for name, attribute in (("loglike", "llf"), ("aic", "aic"), ("bic", "bic")):
            value = getattr(self, attribute) if self.has_likelihood else np.nan
            row[name] = float(value)
        row["df_params"] = int(self.df_modelwc)
        return pd.DataFrame([row])

    def _df_of_parameters(self):
        return np.broadcast_to(self.df_resid_inference, self._params.shape)

    def _variance_errors(self, alpha):
        """Standard errors and limits by name; none after quasi-likelihood."""
        columns = ["std err", "lower", "upper"]
        try:
            return self.variance_params(alpha)[columns]
        except DataError:
            return pd.DataFrame(columns=columns, dtype=float)

    def _scale_rows(self):
        """Standard deviations, correlations, and the dispersion where there is one."""
        frame = self.varcorr()[["group", "effect", "effect2", "sdcor"]]
        out = [scale_row(*entry) for entry in frame.itertuples(index=False)]
        name = getattr(getattr(self, "family", None), "dispersion_name", None)
        if name:
            label = name.capitalize()
            out.append(ScaleRow("", name, label, self.dispersion, "dispersion"))
        return out

    def _figures(self):
        """What stands under the estimates of a published table: label to figure."""
        out = {row.label: float(row.value) for row in self._scale_rows()}
        glance = self.glance().iloc[0]
        out["Observations"] = int(glance.nobs)
        out |= {f"Levels of {group}": int(m) for group, m in self.ngroups.items()}
        out["Method"] = self.method
        if self.has_likelihood:
            figures = {"Log-likelihood": glance.loglike, "AIC": glance.aic}
            out |= {**figures, "BIC": glance.bic}
        return out

    # ---- hooks --------------------------------------------------------------

    @property
    def default_model_infos(self):
        """Rows that statsmodels' ``summary_col`` puts under the estimates."""
        return {label: _shown(label) for label in self._figures()}

    @property
    def __maketables_coef_table__(self):
        table = self.tidy().query("effect == 'fixed'").set_index("term")
        out = table[["estimate", "std_error", "statistic", "p_value", "df"]]
        out = out.set_axis(["b", "se", "t", "p", "df"], axis=1)
        for name, alpha in INTERVALS.items():
            interval = np.asarray(self.conf_int(alpha=alpha))
            out[[f"{name}l", f"{name}u"]] = interval
        out.index.name = "Coefficient"
        return out

    def __maketables_stat__(self, key):
        if key == "se_type":
            return self.cov_type
        return self._figures().get(KEYS.get(key, key))

    @property
    def __maketables_depvar__(self):
        return self.endog_name

    @property
    def __maketables_vcov_info__(self):
        return {"vcov_type": self.cov_type, "clustervar": None}

    @property
    def __maketables_default_stat_keys__(self):
        return list(self._figures())


def _shown(label):
    """A function from results to the text of one figure, as summary_col wants it."""

    def show(results):
        value = results._figures()[label]
        return f"{value:.4f}" if isinstance(value, float) else str(value)

    return show
