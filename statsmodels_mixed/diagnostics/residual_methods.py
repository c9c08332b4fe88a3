"""The tests of `SimulatedResiduals`, as its methods."""

from __future__ import annotations

import numpy as np

from ..errors import DataError, check_option
from .covariates import read_groups, read_numbers
from .level_tests import level_test
from .quantile_curves import QUANTILES, quantile_test
from .residual_tests import (
    DISPERSION,
    MARGINS,
    ZEROS,
    generic_test,
    outlier_binomial_test,
    outlier_bootstrap_test,
    simulation_test,
    table_of_tests,
    uniformity_test,
)
from .serial import durbin_watson_test, moran_test

# what was done with the random effects, for the heading of the summary
DRAWN = {
    "conditional": "random effects conditional (p-values are rough)",
    "new": "random effects new",
    "given": "made elsewhere",
}


class ResidualTestMethods:
    """Mixin for `SimulatedResiduals`; each test gives a `ResidualTest`."""

    def uniformity(self, alternative="two-sided"):
        """Kolmogorov-Smirnov test of uniform residuals; see `uniformity_test`.

        Parameters
        ----------
        alternative : {"two-sided", "greater", "less"}
            Whether the distribution function lies above ("greater": residuals are too
            small) or below that of the uniform distribution.
        """
        # ties are randomised, so that only other residuals go in steps
        step = 0.0 if self.integer else 1.0 / self.n
        return uniformity_test(self.residuals, alternative, step)

    def dispersion(self, alternative="two-sided"):
        """Variance of the response about `fitted` over that of simulated responses.

        Parameters
        ----------
        alternative : {"two-sided", "greater", "less"}
            "greater" for overdispersion alone.
        """
        name = "Dispersion (by simulation)"
        return simulation_test(name, self.counts.spread, alternative, DISPERSION)

    def zero_inflation(self, alternative="two-sided"):
        """Number of zeros over that in simulated responses.

        Parameters
        ----------
        alternative : {"two-sided", "greater", "less"}
            "greater" for too many zeros alone.
        """
        name = "Zeros (by simulation)"
        return simulation_test(name, self.counts.zeros, alternative, ZEROS)

    def outliers(self, margin="both", method=None, alternative="two-sided"):
        """Number of responses outside the simulated ones.

        Parameters
        ----------
        margin : {"both", "lower", "upper"}
            Which side of the simulations.
        method : {"binomial", "bootstrap"}, optional
            Exact binomial test, for continuous responses; or each simulation in turn
            compared with the others, which is the default for integer ones.
        alternative : {"two-sided", "greater", "less"}
            "greater" for too many outliers alone.
        """
        check_option("margin", margin, MARGINS)
        method = method or ("bootstrap" if self.integer else "binomial")
        check_option("method", method, ("binomial", "bootstrap"))
        if method == "bootstrap":
            return outlier_bootstrap_test(self.counts, margin, alternative)
        return outlier_binomial_test(self.residuals, self.n, margin, alternative)

    def generic(self, function, alternative="two-sided", name=None):
        """Compare any figure of the response with that of simulated responses.

        Parameters
        ----------
        function : callable
            From a response, shape (nobs,), to a number.
        alternative : {"two-sided", "greater", "less"}
        name : str, optional
            For the report.

        Raises
        ------
        DataError
            The function returned no finite number.
        """
        name = name or f"Figure {getattr(function, '__name__', 'of the response')}"
        return generic_test(
            self.simulations, self.observed, function, alternative, name
        )

    def quantiles(self, predictor=None, quantiles=QUANTILES):
        """Whether quantiles stay where they should be along a predictor.

        Parameters
        ----------
        predictor : str or array_like, optional
            A column of the data or one number per row; `fitted` by default.
        quantiles : sequence of float

        Notes
        -----
        See `quantile_test`: a score test of quantile regression, not qgam's as in
        DHARMa.
        """
        values, label = self._predictor(predictor)
        return quantile_test(self.residuals, values, quantiles, label)

    def _predictor(self, predictor):
        if predictor is None:
            return self.fitted, "fitted values"
        return read_numbers(
            self.columns, predictor, "predictor", self.nobs, factors="categorical"
        )

    def categorical(self, levels):
        """Residuals by the levels of a factor: uniformity in each, and equal spread.

        Parameters
        ----------
        levels : str or array_like
            A column of the data, or one label per row.

        Returns
        -------
        LevelTest
        """
        grouping = read_groups(self.columns, levels, "levels", self.nobs)
        return level_test(self.residuals, grouping)

    def grouped(self, factor=None):
        """`categorical` by a grouping factor of the model.

        Parameters
        ----------
        factor : str, optional
            The first one by default.

        Returns
        -------
        LevelTest

        Raises
        ------
        DataError
            There is no such factor; or random effects were drawn anew, which leaves
            the residuals of a level together by themselves.
        """
        factors = self.columns.factors
        if self.simulations.random == "new":
            raise DataError(
                "With random='new' the random effect of a level is in all its "
                "residuals, so that they are not uniform in it: use "
                "random='conditional', or by= for one residual per level."
            )
        if not factors or factor not in (None, *factors):
            raise DataError(
                f"factor={factor!r}: use one of {', '.join(factors)}."
                if factors
                else "There is no grouping factor here: use categorical()."
            )
        return self.categorical(factors[0] if factor is None else factor)

    def temporal(self, time, alternative="two-sided"):
        """Durbin-Watson test of the residuals in order of time.

        Parameters
        ----------
        time : str or array_like
            A column of the data, or one number or time per row; distinct.
        alternative : {"two-sided", "greater", "less"}
            "greater" for positive autocorrelation alone.

        Raises
        ------
        DataError
            Times that repeat.
        """
        values, _ = read_numbers(self.columns, time, "time", self.nobs)
        return durbin_watson_test(self.residuals, values, alternative)

    def spatial(self, x=None, y=None, distances=None, alternative="two-sided"):
        """Moran's I of the residuals.

        Parameters
        ----------
        x, y : str or array_like, optional
            Columns of the data, or one number per row; one of them may do.
        distances : array_like, shape (nobs, nobs), optional
            In place of coordinates.
        alternative : {"two-sided", "greater", "less"}
            "greater" for positive autocorrelation alone.

        Raises
        ------
        DataError
            Places that repeat, or not either coordinates or distances.
        """
        given = {name: v for name, v in (("x", x), ("y", y)) if v is not None}
        if bool(given) == (distances is not None):
            raise DataError("Give either coordinates x= and y=, or distances=.")
        if distances is not None:
            return moran_test(self.residuals, None, distances, alternative)
        coordinates = [
            read_numbers(self.columns, values, name, self.nobs)[0]
            for name, values in given.items()
        ]
        return moran_test(
            self.residuals, np.column_stack(coordinates), None, alternative
        )

    def summary(self):
        """All tests that need no further variable, as a table.

        Returns
        -------
        DataFrame
            Columns statistic, pvalue and reading; one row per test. It prints the
            readings below the figures, and what was drawn above them. Zeros are counted
            for integer responses only; there is a row for each grouping factor with
            several rows in a level, but for ``random="new"``.
        """
        tests = [self.uniformity(), self.dispersion(), self.outliers()]
        if self.integer:
            tests.append(self.zero_inflation())
        tests.append(self.quantiles())
        if self.simulations.random != "new":
            found = [self.grouped(factor) for factor in self.columns.factors]
            tests += [test for test in found if (test.table.n > 1).any()]
        drawn = DRAWN[self.simulations.random]
        return table_of_tests(
            tests, f"Tests of simulated residuals\n{self.n} draws, {drawn}"
        )
