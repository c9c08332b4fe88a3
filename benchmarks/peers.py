"""One small adapter per Python package, behind one contract.

``prepare(problem, data)``
    Untimed; hands the DataFrame over and returns what ``fit`` is given.
``fit(problem, data) -> Timing``
    Timed from DataFrame and formula to results with standard errors.
``refit(problem, data, responses) -> Timing``
    Every column of `responses` fitted, in the fastest way the package offers.

lme4 and glmmTMB run behind the same contract in ``r_worker.R``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from contract import OURS, Problem


@dataclass(frozen=True)
class Timing:
    """What one run says: seconds, deviance(s), standard errors, extras.

    `extras` may hold the estimates, as `told` writes them.
    """

    seconds: float
    deviance: np.ndarray
    se: np.ndarray
    extras: dict[str, str] = field(default_factory=dict)


def told(names, beta, groups, triangles) -> dict[str, str]:
    """Return estimates as text: named fixed effects, a lower triangle per group."""
    effects = zip(names, np.asarray(beta), strict=True)
    pairs = zip(groups, triangles, strict=True)
    texts = [f"{group}:{','.join(f'{v:.17g}' for v in part)}" for group, part in pairs]
    beta = ";".join(f"{name}:{value:.17g}" for name, value in effects)
    return {"beta": beta, "cov": ";".join(texts)}


def key_of(name: str) -> str:
    """Return one spelling for R's and patsy's names of a coefficient."""
    spellings = (("(Intercept)", "Intercept"), ("[T.", ""), ("]", ""), (" ", ""))
    for old, new in (*spellings, ("**", "^")):
        name = name.replace(old, new)
    return name


def parts_of(text: str) -> dict[str, np.ndarray]:
    """Return the numbers per name of one field written by `told`."""
    pairs = (part.rsplit(":", 1) for part in text.split(";"))
    return {
        key_of(name): np.array(numbers.split(","), float) for name, numbers in pairs
    }


def symmetric(triangle: np.ndarray) -> np.ndarray:
    """Return the matrix whose lower triangle, row by row, is given."""
    size = round((np.sqrt(8 * triangle.size + 1) - 1) / 2)
    matrix = np.zeros((size, size))
    matrix[np.tril_indices(size)] = triangle
    return matrix + np.tril(matrix, -1).T


class Ours:
    """This package; formula and fit are timed apart as well."""

    module = OURS
    package = "statsmodels-mixed"

    def prepare(self, problem: Problem, data: pd.DataFrame) -> pd.DataFrame:
        """Return `data`."""
        return data

    def _model(self, problem: Problem, data: pd.DataFrame):
        import statsmodels_mixed as smm

        formula = problem.formula_for(OURS)
        if problem.generalized:
            return smm.glmm(formula, data, family=problem.family)
        return smm.lmm(formula, data)

    def fit(self, problem: Problem, data: pd.DataFrame) -> Timing:
        """Fit `problem` once."""
        options = {"reml": problem.reml}
        if problem.generalized:
            options = {"nagq": problem.nagq}
        start = time.perf_counter()
        model = self._model(problem, data)
        middle = time.perf_counter()
        result = model.fit(**options)
        se = np.asarray(result.bse)
        end = time.perf_counter()
        extras = {
            "formula (s)": repr(middle - start),
            "fit (s)": repr(end - middle),
            "evaluations": str(result.record.n_evaluations),
        }
        if not problem.generalized:
            return Timing(end - start, np.array([result.deviance]), se, extras)
        if problem.nagq != 1 and "Laplace" in result.method:
            raise RuntimeError(f"fitted by {result.method}, not by quadrature")
        names = [term.grouping.name for term in model.terms]
        parts = [np.asarray(block) for block in result.cov_re.values()]
        triangles = [part[np.tril_indices(len(part))] for part in parts]
        extras.update(told(model.exog_names, result.params, names, triangles))
        return Timing(end - start, np.array([-2.0 * result.llf]), se, extras)

    def evaluate(self, problem: Problem, data, beta: str, cov: str) -> float:
        """Return the Laplace deviance of `problem` at the estimates of a peer."""
        model = self._model(problem, data)
        effects, triangles = parts_of(beta), parts_of(cov)
        params = np.concatenate([effects[key_of(name)] for name in model.exog_names])
        blocks = [symmetric(triangles[term.grouping.name]) for term in model.terms]
        return -2.0 * float(model.loglike(params, blocks))

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

    def prepare(self, problem: Problem, data: pd.DataFrame) -> pd.DataFrame:
        """Return `data`; a response of two levels as 0/1, all that glmm takes."""
        name = problem.response
        if name in data and isinstance(data[name].dtype, pd.CategoricalDtype):
            return data.assign(**{name: data[name].cat.codes.astype(float)})
        return data

    def _fit(self, problem: Problem, data):
        import glmm

        options = {"reml": problem.reml, "satterthwaite": False}
        if problem.generalized:
            options = {"family": problem.family, "nagq": problem.nagq}
        fit = glmm.fit(data, problem.formula, **options)
        return -2.0 * fit.loglik, np.asarray(fit.se), fit

    def fit(self, problem: Problem, data: pd.DataFrame) -> Timing:
        """Fit `problem` once."""
        start = time.perf_counter()
        deviance, se, fit = self._fit(problem, data)
        seconds = time.perf_counter() - start
        extras = {}
        if problem.generalized:
            names = [name for name, _ in fit.re_groups]
            extras = told(fit.names, fit.beta, names, fit.varcorr)
        return Timing(seconds, np.array([deviance]), se, extras)

    def refit(self, problem: Problem, data: pd.DataFrame, responses) -> Timing:
        """Fit each response by a call of its own; there is no refit."""
        columns = {name: data[name] for name in data}
        name = problem.response
        deviances = []
        start = time.perf_counter()
        for y in np.ascontiguousarray(responses.T):
            deviance, se, _ = self._fit(problem, {**columns, name: y})
            deviances.append(deviance)
        return Timing(time.perf_counter() - start, np.array(deviances), se)


class LmePython:
    """lme_python (Rust core); it is handed the polars frame it works on."""

    module = "lme_python"
    package = "lme-python"

    def prepare(self, problem: Problem, data: pd.DataFrame):
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

    def prepare(self, problem: Problem, data: pd.DataFrame) -> pd.DataFrame:
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
