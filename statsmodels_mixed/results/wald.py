"""Tests of the fixed effects, with the degrees of freedom of the fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..compat import ContrastResults, WaldTestResults, linear_constraints
from ..errors import DataError
from ..inference import df_method_name, fixed_tests, term_constraints
from ..inference.fixed_effects.df_methods import DESCRIPTIONS
from ..inference.fixed_effects.wald import WaldTests


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
        name = df_method_name(df_method or self.df_method)
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

    def _tests_for(self, cov_p, df_method):
        if cov_p is None:
            return self.fixed_tests(df_method)
        df = np.inf if not self.use_t else self.df_resid
        return WaldTests(self._params, np.asarray(cov_p), df)

    def _uses_t(self, df_method):
        name = self.df_method if df_method is None else df_method_name(df_method)
        return name != "normal"

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
            False for the normal distribution.
        df_method : str, optional
            As for `fixed_tests`.

        Returns
        -------
        statsmodels.stats.contrast.ContrastResults
            With one number of degrees of freedom per hypothesis, ``df_denom``.
        """
        matrix, value = linear_constraints(r_matrix, self.model.data.cov_names)
        tests = self._tests_for(cov_p, "normal" if use_t is False else df_method)
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
            Inverse of the covariance of ``R params``; statsmodels' test then.
        use_f : bool, optional
            F test, or chi-square; F where the fit's tests are t tests.
        df_constraints : int, optional
            As in statsmodels.
        scalar : bool
            Statistic as a number rather than a matrix.
        df_method : str, optional
            As for `fixed_tests`.

        Returns
        -------
        statsmodels.stats.contrast.ContrastResults
        """
        if invcov is not None or df_constraints is not None:
            return super().wald_test(
                r_matrix, cov_p, invcov, use_f, df_constraints, scalar
            )
        tests = self._tests_for(cov_p, df_method)
        use_f = self._uses_t(df_method) if use_f is None else use_f
        matrix, value = linear_constraints(r_matrix, self.model.data.cov_names)
        if not use_f:
            tests = WaldTests(self._params, tests.cov, np.inf)
        elif tests.constant_df == np.inf:  # an F test all the same, as in statsmodels
            tests = WaldTests(self._params, tests.cov, self.df_resid)
        test = tests.f_test(matrix, value)
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
        `fixed_tests`); this one does not depend on the formula engine that
        statsmodels is set to. `anova` tests hypotheses that do not depend on the
        coding of factors.
        """
        own = term_constraints(self.fit_record.design, self.model.kept)
        constraints = [c for c in own if len(c[1]) > 1 or not skip_single]
        for name in combine_terms or ():
            rows = [matrix for label, matrix in own if name in label]
            if not rows:
                raise DataError(f"combine_terms: no term holds {name!r}.")
            constraints.append((name, np.vstack(rows)))
        constraints += list(extra_constraints or ())
        use_f = self._uses_t(df_method)
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

    def _reference(self):
        """What the summary says about the tests."""
        return DESCRIPTIONS[self.df_method]

    @property
    def cov_kwds(self):
        """What the covariance of the fixed effects is, in words."""
        if self._robust is None:
            return {"description": self._cov_description}
        return {"description": repr(self._robust_of(self.fit_record))}
