"""Simulated residuals of the results of all mixed models."""

from __future__ import annotations

from ..diagnostics.quantile_residuals import simulated_residuals


class ResidualMethods:
    """Mixin for results with `_fit_with_rows` and a ``model``."""

    def simulated_residuals(
        self, n=250, random="conditional", by=None, rng=None, integer=None
    ):
        """Quantile residuals by simulation, with their tests: DHARMa's method.

        Each response is compared with `n` simulated ones; the residual is the share of
        them that are smaller, with a random place among those that are equal. If the
        model is right residuals are uniform between 0 and 1, for every family.

        Parameters
        ----------
        n : int
            Number of simulated responses.
        random : {"conditional", "new"}
            Keep the conditional modes of the random effects, or draw new ones each
            time. With new ones the random effects are tested too, but residuals of a
            level go together.
        by : str or array_like, optional
            A column of the data, a grouping factor, or one label per row: responses
            and simulations are summed within groups first.
        rng : int or numpy.random.Generator, optional
        integer : bool, optional
            Whether responses are whole numbers by their nature, which decides about
            the test of outliers; by default whether all of them are.

        Returns
        -------
        SimulatedResiduals
            With ``residuals``, ``normal``, ``summary()``, ``plot()`` and the tests
            ``uniformity``, ``dispersion``, ``outliers``, ``zero_inflation``,
            ``generic``, ``quantiles``, ``categorical``, ``grouped``, ``temporal`` and
            ``spatial``.

        Raises
        ------
        DataError

        Notes
        -----
        Simulations are drawn some at a time and not kept.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> checked = res.simulated_residuals(rng=1)
        >>> bool(((checked.residuals >= 0) & (checked.residuals <= 1)).all())
        True
        """
        fit = self._fit_with_rows("simulated_residuals()")
        frame = getattr(self.model.data, "frame", None)
        return simulated_residuals(fit, n, random, by, rng, integer, frame)
