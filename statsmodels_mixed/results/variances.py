"""Variance parameters and conditional variances of a fit, as tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import check_level
from ..inference.variances.variance_params import variance_params
from ..printing import printed
from . import tables

ON_BOUND = (
    "Estimates on their bound have no standard error, and those of others in the term "
    "take the bound as given; intervals(method='profile') does not."
)


class VarianceTables:
    """Mixin for results with a ``fit_record``."""

    @property
    def cov_re(self):
        """Covariance of the random effects: grouping factor to DataFrame."""
        return tables.covariance_frames(self.fit_record)

    def varcorr(self):
        """Variances and correlations as a tidy DataFrame.

        The residual variance of a linear mixed model comes last.

        Returns
        -------
        DataFrame
            Columns group, effect, effect2, vcov, sdcor.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> res.varcorr().sdcor.round(3).tolist()
        [42.001, 49.51]
        """
        return tables.varcorr_frame(self.fit_record)

    def variance_params(self, alpha=0.05):
        """Standard deviations and correlations with standard errors and intervals.

        Standard errors are by the delta method, on the scale of the estimates;
        intervals are Wald's for the logarithm of a standard deviation and Fisher's z
        of a correlation. Estimates on the boundary have neither: use
        ``conf_int(method="profile")``.

        Parameters
        ----------
        alpha : float
            One minus the level of the intervals.

        Returns
        -------
        DataFrame
            Columns estimate, std err, lower, upper; rows named as in lme4:
            ``sd_Days|Subject``, ``cor_Days.Intercept|Subject``, ``sigma``.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> res.variance_params()["std err"].round(2).tolist()
        [17.06, 7.15]
        """
        check_level(alpha, "alpha")
        self._fit_with_rows_unless("cov_variance", "variance_params()")
        found = variance_params(self.fit_record)
        lower, upper = found.intervals(1.0 - alpha).T
        columns = {"estimate": found.values, "std err": found.se}
        table = pd.DataFrame(
            columns | {"lower": lower, "upper": upper}, index=found.names
        )
        level = f"{100 * (1 - alpha):g}% intervals"
        title = f"Standard deviations and correlations, {level}"
        on_bound = np.isnan(found.se).any()
        notes = [ON_BOUND] if on_bound else ()
        return printed(table, title, notes)

    @property
    def vcomp(self):
        """Variances, one per varying effect (and the residual's), as a Series."""
        frame = self.varcorr()
        frame = frame[frame.effect2.isna()]
        names = [
            f"{g} {e}" if isinstance(e, str) else g
            for g, e in zip(frame.group, frame.effect, strict=True)
        ]
        return pd.Series(frame.vcov.to_numpy(), index=names, name="vcomp")

    @property
    def random_effects_cov(self):
        """Conditional covariances: per grouping factor an array (m, k, k).

        The fixed effects are held at their estimates, as in lme4's
        ``ranef(condVar=TRUE)``. Between terms that share a factor they are the
        blocks of each term.
        """
        fit = self.fit_record
        conditional = self._conditional_covariances()
        out = {}
        for terms in fit.design.factors:
            blocks = [conditional[t] for t in terms]
            k = sum(b.shape[-1] for b in blocks)
            full = np.zeros((len(blocks[0]), k, k))
            at = 0
            for b in blocks:
                part = slice(at, at + b.shape[-1])
                full[:, part, part] = b
                at = part.stop
            out[fit.design.terms[terms[0]].group] = full
        return out

    @property
    def random_effects_sd(self):
        """Conditional standard deviations: grouping factor to DataFrame."""
        values = [
            np.sqrt(np.diagonal(c, axis1=1, axis2=2))
            for c in self._conditional_covariances()
        ]
        return tables.mode_frames(self.fit_record, values)

    def _conditional_covariances(self):
        self._fit_with_rows_unless("conditional_covariances", "Conditional covariance")
        return self.fit_record.conditional_covariances

    def _fit_with_rows_unless(self, name, what):
        """Refuse after `remove_data`, which keeps a figure once it was asked for."""
        if name not in vars(self.fit_record):
            self._fit_with_rows(what)
