"""Marginal means, slopes and joint tests as methods of the results."""

from __future__ import annotations

from ..inference import df_method_name
from ..inference.means.marginal_means import marginal_means, marginal_slopes
from ..inference.means.marginal_tests import joint_term_tests


class MarginalMeansMethods:
    """Mixin for results with ``fit_record``, ``model`` and ``fixed_tests``."""

    def _means_arguments(self, what, df_method):
        """Fit, tests and data, refused after `remove_data`."""
        fit = self._fit_with_rows(what)
        frame = getattr(self.model.data, "frame", None)
        return fit, self.fixed_tests(df_method), frame

    def _df_description(self, df_method):
        """Degrees of freedom and covariance in words, for the notes."""
        name = df_method_name(df_method or self.df_method)
        robust = self.cov_type == "cluster"
        return f"{name}, with cluster-robust standard errors" if robust else name

    def emmeans(
        self,
        specs,
        by=None,
        at=None,
        weights="equal",
        df_method=None,
        scale="link",
        level=0.95,
        offset=None,
        random="none",
    ):
        """Estimated marginal means, as those of R's emmeans.

        The linear predictor at all combinations of factor levels, covariates at their
        means, averaged over the factors that are not asked for.

        Parameters
        ----------
        specs : str or list of str
            Columns of the data whose levels the means are of; the first varies
            fastest. ``[]`` for the mean of all. ``"a + b | c"`` is a and b by c.
        by : str or list of str, optional
            More such columns, within whose levels contrasts are made.
        at : dict, optional
            Values of covariates, or levels of factors, by name of the column.
        weights : {"equal", "proportional", "outer", "cells"}
            How levels that are averaged over count: equally; by their frequency in the
            data; by the product of the frequencies of each factor; by the frequency
            within each of the cells.
        df_method : str, optional
            As for `fixed_tests`.
        scale : {"link", "response"}
            Of the linear predictor, or back-transformed: through the inverse of the
            link, or the exponential of a response ``log(y)``. The column of means is
            then called prob (binomial), rate (counts) or response.
        level : float
            Level of the intervals.
        offset : float, optional
            Offset of all means. By default expressions in the formula are taken at the
            values of the columns, and an offset given as an array at its mean.
        random : {"none", "marginal"}
            With ``scale="response"`` of a generalized model: the mean at random
            effects of zero, that of a typical group; or the mean over the normal
            random effects, that of a population of groups.

        Returns
        -------
        MarginalMeans
            With ``table``, ``contrast()``, ``pairs()``, ``joint_test()``,
            ``conf_int()``, ``plot()`` and ``notes``.

        Raises
        ------
        DataError
            Unknown columns or levels; a model that was built from arrays, or results
            that do not hold their data; ``random="marginal"`` without a response scale,
            or with effects that vary along columns that are not in the fixed effects.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("cake")
        >>> res = smm.lmm("angle ~ recipe * temp + (1 | recipe:replicate)", data).fit()
        >>> means = res.emmeans("recipe")
        >>> means.table["mean"].round(2).tolist()
        [33.12, 31.64, 31.6]
        >>> means.contrast("pairwise").table["pvalue"].round(3).tolist()
        [0.82, 0.81, 1.0]
        """
        arguments = self._means_arguments("emmeans()", df_method)
        how = self._df_description(df_method)
        return marginal_means(
            *arguments, specs, by, at, weights, offset, scale, level, random, how
        )

    def emtrends(
        self, specs, var, by=None, at=None, weights="equal", df_method=None, level=0.95
    ):
        """Slopes of the linear predictor along a covariate, per level of factors.

        Parameters
        ----------
        specs : str or list of str
            Columns whose levels the slopes are of, as for `emmeans`; ``[]`` for one
            of all.
        var : str
            The covariate.
        by, at, weights, df_method, level
            As for `emmeans`.

        Returns
        -------
        Slopes
            With the methods of `emmeans`' result.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("orthodont")
        >>> res = smm.lmm("distance ~ Sex * age + (age | Subject)", data).fit()
        >>> res.emtrends("Sex", "age").table["slope"].round(3).tolist()
        [0.784, 0.48]
        """
        arguments = self._means_arguments("emtrends()", df_method)
        how = self._df_description(df_method)
        return marginal_slopes(*arguments, specs, var, by, at, weights, level, how)

    def joint_tests(self, by=None, at=None, df_method=None):
        """F tests of main effects and interactions as contrasts of marginal means.

        Parameters
        ----------
        by : str or list of str, optional
            Columns within whose levels to test.
        at, df_method
            As for `emmeans`.

        Returns
        -------
        DataFrame
            Indexed by term: num_df, den_df, F, pvalue.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("cake")
        >>> res = smm.lmm("angle ~ recipe * temp + (1 | recipe:replicate)", data).fit()
        >>> res.joint_tests().round(3)["F"].tolist()
        [0.249, 94.163, 0.042]
        """
        arguments = self._means_arguments("joint_tests()", df_method)
        return joint_term_tests(*arguments, by, at)
