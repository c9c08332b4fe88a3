"""Degrees of freedom and adjusted covariances against dense matrices and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.core.sensitivity import Sensitivity
from statsmodels_mixed.errors import DataError
from statsmodels_mixed.fitting.hessian import variance_hessian
from statsmodels_mixed.inference.fixed_effects.wald import (
    FTest,
    WaldTests,
    fai_cornelius,
)

FORMULAS = {
    "slopes": "y ~ x + f + (x | g)",
    "two terms": "y ~ x + (1 | g) + (0 + x | g)",
    "nested": "y ~ x + (1 | h) + (x | g)",
    "crossed": "y ~ x + (1 | g) + (x | c)",
}


@pytest.fixture(scope="module")
def data():
    import pandas as pd

    rng = np.random.default_rng(5)
    n = 60
    g = rng.integers(0, 9, n)
    out = pd.DataFrame(
        {
            "g": g,
            "h": g // 3,
            "c": rng.integers(0, 4, n),
            "x": rng.normal(size=n),
            "f": rng.choice(list("abc"), n),
        }
    )
    effects = rng.normal(size=(9, 2)) @ [[1.0, 0.3], [0.0, 0.8]]
    out["y"] = out.x + effects[g, 0] + effects[g, 1] * out.x + rng.normal(size=n)
    out["y"] += rng.normal(size=4)[out.c]
    return out


def dense_derivatives(fit):
    """V relative to sigma^2 and its derivatives along theta, as n x n matrices."""
    layout, maps = fit.model.layout, fit.model.coordinates.maps
    theta, n = fit.evaluation.x, fit.design.nobs
    v, out = np.eye(n), np.zeros((layout.n_par, n, n))
    for t, (term, linear) in enumerate(zip(fit.design.terms, maps, strict=True)):
        z = np.ones((n, 1)) if term.z is None else term.z
        codes = term.grouping.codes
        same = codes[:, None] == codes
        par = theta[layout.slices[t]]
        half = z @ linear @ layout.structures[t].factor(par)
        v += same * (half @ half.T)
        change = z @ linear @ layout.structures[t].factor_derivative(par)
        product = change @ half.T
        out[layout.slices[t]] = same * (product + product.transpose(0, 2, 1))
    return v, out


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_sensitivities_against_dense_matrices(data, formula):
    fit = smm.lmm(formula, data).fit().fit_record
    v, derivatives = dense_derivatives(fit)
    inverse = np.linalg.inv(v)
    found = Sensitivity(fit.objective, fit.evaluation.x)
    exog, expected = found.exog(), found.expected()
    x = fit.design.mean.exog @ fit.exog_map  # orthonormal columns
    middle = [inverse @ d for d in derivatives]
    first = [x.T @ m @ inverse @ x for m in middle]
    np.testing.assert_allclose(exog.first, first, atol=1e-9)
    second = [[x.T @ a @ b @ inverse @ x for b in middle] for a in middle]
    np.testing.assert_allclose(expected.second, second, atol=1e-9)
    traces = [[np.trace(a @ b) for b in middle] for a in middle]
    np.testing.assert_allclose(expected.traces, traces, rtol=1e-8, atol=1e-8)
    single = [np.trace(m) for m in middle]
    np.testing.assert_allclose(expected.single, single, rtol=1e-8)


@pytest.mark.parametrize("reml", [True, False])
def test_hessian_of_theta_and_log_variance(data, reml):
    fit = smm.lmm("y ~ x + (x | g)", data).fit(reml=reml).fit_record
    _v, _derivatives = dense_derivatives(fit)
    x, y = fit.design.mean.exog, fit.design.endog
    layout, n = fit.model.layout, len(y)
    theta0 = fit.evaluation.x

    def deviance(par):
        # V is quadratic in theta: build it anew
        moved = [p for p in layout.term_factors(par[:-1])]
        linear = fit.model.coordinates.maps[0]
        half = np.column_stack([np.ones(n), data.x]) @ linear @ moved[0]
        codes = fit.design.terms[0].grouping.codes
        cov = np.exp(par[-1]) * (
            np.eye(n) + (codes[:, None] == codes) * (half @ half.T)
        )
        inverse = np.linalg.inv(cov)
        information = x.T @ inverse @ x
        r = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
        value = np.linalg.slogdet(cov)[1] + r @ inverse @ r
        return value + (np.linalg.slogdet(information)[1] if reml else 0.0)

    at = np.append(theta0, np.log(fit.sigma2))
    step = 2e-4 * np.eye(4)
    numeric = [
        [
            deviance(at + a + b)
            - deviance(at + a - b)
            - deviance(at - a + b)
            + deviance(at - a - b)
            for b in step
        ]
        for a in step
    ]
    numeric = np.array(numeric) / (4 * 2e-4**2)
    size = np.sqrt(np.outer(np.diag(numeric), np.diag(numeric)))
    found = variance_hessian(fit.objective, fit.evaluation)
    np.testing.assert_allclose(found / size, numeric / size, atol=2e-5)


def test_without_random_effects_all_methods_are_those_of_least_squares(data):
    res = smm.lmm("y ~ x + f", data).fit()
    for method in ("satterthwaite", "kr", "residual", "between-within"):
        tests = res.fixed_tests(method)
        np.testing.assert_allclose(tests.df(np.eye(4)), 56.0, rtol=1e-9)
        np.testing.assert_allclose(tests.cov, res.cov_params(), rtol=1e-9)
        test = tests.f_test(np.eye(4)[2:])
        np.testing.assert_allclose(test.df_denom, 56.0, rtol=1e-8)


@pytest.mark.parametrize("method", ["satterthwaite", "kr"])
def test_a_variance_of_zero_counts_as_left_out(data, method):
    rng = np.random.default_rng(2)
    flat = data.assign(y=rng.normal(size=60), k=np.arange(60) % 6)
    flat["y"] -= flat.groupby("k").y.transform("mean")  # no variance between levels
    res = smm.lmm("y ~ x + (1 | k)", flat).fit()
    assert res.singular
    without = smm.lmm("y ~ x", flat).fit()
    for mine, other in (
        (
            res.fixed_tests(method).df(np.eye(2)),
            without.fixed_tests(method).df(np.eye(2)),
        ),
        (res.fixed_tests(method).cov, without.fixed_tests(method).cov),
    ):
        np.testing.assert_allclose(mine, other, rtol=1e-6)


@pytest.mark.parametrize("method", ["satterthwaite", "kr"])
def test_a_correlation_of_one(data, method):
    g = data.g.to_numpy()
    effect = np.random.default_rng(3).normal(size=9)[g]
    y = data.x + 3 * effect * (1 + 0.5 * data.x)
    y = y + 0.5 * np.random.default_rng(4).normal(size=60)
    res = smm.lmm("y ~ x + (x | g)", data.assign(y=y)).fit()
    assert res.singular
    df = res.fixed_tests(method).df(np.eye(2))
    # at most groups less one, at least what two variances leave of them
    assert (df > 4).all() and (df < 9).all()


# the eigenvectors that Fai and Cornelius use depend on the coding of a factor
@pytest.mark.parametrize(
    ("method", "factor"), [("satterthwaite", "f"), ("kr", "f"), ("kr", "C(f, Sum)")]
)
def test_tests_do_not_depend_on_units_or_coding(data, method, factor):
    other = data.assign(y=1e3 * data.y, x=1e-3 * data.x + 5.0)
    found = []
    for formula, frame in (("f", data), (factor, other)):
        res = smm.lmm(f"y ~ x + {formula} + (x | g)", frame).fit()
        columns = [i for i, n in enumerate(res.model.exog_names) if "f" in n]
        test = res.f_test(np.eye(4)[columns], df_method=method)
        found.append([test.fvalue, test.df_denom])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


def test_between_within_of_nlme():
    # Pinheiro and Bates (2000), section 1.6: 10 and 51 in the split plot of oats
    res = smm.lmm(
        "yield ~ nitro + Variety + (1 | Block/Variety)", smm.datasets.load("oats")
    ).fit(df_method="between-within")
    df = dict(zip(res.model.exog_names, res.df_resid_inference, strict=True))
    assert df["nitro"] == 53
    assert df["Variety[T.Marvellous]"] == 10
    assert "between-within" in res.summary().as_text()


def test_methods_that_are_not_defined(data):
    crossed = smm.lmm("y ~ x + (1 | g) + (1 | c)", data).fit()
    with pytest.raises(DataError, match="not nested in"):
        crossed.fixed_tests("between-within")
    with pytest.raises(DataError, match="REML"):
        smm.lmm("y ~ x + (1 | g)", data).fit(reml=False).fixed_tests("kr")
    with pytest.raises(DataError, match="df_method"):
        crossed.fixed_tests("student")
    counts = data.assign(y=np.arange(60) % 4)
    generalized = smm.glmm("y ~ x + (1 | g)", counts, family="poisson").fit()
    for method in ("satterthwaite", "kr"):
        with pytest.raises(DataError, match="linear mixed models"):
            generalized.fixed_tests(method)
    assert (generalized.fixed_tests("between-within").df(np.eye(2)) > 0).all()


def test_use_t_must_not_contradict(data):
    model = smm.lmm("y ~ x + (1 | g)", data)
    with pytest.raises(DataError, match="contradicts"):
        model.fit(use_t=False, df_method="kr")
    assert model.fit(use_t=False).df_method == "normal"
    assert model.fit(use_t=True).df_method == "satterthwaite"


def test_tests_survive_remove_data(data):
    res = smm.lmm("y ~ x + (1 | g)", data).fit()
    before = res.pvalues
    res.remove_data()
    np.testing.assert_array_equal(res.pvalues, before)
    with pytest.raises(DataError, match="kenward-roger"):
        res.fixed_tests("kr")


def test_standard_errors_of_variances_need_a_likelihood(data):
    counts = data.assign(y=np.arange(60) % 4)
    res = smm.glmm("y ~ x + (1 | g)", counts, family="poisson").fit(method="pql")
    with pytest.raises(DataError, match="quasi-likelihood"):
        res.variance_params()


def test_joint_test_of_dependent_rows(data):
    res = smm.lmm("y ~ x + f + (1 | g)", data).fit()
    rows = np.eye(4)[1:3]
    twice = np.vstack([rows, rows.sum(axis=0)])
    for method in ("satterthwaite", "kr", "normal"):
        one = res.fixed_tests(method).f_test(rows)
        two = res.fixed_tests(method).f_test(twice)
        assert one.df_num == two.df_num == 2
        np.testing.assert_allclose(one.pvalue, two.pvalue, rtol=1e-6)


@pytest.mark.parametrize("method", ["satterthwaite", "kr", "normal"])
@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (1e6, 0.0), (1.0, 2010.0)])
def test_joint_tests_do_not_depend_on_units(data, method, scale, shift):
    plain = smm.lmm("y ~ x + f + (1 | g)", data).fit()
    moved = data.assign(x=scale * data.x + shift)
    other = smm.lmm("y ~ x + f + (1 | g)", moved).fit()
    slopes = np.eye(4)[1:]
    one = plain.f_test(slopes, df_method=method)
    two = other.f_test(slopes, df_method=method)
    assert one.df_num == two.df_num == 3
    np.testing.assert_allclose(one.fvalue, two.fvalue, rtol=1e-6)
    if method == "kr":  # whose denominator does not depend on the rotation
        np.testing.assert_allclose(one.df_denom, two.df_denom, rtol=1e-5)


def test_degrees_of_freedom_of_several_contrasts():
    assert fai_cornelius(np.array([5.0, 1.5])) == 2.0
    assert fai_cornelius(np.array([np.inf, np.inf])) == np.inf
    # the mean of F with these is that of the mixture: 2E / (2E - 2q) ...
    df = np.array([6.0, 12.0, 40.0])
    denominator = fai_cornelius(df)
    mean = (df / (df - 2)).sum() / 3
    np.testing.assert_allclose(stats.f(3, denominator).mean(), mean)


def test_chi_square_is_the_limit():
    test = FTest.of(2.0, 3, np.inf)
    np.testing.assert_allclose(test.pvalue, stats.chi2.sf(6.0, 3))
    tests = WaldTests(np.array([1.0, 2.0]), np.eye(2), 7.0)
    assert tests.f_test(np.zeros((1, 2))).df_num == 0
