"""Tests of terms: what of a model can be left out."""

from __future__ import annotations

from ..errors import check_option
from ..inference.anova.drop import drop1_f, drop1_lrt, ranova
from ..inference.anova.table import anova_table, anova_type
from ..printing import printed

TESTS = ("F", "lrt")


class AnovaMethods:
    """Mixin for results with ``fit_record``, ``options`` and ``fixed_tests``."""

    def anova(self, type=3, df_method=None):
        """Test each term of the fixed effects.

        Parameters
        ----------
        type : {1, 2, 3, "I", "II", "III"}
            Each term given those before it (main effects before interactions); given
            all that do not contain it; or by the marginal hypotheses of SAS, averages
            over the cells of the terms that contain it.
        df_method : str, optional
            As for `fixed_tests`; that of the fit by default.

        Returns
        -------
        DataFrame
            One row per term, not per column: sum_sq, mean_sq, num_df, den_df, F,
            pvalue; by the normal distribution, as for generalized models, chi2, df,
            pvalue. Hypotheses are the same for any coding of the factors. Without a
            formula each column but the constant is a term.

        Raises
        ------
        DataError
            Another type, or no rows are left to compute from.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("cake")
        >>> formula = "angle ~ recipe * temperature + (1 | recipe:replicate)"
        >>> smm.lmm(formula, data).fit().anova()[["num_df", "den_df", "F"]].round(3)
                            num_df  den_df       F
        recipe                   2    42.0   0.249
        temperature              5   210.0  20.520
        recipe:temperature      10   210.0   1.006
        """
        number = anova_type(type)
        fit = self._fit_with_rows("anova")
        table = anova_table(fit, self.fixed_tests(df_method), type)
        return printed(table, f"Type {number} tests{self._tested_by(df_method)}")

    def _tested_by(self, df_method):
        return f" of terms: {self._reference(df_method, 'F')}"

    def drop1(self, test="F", df_method=None):
        """Test each fixed-effects term that is marginal to no other.

        Parameters
        ----------
        test : {"F", "lrt"}
            Wald F test, or likelihood ratio against the refitted smaller model (by
            ML, also for a fit by REML).
        df_method : str, optional
            For the F test, as for `fixed_tests`.

        Returns
        -------
        DataFrame
            Columns of `anova`; or one row for the model and one per term with npar,
            loglik, aic, lrt, df, pvalue.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> res.drop1("lrt")[["npar", "aic", "lrt", "df"]].round(3)
                npar       aic     lrt    df
        <none>     6  1763.939     NaN  <NA>
        Days       5  1785.476  23.537     1
        """
        check_option("test", test, TESTS)
        fit = self._fit_with_rows("drop1")
        if test == "lrt":
            title = "Models without one term: likelihood ratios, by ML"
            return printed(drop1_lrt(fit, self.options), title)
        table = drop1_f(fit, self.fixed_tests(df_method))
        return printed(table, f"Tests{self._tested_by(df_method)}")

    def ranova(self, reduce_terms=True):
        """Test each random effect that can be left out, by likelihood ratios.

        Parameters
        ----------
        reduce_terms : bool
            Whether correlated effects are left out one by one, with their
            covariances, rather than the term as a whole.

        Returns
        -------
        DataFrame
            One row for the model and one per deletion: npar, loglik, aic, lrt, df,
            pvalue, pvalue_naive, reference. A variance of zero lies on the border of
            its range, so `pvalue` refers to the mixture of chi-squares in `reference`
            where one variance is left out; `pvalue_naive` refers to chi-square with
            df degrees of freedom, as lmerTest's ``ranova``.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("pastes")
        >>> res = smm.lmm("strength ~ 1 + (1 | batch/cask)", data).fit()
        >>> res.ranova()[["lrt", "pvalue", "pvalue_naive"]].round(4)
                              lrt  pvalue  pvalue_naive
        <none>                NaN     NaN           NaN
        (1 | batch)        0.6577  0.2087        0.4174
        (1 | batch:cask)  54.6047  0.0000        0.0000
        """
        fit = self._fit_with_rows("ranova")
        table = ranova(fit, self.options, reduce_terms)
        criterion = "REML criterion" if fit.reml else "log-likelihood"
        title = f"Models without one random effect: ratios of the {criterion}"
        return printed(table, title)
