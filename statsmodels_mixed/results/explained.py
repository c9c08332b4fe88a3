"""Explained variance of a fit: R squared, intraclass correlation, shares."""

from __future__ import annotations

from ..inference.variances import r2 as measures


class ExplainedVariance:
    """Mixin for results with `_fit_with_rows`."""

    def r2(self, method=None):
        """Marginal and conditional R squared of Nakagawa and Schielzeth.

        Parameters
        ----------
        method : {"latent", "lognormal", "delta", "trigamma"}, optional
            For generalized models: how the variance of the response about its mean is
            brought to the scale of the link. By default ``"latent"`` for a binomial
            response, ``"lognormal"`` for a log link, else ``"delta"``.

        Returns
        -------
        R2Result
            With ``marginal``, ``conditional``, ``variances`` and ``definition``.

        Raises
        ------
        DataError
            The method is not defined for the family and its link.

        Notes
        -----
        Of an average row: slopes count with the values they have in the data (Johnson
        2014). Offsets count as known. Random effects with one level per row are
        overdispersion, which is not explained.
        """
        return measures.r2(self._fit_with_rows("r2"), method)

    def icc(self, method=None):
        """Intraclass correlation: adjusted, unadjusted, and by grouping factor.

        Parameters
        ----------
        method : str, optional
            As for `r2`.

        Returns
        -------
        ICCResult
            With ``adjusted``, ``unadjusted``, ``by_group``, ``variances`` and
            ``definition``.
        """
        return measures.icc(self._fit_with_rows("icc"), method)

    def vcomp_shares(self, method=None):
        """Variance components of an average row, and their shares.

        Parameters
        ----------
        method : str, optional
            As for `r2`.

        Returns
        -------
        DataFrame
            Columns component, group, effects, variance, share (of what the fixed
            effects leave) and share_total.
        """
        return measures.vcomp_shares(self._fit_with_rows("vcomp_shares"), method)
