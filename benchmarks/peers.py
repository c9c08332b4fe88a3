"""One small adapter per Python package, behind one contract.

``prepare(data)``
    Untimed; hands the DataFrame over and returns what ``fit`` is given.
``fit(problem, data) -> Timing``
    Timed from DataFrame and formula to results with standard errors.
``refit(problem, data, responses) -> Timing``
    Every column of `responses` fitted, in the fastest way the package offers.

lme4 runs behind the same contract in ``lme4_worker.R``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from problems import OURS, Problem


@dataclass(frozen=True)
class Timing:
    """What one run says: seconds, deviance(s), standard errors, extras."""

    seconds: float
    deviance: np.ndarray
    se: np.ndarray
    extras: dict[str, str] = field(default_factory=dict)


class Ours:
    """This package; formula and fit are timed apart as well."""

    module = OURS
    package = "statsmodels-mixed"

    def prepare(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return `data`."""
        return data

    def fit(self, problem: Problem, data: pd.DataFrame) -> Timing:
        """Fit `problem` once."""
        import statsmodels_mixed as smm

        start = time.perf_counter()
        model = smm.lmm(problem.formula, data)
        middle = time.perf_counter()
        result = model.fit(reml=problem.reml)
        se = np.asarray(result.bse)
        end = time.perf_counter()
        extras = {
            "formula (s)": repr(middle - start),
            "fit (s)": repr(end - middle),
            "evaluations": str(result.record.n_evaluations),
        }
        return Timing(end - start, np.array([result.deviance]), se, extras)

    def refit(self, problem: Problem, data: pd.DataFrame, responses) -> Timing:
        """Refit all responses in one batched call."""
        import statsmodels_mixed as smm

        result = smm.lmm(problem.formula, data).fit(reml=problem.reml)
        start = time.perf_counter()
        fits = result.refit(responses)
        seconds = time.perf_counter() - start
        return Timing(seconds, np.asarray(fits.deviance), np.asarray(result.bse))


class Glmm:
    """glmm (Rust core). Its Satterthwaite pass is switched off: ours has none."""

    module = package = "glmm"

    def prepare(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return `data`."""
        return data

    def _fit(self, problem: Problem, data):
        import glmm

        fit = glmm.fit(data, problem.formula, reml=problem.reml, satterthwaite=False)
        return -2.0 * fit.loglik, np.asarray(fit.se)

    def fit(self, problem: Problem, data: pd.DataFrame) -> Timing:
        """Fit `problem` once."""
        start = time.perf_counter()
        deviance, se = self._fit(problem, data)
        return Timing(time.perf_counter() - start, np.array([deviance]), se)

    def refit(self, problem: Problem, data: pd.DataFrame, responses) -> Timing:
        """Fit each response by a call of its own; there is no refit."""
        columns = {name: data[name] for name in data}
        name = problem.formula.split("~")[0].strip()
        deviances = []
        start = time.perf_counter()
        for y in np.ascontiguousarray(responses.T):
            deviance, se = self._fit(problem, {**columns, name: y})
            deviances.append(deviance)
        return Timing(time.perf_counter() - start, np.array(deviances), se)


class LmePython:
    """lme_python (Rust core); it is handed the polars frame it works on."""

    module = "lme_python"
    package = "lme-python"

    def prepare(self, data: pd.DataFrame):
        """Return `data` as a polars frame when polars is there."""
        try:
            import polars
        except ImportError:
            return data
        return polars.from_pandas(data)

    def fit(self, problem: Problem, data) -> Timing:
        """Fit `problem` once."""
        import lme_python

        start = time.perf_counter()
        fit = lme_python.lmer(problem.formula, data, problem.reml)
        deviance, se = -2.0 * fit.log_likelihood, np.asarray(fit.beta_se)
        seconds = time.perf_counter() - start
        return Timing(seconds, np.array([deviance]), se)

    def refit(self, problem: Problem, data, responses) -> Timing:
        """Fit each response on the design prepared once."""
        import lme_python

        prepared = lme_python.prepare_lmer(problem.formula, data)
        deviances = []
        start = time.perf_counter()
        for y in responses.T:
            fit = prepared.fit(y.tolist(), problem.reml)
            deviances.append(-2.0 * fit.log_likelihood)
            se = np.asarray(fit.beta_se)
        return Timing(time.perf_counter() - start, np.array(deviances), se)


class MixedLM:
    """statsmodels' own mixed model, without a refit.

    `problem.mixedlm` says the model in its terms.
    """

    module = "statsmodels.formula.api"
    package = "statsmodels"

    def prepare(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return `data`."""
        return data

    def fit(self, problem: Problem, data: pd.DataFrame) -> Timing:
        """Fit `problem` once."""
        import statsmodels.formula.api as smf

        start = time.perf_counter()
        model = smf.mixedlm(data=data, **problem.mixedlm)
        result = model.fit(reml=problem.reml)
        deviance, se = -2.0 * result.llf, np.asarray(result.bse_fe)
        seconds = time.perf_counter() - start
        return Timing(seconds, np.array([deviance]), se)


PYTHON_PEERS = {
    OURS: Ours(),
    "glmm": Glmm(),
    "lme_python": LmePython(),
    "MixedLM": MixedLM(),
}
