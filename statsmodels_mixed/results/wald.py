"""Tests of the fixed effects, with the degrees of freedom of the fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..compat import ContrastResults, WaldTestResults, linear_constraints
from ..errors import DataError
from ..inference import (
    choose_df_method,
    df_method_name,
    fixed_tests,
    term_constraints,
)
from ..inference.fixed_effects.df_methods import DESCRIPTIONS
from ..inference.fixed_effects.wald import FTest, WaldTests


class WaldMethods:
    """Mixin for results with ``fit_record``, ``df_method`` and a ``_cache``."""

    def fixed_tests(self, df_method=None):
        """Covariance and degrees of freedom that tests of the fixed effects use.

        Parameters
        ----------
        df_method : str, optional
            ``"satterthwaite"``, ``"kenward-roger"``, ``"between-within"``,
            ``"residual"`` or ``"normal"``; that of the fit by default.

        Returns
        -------
        WaldTests
            With ``cov``, ``df(matrix)`` and ``f_test(matrix)``.

        Examples
        --------
        >>> import numpy as np
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> res.fixed_tests("kenward-roger").df(np.eye(2)).round(4).tolist()
        [17.0, 17.0]
        """
        name = self._df_name(df_method)
        known = self._fixed_tests
        if name not in known:
            fit = self._fit_with_rows(f"df_method={name!r}")
            known[name] = fixed_tests(fit, name, self._robust_of(fit))
        return known[name]

    def _robust_of(self, fit):
        """The cluster-robust covariance, computed when it is first asked for."""
        if self._robust is None:
            return None
        if "robust" not in self._cache:
            self._cache["robust"] = self._robust(fit)
        return self._cache["robust"]

    @property
    def cov_params_default(self):
        """Covariance matrix of the fixed effects that tests use."""
        return self.fixed_tests().cov

    @property
    def df_resid_inference(self):
        """Degrees of freedom of the test of each parameter, shape (p,)."""
        return self.fixed_tests().df(np.eye(len(self._params)))

    def _df_name(self, df_method):
        return self.df_method if df_method is None else df_method_name(df_method)

    def _tests_for(self, cov_p, df_method):
        if cov_p is None:
            return self.fixed_tests(df_method)
        if df_method not in (None, "normal", "residual"):
            raise DataError(
                f"df_method={df_method!r} goes with the covariance matrix of the fit; "
                "with cov_p= use 'residual' or 'normal'."
            )
        normal = self._df_name(df_method) == "normal"
        df = np.inf if normal else self.df_resid
        return WaldTests(self._params, np.asarray(cov_p, dtype=float), df)

    def _constraints(self, r_matrix):
        """Matrix and values of hypotheses, or an error of ours."""
        names = self.model.data.cov_names
        try:
            return linear_constraints(r_matrix, names)
        except Exception as error:  # each formula engine has its own
            raise DataError(
                f"The hypothesis {r_matrix!r} is not understood ({error}). Parameters "
                f"are {', '.join(names)}; a matrix needs {len(names)} columns."
            ) from None

    def t_test(self, r_matrix, cov_p=None, use_t=None, df_method=None):
        """t test of each of some linear hypotheses.

        Parameters
        ----------
        r_matrix : array_like, str or tuple
            As for statsmodels: rows, text such as ``"Days = 10"``, or (R, q).
        cov_p : array_like, optional
            Another covariance matrix of the parameters; tests then have residual
            degrees of freedom.
        use_t : bool, optional
            False for the normal distribution; True for residual degrees of freedom
            where the fit's tests are normal.
        df_method : str, optional
            As for `fixed_tests`.

        Returns
        -------
        statsmodels.stats.contrast.ContrastResults
            With one number of degrees of freedom per hypothesis, ``df_denom``.

        Raises
        ------
        DataError
            A hypothesis that is not understood, or contradicting arguments.
        """
        matrix, value = self._constraints(r_matrix)
        if use_t is not None:
            with_t = "residual" if self.df_method == "normal" else self.df_method
            df_method = choose_df_method(df_method, use_t, self.df_method, with_t)
            with_cov = cov_p is not None and df_method != "normal"
            df_method = "residual" if with_cov else df_method
        tests = self._tests_for(cov_p, df_method)
        effect = matrix @ self._params
        sd = np.sqrt(((matrix @ tests.cov) * matrix).sum(axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = (effect - value) / sd
        df = tests.df(matrix)
        if np.isinf(df).all():
            return ContrastResults(
                effect=effect,
                statistic=statistic,
                sd=sd,
                df_denom=df,
                distribution="norm",
            )
        return ContrastResults(effect=effect, t=statistic, sd=sd, df_denom=df)

    def f_test(self, r_matrix, cov_p=None, invcov=None, df_method=None):
        """Joint F test of linear hypotheses; see `wald_test`."""
        return self.wald_test(
            r_matrix, cov_p, invcov, use_f=True, scalar=True, df_method=df_method
        )

    def wald_test(
        self,
        r_matrix,
        cov_p=None,
        invcov=None,
        use_f=None,
        df_constraints=None,
        scalar=True,
        df_method=None,
    ):
        """Joint Wald test of linear hypotheses.

        Parameters
        ----------
        r_matrix, cov_p
            As for `t_test`.
        invcov : array_like, optional
            Inverse of the covariance of ``R params``, for the statistic.
        use_f : bool, optional
            F test, or chi-square; F where the fit's tests are t tests.
        df_constraints : int, optional
            Numerator degrees of freedom in place of the rank of R.
        scalar : bool
            Statistic as a number rather than a matrix.
        df_method : str, optional
            As for `fixed_tests`.

        Returns
        -------
        statsmodels.stats.contrast.ContrastResults
        """
        tests = self._tests_for(cov_p, df_method)
        use_f = self._df_name(df_method) != "normal" if use_f is None else use_f
        matrix, value = self._constraints(r_matrix)
        if not use_f:
            tests = WaldTests(self._params, tests.cov, np.inf)
        elif tests.constant_df == np.inf:  # an F test all the same, as in statsmodels
            tests = WaldTests(self._params, tests.cov, self.df_resid)
        test = tests.f_test(matrix, value)
        if invcov is not None or df_constraints is not None:
            gap = matrix @ self._params - value
            given = test.statistic * test.df_num
            chi2 = given if invcov is None else gap @ np.asarray(invcov) @ gap
            q = test.df_num if df_constraints is None else int(df_constraints)
            test = FTest.of(chi2 / q, q, test.df_denom)
        if use_f:
            statistic = test.statistic if scalar else np.array([[test.statistic]])
            return ContrastResults(
                F=statistic, df_denom=test.df_denom, df_num=test.df_num
            )
        chi2 = test.statistic * test.df_num
        return ContrastResults(
            chi2=chi2 if scalar else np.array([[chi2]]),
            df_denom=test.df_num,
            statistic=chi2 if scalar else np.array([[chi2]]),
            distribution="chi2",
        )

    def wald_test_terms(
        self,
        skip_single=False,
        extra_constraints=None,
        combine_terms=None,
        scalar=True,
        df_method=None,
    ):
        """Wald test of each fixed-effects term of the formula.

        Parameters and result are statsmodels', but for `df_method` (see
        `fixed_tests`). A term's test is that of its columns: with an interaction in
        the model, a main effect is the one at the reference level. `anova` tests
        hypotheses that do not depend on the coding of factors.
        """
        own = term_constraints(self.fit_record.design, self.model.kept)
        constraints = [c for c in own if len(c[1]) > 1 or not skip_single]
        for name in combine_terms or ():
            rows = [matrix for label, matrix in own if name in label]
            if not rows:
                raise DataError(f"combine_terms: no term holds {name!r}.")
            constraints.append((name, np.vstack(rows)))
        constraints += list(extra_constraints or ())
        use_f = self._df_name(df_method) != "normal"
        rows = []
        for _, matrix in constraints:
            test = self.wald_test(
                matrix, use_f=use_f, scalar=scalar, df_method=df_method
            )
            df = int(test.df_num if use_f else test.df_denom)
            row = [test.statistic, test.pvalue, df]
            rows.append([*row, test.df_denom] if use_f else row)
        columns = ["statistic", "pvalue", "df_constraint"]
        columns += ["df_denom"] if use_f else []
        table = pd.DataFrame(rows, index=[n for n, _ in constraints], columns=columns)
        result = WaldTestResults(None, "F" if use_f else "chi2", None, table=table)
        result.temp = constraints
        return result

    def _reference(self, df_method=None, statistic="t"):
        """What tables say about the tests."""
        name = self._df_name(df_method)
        told = DESCRIPTIONS[name]
        return told if name == "normal" else f"{statistic} {told}"

    @property
    def cov_kwds(self):
        """What the covariance of the fixed effects is, in words."""
        if self._robust is None:
            return {"description": self._cov_description}
        return {"description": repr(self._robust_of(self.fit_record))}
