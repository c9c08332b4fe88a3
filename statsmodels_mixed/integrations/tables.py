"""Published tables by maketables and stargazer, with what belongs to a mixed model.

Both packages know statsmodels' results and so print the fixed effects of ours. Once
registered they print standard deviations, groups and criteria too.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..results.base import MixedResults
from ..results.wrapper import MixedResultsWrapper

OURS = (MixedResults, MixedResultsWrapper)


def register_maketables():
    """Let ``maketables.ETable`` print the random effects of our results.

    maketables asks its extractors in order, and the one of statsmodels comes before
    the hooks of a results class; this puts one for our results in front. Calling it
    again does nothing.

    Raises
    ------
    ImportError
        maketables is not installed.

    Notes
    -----
    The columns of coefficients that a format can name are b, se, t, p, df and the
    ends of intervals ci95l, ci95u, ci90l, ci90u.
    """
    from maketables import extractors

    class MixedExtractor(extractors.PluginExtractor):
        """Reads the hooks of our results."""

        def can_handle(self, model):
            return isinstance(model, OURS)

        def supported_stats(self, model):
            return set(model.__maketables_default_stat_keys__)

    registry = extractors._EXTRACTOR_REGISTRY
    known = {type(extractor).__qualname__ for extractor in registry}
    if MixedExtractor.__qualname__ not in known:
        registry.insert(0, MixedExtractor())


def register_stargazer():
    """Let ``stargazer`` print the residual standard deviation, and groups.

    Its own reading of statsmodels' results takes the root of the sum of squared
    residuals over ``df_resid`` for a residual standard error. In a mixed model that
    is none: residuals are about the conditional modes, which have used degrees of
    freedom, and for a GLMM they are on the scale of the response.

    Raises
    ------
    ImportError
        stargazer is not installed.
    """
    from stargazer.translators import register_class

    for kind in OURS:
        register_class(kind, stargazer_figures)


def stargazer_figures(results):
    """What stargazer prints of one fit, in its own words.

    Parameters
    ----------
    results : LMMResults, GLMMResults or PQLResults

    Returns
    -------
    dict
    """
    names = pd.Index(results.model.exog_names)
    interval = np.asarray(results.conf_int())
    columns = {
        "cov_values": results.params,
        "cov_std_err": results.bse,
        "p_values": results.pvalues,
        "conf_int_low_values": interval[:, 0],
        "conf_int_high_values": interval[:, 1],
    }
    out = {name: pd.Series(np.asarray(v), names) for name, v in columns.items()}
    absent = ("r2", "r2_adj", "pseudo_r2", "f_statistic", "f_p_value")
    out |= dict.fromkeys(absent)
    levels = "; ".join(f"{m} ({group})" for group, m in results.ngroups.items())
    return out | {
        "cov_names": names.to_numpy(),
        "dependent_variable": results.endog_name,
        "nobs": int(results.nobs),
        "ngroups": levels or None,
        "resid_std_err": getattr(results, "sigma", None),
        "degree_freedom": results.df_model,
        "degree_freedom_resid": results.df_resid,
    }
