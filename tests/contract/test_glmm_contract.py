"""What statsmodels and its users expect of the results of a generalized mixed model.

The rows of the contract table (shared/statsmodels-integration.md, 2b) over all
families; what linear mixed models share is in test_statsmodels_contract.py.
"""

import copy
import pickle
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit
from statsmodels.iolib.smpickle import load_pickle
from statsmodels.iolib.summary import summary_params_frame
from statsmodels.iolib.summary2 import summary_col
from statsmodels.iolib.table import SimpleTable

import statsmodels_mixed as smm
from statsmodels_mixed.errors import (
    ComparisonError,
    DataError,
    NewLevelError,
    RankDeficiencyWarning,
)
from statsmodels_mixed.families import FAMILIES, NegativeBinomial

N, M = 240, 16
SM = {
    "binomial": sm.families.Binomial(),
    "poisson": sm.families.Poisson(),
    "gamma": sm.families.Gamma(sm.families.links.Log()),
    "inverse_gaussian": sm.families.InverseGaussian(sm.families.links.Log()),
    "gaussian": sm.families.Gaussian(),
    "negative_binomial": sm.families.NegativeBinomial(alpha=0.5),
}
families = pytest.mark.parametrize("family", FAMILIES)


@lru_cache
def data():
    """Responses of all families with the same linear predictor."""
    rng = np.random.default_rng(1)
    g, x = np.arange(N) % M, rng.normal(size=N)
    b = rng.normal(size=(M, 2)) * [0.6, 0.3]
    h = rng.integers(0, 6, N)
    eta = 0.4 + 0.5 * x + b[g, 0] + b[g, 1] * x + 0.5 * rng.normal(size=6)[h]
    mu, n = np.exp(eta), rng.integers(2, 9, N)
    return pd.DataFrame(
        {
            "x": x,
            "g": np.array([f"g{i:02d}" for i in range(M)])[g],
            "h": np.array([f"h{i}" for i in range(6)])[h],
            "f": pd.Categorical(np.array(list("abc"))[rng.integers(0, 3, N)]),
            "o": 0.2 * rng.normal(size=N),
            "w": rng.integers(1, 4, N).astype(float),
            "n": n,
            "s": rng.binomial(n, expit(eta)),
            "binomial": rng.binomial(1, expit(eta)) * 1.0,
            "poisson": rng.poisson(mu) * 1.0,
            "gamma": rng.gamma(4.0, mu / 4.0),
            "inverse_gaussian": rng.wald(mu, 12.0),
            "gaussian": eta + 0.7 * rng.normal(size=N),
            "negative_binomial": rng.poisson(rng.gamma(2.0, mu / 2.0)) * 1.0,
        },
        index=pd.Index([f"r{i}" for i in range(N)]),
    )


@lru_cache
def fitted(family, right="x + f + (1 | g)", left=None, use_t=False, nagq=1, **extra):
    model = smm.glmm(f"{left or family} ~ {right}", data(), family=family, **extra)
    return model.fit(use_t=use_t, nagq=nagq)


@lru_cache
def trials():
    return fitted("binomial", "x + f + (1 | g) + (1 | h)", left="cbind(s, n - s)")


# ---- without random effects: statsmodels' GLM -----------------------------------


@families
@pytest.mark.parametrize("extra", [{}, {"weights": "w", "offset": "o"}])
def test_without_random_effects_it_is_the_glm(family, extra):
    given = dict(zip(extra, (data()[c] for c in extra.values()), strict=True))
    given = {{"weights": "var_weights"}.get(k, k): v for k, v in given.items()}
    glm = smf.glm(f"{family} ~ x + f", data(), family=SM[family], **given).fit(
        tol=1e-14, tol_criterion="params"
    )
    fit = smm.glmm(f"{family} ~ x + f", data(), family=SM[family], **extra).fit()
    np.testing.assert_allclose(fit.params, glm.params, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(fit.fittedvalues, glm.fittedvalues, rtol=1e-6)
    np.testing.assert_allclose(fit.resid_response, glm.resid_response, atol=1e-6)
    np.testing.assert_allclose(fit.resid_working, glm.resid_working, atol=1e-5)
    np.testing.assert_allclose(fit.resid_deviance, glm.resid_deviance, atol=1e-5)
    np.testing.assert_allclose(fit.deviance, glm.deviance, rtol=1e-7)
    sd = np.sqrt(fit.dispersion)  # our Pearson residuals have it in them
    weights = np.sqrt(given.get("var_weights", 1.0))
    np.testing.assert_allclose(
        fit.resid_pearson * sd, weights * glm.resid_pearson / _counted(glm), atol=1e-5
    )
    if family != "gamma" and family != "inverse_gaussian":  # GLM: not at the maximum
        np.testing.assert_allclose(fit.llf, glm.llf, rtol=1e-9)
    assert fit.llf >= glm.llf - 1e-7
    if family in ("binomial", "poisson"):  # canonical links: one information
        np.testing.assert_allclose(fit.bse, glm.bse, rtol=1e-6)


def _counted(glm):
    """GLM's Pearson residuals may hold the square roots of the weights already."""
    plain = (glm.model.endog - glm.mu) / np.sqrt(glm.model.family.variance(glm.mu))
    return (glm.resid_pearson / plain).to_numpy()


@families
def test_llf_is_that_of_the_model_at_the_estimates(family):
    fit = fitted(family)
    covariances = [c.to_numpy() for c in fit.cov_re.values()]
    own = [fit.dispersion] if fit.family.dispersion_name else []
    value = fit.model.loglike(fit.params, covariances, *own)
    np.testing.assert_allclose(value, fit.llf, rtol=1e-10)
    for j in range(len(fit.params)):  # a maximum
        moved = fit.params.to_numpy().copy()
        moved[j] += 0.3 * fit.bse.iloc[j]
        assert fit.model.loglike(moved, covariances, *own) < fit.llf


def test_loglike_wants_the_dispersion_there_is():
    cov = [np.eye(1)]
    with pytest.raises(DataError, match="estimates none"):
        fitted("poisson").model.loglike(np.zeros(4), cov, 2.0)
    for wrong in (None, -1.0):
        with pytest.raises(DataError, match=r"give the dispersion .*gamma"):
            fitted("gamma").model.loglike(np.zeros(4), cov, wrong)
    with pytest.raises(DataError, match="covariances="):
        fitted("poisson").model.loglike(np.zeros(4))
    with pytest.raises(DataError, match=r"shape \(3,\).*Intercept, f\[T.b\]"):
        fitted("poisson").model.loglike(np.zeros(3), cov)
    with pytest.raises(DataError, match="nagq=0"):
        fitted("poisson").model.loglike(np.zeros(4), cov, nagq=0)


@families
def test_standard_errors_are_those_of_the_observed_information(family):
    """Of the Laplace log-likelihood in all parameters, by second differences."""
    fit = fitted(family)
    free = bool(fit.family.dispersion_name)
    best = [*fit.params, np.sqrt(fit.cov_re["g"].iloc[0, 0])]
    best = np.array(best + [np.log(fit.dispersion)] * free)

    def deviance(x):
        p = len(fit.params)
        own = [np.exp(x[p + 1])] if free else []
        return -fit.model.loglike(x[:p], [[[x[p] ** 2]]], *own)

    k, h = len(best), 2e-3
    hessian, steps = np.empty((k, k)), h * np.eye(k)
    for i in range(k):
        for j in range(k):
            a, b = steps[i], steps[j]
            corners = [deviance(best + s * a + t * b) for s in (1, -1) for t in (1, -1)]
            hessian[i, j] = np.dot(corners, [1, -1, -1, 1]) / (4 * h * h)
    cov = np.linalg.inv(hessian)
    np.testing.assert_allclose(
        fit.bse, np.sqrt(np.diag(cov)[: len(fit.params)]), rtol=2e-4
    )
    assert "information" in fit.cov_kwds["description"]


# ---- inference ------------------------------------------------------------------


@families
@pytest.mark.parametrize("use_t", [False, True])
def test_tests_and_intervals(family, use_t):
    fit = fitted(family, use_t=use_t)
    law = stats.t(fit.df_resid) if use_t else stats.norm
    ratio = fit.params / fit.bse
    np.testing.assert_allclose(fit.tvalues, ratio)
    np.testing.assert_allclose(fit.pvalues, 2 * law.sf(abs(ratio)), rtol=1e-11)
    half = law.ppf(0.95) * fit.bse
    interval = fit.conf_int(alpha=0.1)
    np.testing.assert_allclose(interval[0], fit.params - half)
    np.testing.assert_allclose(interval[1], fit.params + half)
    assert list(interval.index) == ["Intercept", "f[T.b]", "f[T.c]", "x"]
    np.testing.assert_allclose(np.sqrt(np.diag(fit.cov_params())), fit.bse)
    test = fit.t_test("x = 0.2, f[T.b] = f[T.c]")
    by_hand = [(fit.params["x"] - 0.2) / fit.bse["x"]]
    c = np.array([0.0, 1.0, -1.0, 0.0])
    cov = fit.cov_params().to_numpy()
    by_hand.append(c @ fit.params / np.sqrt(c @ cov @ c))
    np.testing.assert_allclose(test.tvalue, by_hand)
    np.testing.assert_allclose(test.pvalue, 2 * law.sf(np.abs(by_hand)), rtol=1e-10)
    wald = fit.wald_test(np.eye(4)[1:3], scalar=True)
    b = fit.params.to_numpy()[1:3]
    quadratic = b @ np.linalg.solve(cov[1:3, 1:3], b)
    np.testing.assert_allclose(wald.statistic, quadratic / (2 if use_t else 1))
    f_test = fit.f_test(np.eye(4)[1:3])
    np.testing.assert_allclose(f_test.fvalue, quadratic / 2)
    assert f_test.df_denom == fit.df_resid == N - 4
    table = fit.wald_test_terms(scalar=True).table
    assert list(table.index) == ["Intercept", "f", "x"]
    np.testing.assert_allclose(table.loc["f", "pvalue"], wald.pvalue)
    pairs = fit.t_test_pairwise("f").result_frame
    np.testing.assert_allclose(pairs.loc["c-b", "coef"], b[1] - b[0])


def test_cov_params_of_combinations():
    fit, r = fitted("poisson"), np.array([[1.0, 0.0, 0.0, 2.0]])
    cov = fit.cov_params()
    assert list(cov.index) == list(cov.columns) == fit.model.exog_names
    np.testing.assert_allclose(fit.cov_params(r_matrix=r), r @ cov @ r.T)


@families
def test_information_criteria(family):
    fit = fitted(family, "x + (x | g)")
    k = 2 + 3 + bool(fit.family.dispersion_name)
    expected = {
        "aic": -2 * fit.llf + 2 * k,
        "bic": -2 * fit.llf + np.log(N) * k,
        "aicc": -2 * fit.llf + 2 * k + 2 * k * (k + 1) / (N - k - 1),
    }
    assert fit.df_modelwc == k and (fit.df_model, fit.df_resid) == (1.0, N - 2.0)
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(fit, name), value, rtol=1e-13)
        np.testing.assert_allclose(fit.info_criteria(name), value, rtol=1e-13)


def test_params_table_holds_aliased_columns():
    frame = data().assign(twice=2.0 * data().x)
    with pytest.warns(RankDeficiencyWarning, match="twice"):
        model = smm.glmm("poisson ~ x + twice + (1 | g)", frame, family="poisson")
    fit, expected = model.fit(), fitted("poisson", "x + (1 | g)")
    np.testing.assert_allclose(fit.params, expected.params, rtol=1e-6)
    np.testing.assert_allclose(fit.llf, expected.llf, rtol=1e-10)
    table = fit.params_table()
    assert table.loc["twice"].isna().all()
    np.testing.assert_allclose(table.loc["x", "coef"], fit.params["x"])
    assert list(fit.params_table(aliased=False).index) == ["Intercept", "x"]
    assert list(fit.exp_params().index) == ["Intercept", "x"]
    np.testing.assert_allclose(fit.predict(frame), expected.predict(data()), rtol=1e-6)
    assert "left out: twice" in fit.summary().as_text()


@pytest.mark.parametrize("family", ["binomial", "poisson", "negative_binomial"])
def test_exp_params(family):
    fit = fitted(family)
    table = fit.exp_params(alpha=0.1)
    np.testing.assert_allclose(table.estimate, np.exp(fit.params))
    np.testing.assert_allclose(table.upper, np.exp(fit.conf_int(alpha=0.1)[1]))
    assert list(table.index) == fit.model.exog_names


def test_exp_params_are_no_ratios_of_every_link():
    with pytest.raises(DataError, match="identity link"):
        fitted("gaussian").exp_params()
    probit = smm.families.Binomial("probit")
    fit = smm.glmm("binomial ~ x + (1 | g)", data(), family=probit).fit()
    with pytest.raises(DataError, match="probit"):
        fit.exp_params()


# ---- likelihood-ratio tests -----------------------------------------------------


@families
def test_compare_lr_test_of_fixed_and_random_effects(family):
    full, small = fitted(family), fitted(family, "x + (1 | g)")
    test = full.compare_lr_test(small)
    np.testing.assert_allclose(test.statistic, 2 * (full.llf - small.llf))
    assert test.df_diff == 2 and test.note == ""
    np.testing.assert_allclose(test.pvalue, stats.chi2.sf(test.statistic, 2))
    plain = fitted(family, "x + f")
    test = full.compare_lr_test(plain)
    assert test.df_diff == 1 and "bound" in test.note
    np.testing.assert_allclose(test.statistic, 2 * (full.llf - plain.llf))


@families
@pytest.mark.parametrize("extra", [{}, {"weights": "w", "offset": "o"}])
def test_compare_lr_test_against_a_glm_of_statsmodels(family, extra):
    given = {"var_weights": data().w, "offset": data().o} if extra else {}
    ours = SM[family] if family == "negative_binomial" else family
    full = smm.glmm(f"{family} ~ x + f + (1 | g)", data(), family=ours, **extra).fit()
    plain = smm.glmm(f"{family} ~ x", data(), family=ours, **extra).fit()
    glm = smf.glm(f"{family} ~ x", data(), family=SM[family], **given).fit()
    test, expected = full.compare_lr_test(glm), full.compare_lr_test(plain)
    assert test.df_diff == expected.df_diff == 3
    np.testing.assert_allclose(test.statistic, expected.statistic, rtol=1e-6)


def test_compare_lr_test_estimates_what_the_glm_holds_fixed():
    full = fitted("negative_binomial", "x + (1 | g)")
    glm = smf.glm("negative_binomial ~ x", data(), family=SM["negative_binomial"]).fit()
    test = full.compare_lr_test(glm)
    assert test.df_diff == 2  # a variance and alpha
    np.testing.assert_allclose(test.statistic, 2 * (full.llf - glm.llf))
    fixed = NegativeBinomial(alpha=0.7)
    other = smm.glmm("negative_binomial ~ x + (1 | g)", data(), family=fixed).fit()
    with pytest.raises(ComparisonError, match=r"alpha=0\.7.*alpha=0\.5"):
        other.compare_lr_test(glm)


def test_compare_lr_test_against_a_glm_of_trials_and_exposures():
    frame = data().assign(q=data().n - data().s, e=np.exp(data().o))
    glm = smf.glm("s + q ~ x", frame, family=SM["binomial"]).fit()
    full = smm.glmm("cbind(s, q) ~ x + (1 | g)", frame).fit()
    test = full.compare_lr_test(glm)
    assert test.df_diff == 1
    np.testing.assert_allclose(test.statistic, 2 * (full.llf - glm.llf))
    weighted = SM["poisson"]
    glm = smf.glm(
        "poisson ~ x", frame, family=weighted, exposure=frame.e, freq_weights=frame.w
    ).fit()
    full = smm.glmm(
        "poisson ~ x + (1 | g)", frame, family="poisson", exposure="e", weights="w"
    ).fit()
    test = full.compare_lr_test(glm)
    np.testing.assert_allclose(test.statistic, 2 * (full.llf - glm.llf))


def test_compare_lr_test_against_least_squares():
    full = fitted("gaussian", "x + (1 | g)")
    ols = smf.ols("gaussian ~ x", data()).fit()
    test = full.compare_lr_test(ols)
    assert test.df_diff == 1
    np.testing.assert_allclose(test.statistic, 2 * (full.llf - ols.llf))


def _glm(left, family, frame=None, **kwargs):
    frame = data() if frame is None else frame
    return smf.glm(f"{left} ~ x", frame, family=family, **kwargs).fit()


REFUSED = {
    "family": ("poisson", lambda: fitted("negative_binomial", "x", left="poisson")),
    "family of a glm": (
        "poisson family with the log link",
        lambda: _glm("poisson", sm.families.Gaussian()),
    ),
    "link": (
        "sqrt link",
        lambda: _glm("poisson", sm.families.Poisson(sm.families.links.Sqrt())),
    ),
    "offset": ("offsets", lambda: _glm("poisson", SM["poisson"], offset=data().o)),
    "exposure": ("offsets", lambda: _glm("poisson", SM["poisson"], exposure=data().w)),
    "weights": (
        "weights",
        lambda: _glm("poisson", SM["poisson"], freq_weights=data().w),
    ),
    "rows": (
        "240 and 239 rows",
        lambda: _glm("poisson", SM["poisson"], data().iloc[1:]),
    ),
    "response": ("responses", lambda: _glm("negative_binomial", SM["poisson"])),
    "integral": ("nagq", lambda: fitted("poisson", "x + (1 | g)", nagq=0)),
    "fixed effects": ("fixed effects", lambda: fitted("poisson", "w + (1 | g)")),
    "random term": ("random term", lambda: fitted("poisson", "x + (1 | h)")),
    "discrete model": (
        "Poisson result",
        lambda: smf.poisson("poisson ~ x", data()).fit(disp=False),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_compare_lr_test_guards(name):
    message, other = REFUSED[name]
    with pytest.raises(ComparisonError, match=message):
        fitted("poisson", "x + f + (x | g)").compare_lr_test(other())


def test_compare_lr_test_of_other_trials():
    frame = data().assign(n=data().n + 1)
    full = smm.glmm("cbind(s, n - s) ~ x + (1 | g)", data()).fit()
    with pytest.raises(ComparisonError, match="numbers of trials"):
        full.compare_lr_test(smm.glmm("cbind(s, n - s) ~ x", frame).fit())
    gaussian = fitted("gaussian", "x + (1 | g)")
    with pytest.raises(ComparisonError, match="repeat the rows"):
        gaussian.compare_lr_test(
            _glm("gaussian", SM["gaussian"], freq_weights=data().w)
        )


# ---- fitted values and residuals ------------------------------------------------


@families
def test_residuals_by_hand(family):
    fit = fitted(family, "x + f + (1 | g)", weights="w", offset="o")
    y, w, mu = data()[family], data().w, fit.fittedvalues
    b = fit.random_effects["g"].Intercept[data().g].to_numpy()
    design = np.column_stack([np.ones(N), data().f == "b", data().f == "c", data().x])
    eta = design @ fit.params.to_numpy() + data().o + b
    inverse = {"binomial": expit, "gaussian": lambda v: v}.get(family, np.exp)
    np.testing.assert_allclose(mu, inverse(eta), rtol=1e-10)
    np.testing.assert_allclose(fit.resid_response, y - mu, atol=1e-10)
    np.testing.assert_array_equal(fit.resid, fit.resid_response)
    phi = fit.dispersion
    variance = {
        "binomial": mu * (1 - mu),
        "poisson": mu,
        "gamma": phi * mu**2,
        "inverse_gaussian": phi * mu**3,
        "gaussian": phi + 0 * mu,
        "negative_binomial": mu + phi * mu**2,
    }[family]
    pearson = (y - mu) * np.sqrt(w / variance)
    np.testing.assert_allclose(fit.resid_pearson, pearson, rtol=1e-9)
    slope = {"binomial": mu * (1 - mu), "gaussian": 1.0}.get(family, mu)
    np.testing.assert_allclose(fit.resid_working, (y - mu) / slope, rtol=1e-9)
    np.testing.assert_allclose(fit.deviance, (fit.resid_deviance**2).sum())
    # a copy: statsmodels writes numbers of trials into the families it is given
    own = sm.families.Binomial() if family == "binomial" else SM[family]
    if family == "negative_binomial":
        own = sm.families.NegativeBinomial(alpha=fit.alpha)
    expected = own.deviance(y, mu, var_weights=w)
    np.testing.assert_allclose(fit.deviance, expected, rtol=1e-9)
    assert abs(fit.deviance + 2 * fit.llf) > 1.0  # conditional, and another thing


def test_residuals_of_trials():
    fit, n = trials(), data().n
    rate, mu = data().s / n, trials().fittedvalues
    np.testing.assert_allclose(fit.resid_response, rate - mu, atol=1e-12)
    pearson = (rate - mu) * np.sqrt(n / (mu * (1 - mu)))
    np.testing.assert_allclose(fit.resid_pearson, pearson, rtol=1e-10)
    expected = sm.families.Binomial().deviance(rate, mu, var_weights=n)
    np.testing.assert_allclose(fit.deviance, expected, rtol=1e-9)


@families
def test_marginal_means_against_draws(family):
    fit = fitted(family, "x + (x | g)")
    rng, draws = np.random.default_rng(0), 40_000
    root = np.linalg.cholesky(fit.cov_re["g"] + 1e-12 * np.eye(2))
    b = rng.standard_normal((draws, 2)) @ root.T
    z = np.column_stack([np.ones(N), data().x])[:5]
    means = fit.family.mean(b @ z.T + z @ fit.params.to_numpy())
    error = means.std(axis=0) / np.sqrt(draws)
    values = fit.fitted_marginal[:5]
    assert (abs(means.mean(axis=0) - values) < 5 * error + 1e-12).all()
    np.testing.assert_allclose(
        fit.predict(data().iloc[:5], random="marginal"), values, rtol=1e-12
    )


def test_rows_have_labels():
    names = ["resid", "resid_response", "resid_pearson", "resid_deviance"]
    names += ["resid_working", "fittedvalues", "fitted_marginal"]
    for name in names:
        value = getattr(fitted("poisson"), name)
        assert isinstance(value, pd.Series) and value.index.equals(data().index), name
    for name in ("params", "bse", "tvalues", "pvalues", "fe_params", "bse_fe"):
        value = getattr(fitted("poisson"), name)
        assert list(value.index) == ["Intercept", "f[T.b]", "f[T.c]", "x"], name


# ---- prediction -----------------------------------------------------------------


@families
@pytest.mark.parametrize("which", ["mean", "linear"])
@pytest.mark.parametrize("random", ["none", "conditional", "marginal"])
def test_predict(family, which, random):
    fit = fitted(family, "x + (x | g) + offset(o)")
    own = fit.predict(which=which, random=random)
    new = data().sample(frac=0.2, random_state=1)
    pd.testing.assert_series_equal(
        fit.predict(new, which=which, random=random), own[new.index], rtol=1e-12
    )
    z = np.column_stack([np.ones(N), data().x])
    eta = z @ fit.params.to_numpy() + data().o
    if random == "conditional":
        b = fit.random_effects["g"].loc[data().g].to_numpy()
        eta = eta + (z * b).sum(axis=1)
    if which == "linear":  # marginal: random effects have mean zero
        return np.testing.assert_allclose(own, eta, rtol=1e-11, atol=1e-12)
    if random == "marginal":
        return np.testing.assert_array_equal(own, fit.fitted_marginal)
    np.testing.assert_allclose(own, fit.family.mean(eta.to_numpy()), rtol=1e-11)
    if random == "conditional":
        np.testing.assert_allclose(own, fit.fittedvalues, rtol=1e-12)


@pytest.mark.parametrize("random", ["none", "conditional", "marginal"])
@pytest.mark.parametrize("which", ["mean", "linear"])
def test_predict_unseen_levels(random, which):
    fit = fitted("poisson", "x + (x | g)")
    new = pd.DataFrame({"x": [0.3, 0.3], "g": ["g01", "unseen"]})
    if random == "conditional":
        with pytest.raises(NewLevelError, match="unseen"):
            fit.predict(new, random=random, which=which)
    got = fit.predict(new, random=random, which=which, new_levels="population")
    population = fit.predict(new, which=which)
    if random == "conditional":
        assert abs(got[0] - got[1]) > 1e-3
        np.testing.assert_allclose(got[1], population[1])
    elif random == "none" or which == "linear":
        np.testing.assert_allclose(got, population)
    else:
        assert (got > population).all()  # Jensen


def test_predict_refuses_other_words_and_needs():
    fit = fitted("poisson")
    with pytest.raises(DataError, match="which="):
        fit.predict(which="prob")
    with pytest.raises(DataError, match="random="):
        fit.predict(random="all")
    with pytest.raises(DataError, match="new_levels="):
        fit.predict(data(), new_levels="zero")
    with pytest.raises(DataError, match="'x'"):
        fit.predict(data()[["f"]])
    by_array = smm.glmm(
        "poisson ~ x + (1 | g)", data(), family="poisson", exposure=data().w.to_numpy()
    ).fit()
    with pytest.raises(DataError, match="offset="):
        by_array.predict(data())
    np.testing.assert_allclose(
        by_array.predict(data(), offset=np.log(data().w)), by_array.predict()
    )


def test_predict_of_columns_that_went_through_the_formula():
    fit = fitted("binomial")
    matrix = fit.model.exog[:4]
    for which, values in (("mean", expit(matrix @ fit.params)), ("linear", None)):
        values = matrix @ fit.params if values is None else values
        got = fit.predict(matrix, transform=False, which=which)
        np.testing.assert_allclose(got, values, rtol=1e-12)
        np.testing.assert_allclose(
            fit.model.predict(fit.params, matrix, which=which), values, rtol=1e-12
        )
    with pytest.raises(DataError, match="transform=False"):
        fit.predict(matrix, transform=False, random="conditional")
    with pytest.raises(DataError, match="transform=False"):
        fit.predict(matrix, transform=False, random="marginal")


def test_predict_of_arrays():
    x = np.column_stack([np.ones(N), data().x])
    fit = smm.GLMM(
        data().poisson, x, random=[(data().g, x)], family="poisson", offset=data().o
    ).fit()
    expected = fitted("poisson", "x + (x | g)", offset="o")
    np.testing.assert_allclose(fit.params, expected.params, rtol=1e-6)
    o = data().o.to_numpy()[:3]
    for random in ("none", "conditional", "marginal"):
        entries = [data().g[:3]] if random == "conditional" else None
        got = fit.predict(x[:3], random=random, random_data=entries, offset=o)
        np.testing.assert_allclose(got, expected.predict(random=random)[:3], rtol=1e-5)
    with pytest.raises(DataError, match="offset="):
        fit.predict(x[:3])


@families
@pytest.mark.parametrize("use_t", [False, True])
def test_get_prediction(family, use_t):
    fit = fitted(family, use_t=use_t)
    new = data().iloc[[5, 50]]
    got = fit.get_prediction(new)
    frame = got.summary_frame(alpha=0.1)
    f = new.f.to_numpy()
    x = np.column_stack([np.ones(2), f == "b", f == "c", new.x])
    eta = x @ fit.params.to_numpy()
    se = np.sqrt(np.diag(x @ fit.cov_params().to_numpy() @ x.T))
    law = stats.t(fit.df_resid) if use_t else stats.norm
    mean = fit.family.mean
    h = 1e-6
    slope = (mean(eta + h) - mean(eta - h)) / (2 * h)
    np.testing.assert_allclose(got.predicted, mean(eta), rtol=1e-12)
    np.testing.assert_allclose(got.se, np.abs(slope) * se, rtol=1e-7)
    half = law.ppf(0.95) * se
    np.testing.assert_allclose(frame["ci_lower"], mean(eta - half), rtol=1e-12)
    np.testing.assert_allclose(frame["ci_upper"], mean(eta + half), rtol=1e-12)
    assert list(frame.index) == list(new.index)
    own = fit.get_prediction()
    np.testing.assert_allclose(own.predicted[[5, 50]], got.predicted, rtol=1e-12)


# ---- random effects -------------------------------------------------------------


@families
def test_random_effects_of_one_factor_are_the_modes(family):
    """Mode and curvature of each group's log-posterior, from the densities alone."""
    fit = fitted(family, "x + (x | g)", weights="w")
    values, vectors = np.linalg.eigh(fit.cov_re["g"])  # may be singular
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    z = np.column_stack([np.ones(N), data().x])
    modes, sd = fit.random_effects["g"], fit.random_effects_sd["g"]
    assert modes.shape == sd.shape == (M, 2)
    for level in ("g00", "g07"):
        rows = (data().g == level).to_numpy()
        bound = fit.family.observe(
            data()[family].to_numpy()[rows], None, data().w.to_numpy()[rows]
        )
        eta = z[rows] @ fit.params.to_numpy()
        zeta = np.log(fit.dispersion)
        effects = z[rows] @ root

        def objective(u, bound=bound, eta=eta, effects=effects, zeta=zeta):
            return -bound.value(eta + effects @ u, zeta).sum() + 0.5 * u @ u

        found = minimize(objective, np.zeros(2), method="Nelder-Mead", tol=1e-10)
        np.testing.assert_allclose(modes.loc[level], root @ found.x, atol=2e-5)
        d2 = bound.derivatives(eta + z[rows] @ modes.loc[level], zeta).d2
        curvature = np.eye(2) - (effects.T * d2) @ effects
        inverse = root @ np.linalg.inv(curvature) @ root.T
        index = list(modes.index).index(level)
        np.testing.assert_allclose(
            fit.random_effects_cov["g"][index], inverse, rtol=1e-5, atol=1e-9
        )
        np.testing.assert_allclose(sd.loc[level], np.sqrt(np.diag(inverse)), 1e-5)


def test_conditional_covariances_of_crossed_factors():
    fit = trials()
    z = [pd.get_dummies(data()[c]).to_numpy(float) for c in ("g", "h")]
    mu = fit.fittedvalues.to_numpy()
    w = data().n.to_numpy() * mu * (1 - mu)
    wide = np.column_stack(z)
    prior = np.concatenate(
        [np.full(M, fit.cov_re["g"].iloc[0, 0]), np.full(6, fit.cov_re["h"].iloc[0, 0])]
    )
    assert (prior > 0).all()
    dense = np.linalg.inv((wide.T * w) @ wide + np.diag(1 / prior))
    got = [fit.random_effects_cov[c][:, 0, 0] for c in ("g", "h")]
    np.testing.assert_allclose(np.concatenate(got), np.diag(dense), rtol=1e-8)
    # the modes: the derivative of the log-posterior vanishes
    resid = data().s - data().n * mu
    b = np.concatenate([fit.random_effects[c].iloc[:, 0] for c in ("g", "h")])
    np.testing.assert_allclose(wide.T @ resid.to_numpy(), b / prior, atol=1e-7)


def test_tables_of_variances_and_coefficients():
    fit = fitted("gaussian", "x + (x | g)")
    table = fit.varcorr()
    assert list(table.columns) == ["group", "effect", "effect2", "vcov", "sdcor"]
    cov = fit.cov_re["g"].to_numpy()
    np.testing.assert_allclose(table.vcov[:3], [cov[0, 0], cov[1, 1], cov[0, 1]])
    np.testing.assert_allclose(table.sdcor[:2], np.sqrt(np.diag(cov)))
    assert fit.ngroups == {"g": M}
    np.testing.assert_allclose(
        fit.coef()["g"]["x"], fit.params["x"] + fit.random_effects["g"]["x"]
    )
    assert list(fit.vcomp.index)[:2] == ["g Intercept", "g x"]
    # the dispersion is sigma^2
    lmm = smm.lmm("gaussian ~ x + (x | g)", data()).fit(reml=False)
    np.testing.assert_allclose(fit.dispersion, lmm.scale, rtol=1e-4)
    np.testing.assert_allclose(fit.llf, lmm.llf, rtol=1e-9)
    np.testing.assert_allclose(fit.params, lmm.params, rtol=1e-4)


def test_alpha():
    fit = fitted("negative_binomial")
    assert fit.alpha == fit.dispersion > 0
    fixed = smm.glmm(
        "negative_binomial ~ x + (1 | g)", data(), family=NegativeBinomial(alpha=0.25)
    ).fit()
    assert fixed.alpha == 0.25 and fixed.dispersion == 1.0
    with pytest.raises(AttributeError, match="poisson"):
        fitted("poisson").alpha


# ---- draws and more fits --------------------------------------------------------


@families
def test_simulate(family):
    fit = fitted(family, "x + (x | g)")
    draws = fit.simulate(400, random="conditional", rng=5)
    assert draws.shape == (N, 400) and draws.index.equals(data().index)
    mu = fit.fittedvalues
    variance = fit.family.variance(mu, fit.dispersion)
    error = np.sqrt(variance / 400)
    assert (abs(draws.mean(axis=1) - mu) < 5.5 * error).all()
    ratio = (draws.sub(mu, axis=0) ** 2).mean(axis=1) / variance
    assert abs(ratio.mean() - 1) < 0.1
    new = fit.simulate(400, random="new", rng=5)
    marginal = fit.fitted_marginal
    between = abs(new.mean(axis=1) - marginal) / (new.std(axis=1) / 20)
    assert between.quantile(0.99) < 4.5
    assert new.to_numpy().var() > draws.sub(mu, axis=0).to_numpy().var()
    for kind in ("new", "conditional"):
        one = fit.simulate(random=kind, rng=7)
        pd.testing.assert_series_equal(one, fit.simulate(random=kind, rng=7))
        assert one.name == family
        assert not one.equals(fit.simulate(random=kind, rng=8))
        fit.family.check(one.to_numpy())
    with pytest.raises(DataError, match="random="):
        fit.simulate(random="none")


def test_simulate_trials():
    draws = trials().simulate(300, random="conditional", rng=1)
    assert (draws.ge(0).all(axis=1) & draws.le(data().n, axis=0).all(axis=1)).all()
    expected = data().n * trials().fittedvalues
    assert abs(draws.mean(axis=1) - expected).max() < 0.6


@families
def test_refit(family):
    fit = fitted(family)
    again = fit.refit(data()[family])
    np.testing.assert_allclose(again.params, fit.params, rtol=1e-8)
    np.testing.assert_allclose(again.llf, fit.llf, rtol=1e-12)
    draws = fit.simulate(3, rng=2)
    many = fit.refit(draws)
    assert many.params.shape == (3, 4) and len(many) == 3
    assert list(many.params.index) == list(draws.columns)
    frame = data().assign(**{family: draws[1]})
    alone = smm.glmm(f"{family} ~ x + f + (1 | g)", frame, family=family).fit()
    np.testing.assert_allclose(many.params.loc[1], alone.params, rtol=1e-8)
    np.testing.assert_allclose(many.bse.loc[1], alone.bse, rtol=1e-6)
    np.testing.assert_allclose(many.theta.loc[1], alone.theta, rtol=1e-6)
    np.testing.assert_allclose(many.llf[1], alone.llf, rtol=1e-12)
    np.testing.assert_allclose(many.deviance[1], alone.deviance, rtol=1e-6)
    np.testing.assert_allclose(many.dispersion[1], alone.dispersion, rtol=1e-6)
    with pytest.raises(AttributeError, match="see dispersion"):
        many.sigma
    one = fit.refit(draws[1])
    np.testing.assert_array_equal(one.params, many.params.loc[1])
    assert one.model.endog_names == family and one.family == fit.family
    np.testing.assert_array_equal(fit.model.endog, data()[family])


def test_refit_of_trials_takes_successes():
    fit = trials()
    again = fit.refit(data().s)
    np.testing.assert_allclose(again.llf, fit.llf, rtol=1e-12)
    with pytest.raises(DataError, match="More successes than trials"):
        fit.refit(data().n + 1)
    with pytest.raises(DataError, match="constant"):
        fitted("poisson").refit(np.zeros(N))
    with pytest.raises(DataError, match="whole number"):
        fitted("poisson").refit(data().gamma)
    with pytest.raises(DataError, match="240"):
        fitted("poisson").refit(np.ones(3))


# ---- tables of text -------------------------------------------------------------


@families
def test_summary(family):
    fit = fitted(family, weights="w", offset="o", use_t=True)
    summary = fit.summary()
    text = summary.as_text()
    expected = ["Generalized Linear Mixed Model Results", f"{fit.llf:.4f}"]
    expected += [fit.family.link.name, family, "ML (Laplace)", "Levels g:", "P>|t|"]
    expected += ["The model has an offset.", "Weights:", f"{fit.params['x']:.4f}"]
    if fit.family.dispersion_name:
        expected.append(f"Estimated {fit.family.dispersion_name}: {fit.dispersion:.6g}")
    for part in expected:
        assert part in text, part
    assert all(isinstance(table, SimpleTable) for table in summary.tables)
    assert summary.as_html().count("<table") == 3
    assert "tabular" in summary.as_latex()


def test_summary_says_which_is_the_event():
    frame = data().assign(binomial=np.where(data().binomial == 1, "yes", "no"))
    text = smm.glmm("binomial ~ x + (1 | g)", frame).fit().summary().as_text()
    assert "event: binomial = 'yes' (not 'no')" in text
    assert "successes: s; failures: n - s" in trials().summary().as_text()


def test_summary_col_beside_a_glm():
    fit = fitted("poisson", "x + (1 | g)")
    glm = _glm("poisson", SM["poisson"])
    text = summary_col([fit, glm], stars=True, model_names=["glmm", "glm"]).as_text()
    assert f"{fit.params['x']:.4f}***" in text and f"({glm.bse['x']:.4f})" in text
    table = summary_params_frame(fit)
    np.testing.assert_allclose(table["std err"], fit.bse)


# ---- pickles --------------------------------------------------------------------


@families
def test_saved_results_predict_as_before(family, tmp_path):
    fit = smm.glmm(
        f"{family} ~ standardize(x) + (standardize(x) | g)", data(), family=family
    ).fit()
    new = data().iloc[40:60]
    words = ("none", "conditional", "marginal")
    expected = [fit.predict(new, random=r) for r in words]
    fit.save(tmp_path / "fit.pickle")
    copies = [pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)]
    copies += [load_pickle(tmp_path / "fit.pickle")]
    copies += [smm.GLMMResults.load(tmp_path / "fit.pickle")]
    for again in copies:
        for random, values in zip(words, expected, strict=True):
            pd.testing.assert_series_equal(again.predict(new, random=random), values)
        assert again.summary().as_text() == fit.summary().as_text()
        np.testing.assert_array_equal(again.resid_deviance, fit.resid_deviance)
        assert again.family == fit.family
    np.testing.assert_array_equal(copies[0].model.fit().params, fit.params)
    one = copies[0].simulate(rng=1)
    pd.testing.assert_series_equal(one, fit.simulate(rng=1))


def _without_rows(fit, new):
    return {
        "summary": pd.Series(fit.summary().as_text()),
        "test": fit.t_test("x = 0").summary_frame(),
        "predict": fit.predict(new),
        "linear": fit.predict(new, which="linear", random="conditional"),
        "conditional": fit.predict(new, random="conditional"),
        "marginal": fit.predict(new, random="marginal"),
        "interval": fit.get_prediction(new).summary_frame(),
        "varcorr": fit.varcorr(),
        "modes": fit.random_effects["g"],
        "coef": fit.coef()["g"],
        "terms": fit.wald_test_terms(scalar=True).table,
        "cov": fit.cov_params(),
        "table": fit.params_table(),
        "figures": pd.Series([fit.llf, fit.aic, fit.bic, fit.aicc, fit.dispersion]),
    }


@pytest.mark.parametrize("touched", [False, True])
@families
def test_remove_data(family, touched):
    model = smm.glmm(f"{family} ~ x + (x | g)", data(), family=family)
    fit, whole, new = model.fit(), model.fit(), data().iloc[::9]
    expected = _without_rows(whole, new)
    if touched:
        _without_rows(fit, new), fit.resid_pearson, fit.random_effects_sd
    fit.remove_data()
    fit.remove_data()
    for short in (fit, pickle.loads(pickle.dumps(fit))):
        for name, value in _without_rows(short, new).items():
            assert value.equals(expected[name]), name
    calls = [
        lambda: fit.fittedvalues,
        lambda: fit.fitted_marginal,
        lambda: fit.resid,
        lambda: fit.resid_working,
        lambda: fit.deviance,
        lambda: fit.predict(),
        lambda: fit.get_prediction(),
        lambda: fit.refit(data()[family]),
        lambda: fit.simulate(),
        lambda: fit.model.fit(),
    ]
    for call in calls:
        with pytest.raises(DataError, match="remove_data"):
            call()
    with pytest.raises(ComparisonError, match="remove_data"):
        whole.compare_lr_test(fit)
    assert whole.resid.notna().all() and model.fit().llf == whole.llf
    if touched:
        assert fit.random_effects_sd["g"].equals(whole.random_effects_sd["g"])


def test_size_of_the_pickle_after_remove_data_does_not_grow_with_rows():
    sizes = []
    for repeat in (1, 60):
        frame = pd.concat([data()] * repeat, ignore_index=True)
        fit = smm.glmm(
            "cbind(s, n - s) ~ x + f + (x | g)", frame, offset="o", weights="w"
        ).fit()
        fit.resid, fit.summary(), fit.random_effects_cov
        fit.remove_data()
        sizes.append(len(pickle.dumps(fit)))
    assert abs(sizes[1] - sizes[0]) < 300 and sizes[1] < 40_000, sizes


def test_two_fits_of_one_model_do_not_influence_each_other():
    model = smm.glmm("poisson ~ x + (1 | g)", data(), family="poisson")
    first = model.fit()
    text, resid = first.summary().as_text(), first.resid.to_numpy().copy()
    second = model.fit(nagq=0)
    assert second.llf != first.llf and second.method != first.method
    assert first.summary().as_text() == text
    np.testing.assert_array_equal(first.resid, resid)
    assert model.fit().llf == first.llf


def test_ends_of_intervals_are_in_order_for_a_decreasing_link():
    data = smm.datasets.load("sleepstudy")
    family = smm.families.Gamma("inverse")
    res = smm.glmm("Reaction ~ Days + (1 | Subject)", data, family=family).fit()
    frame = res.get_prediction(data.head(10)).summary_frame()
    assert (frame.ci_lower < frame.predicted).all()
    assert (frame.predicted < frame.ci_upper).all()


def test_no_mean_over_effects_that_leave_the_domain():
    data = smm.datasets.load("sleepstudy")
    family = smm.families.Gamma("inverse")
    res = smm.glmm("Reaction ~ Days + (1 | Subject)", data, family=family).fit()
    with pytest.raises(DataError, match=r"inverse link.*does not"):
        res.predict(random="marginal")
    wild = smm.glmm("Reaction ~ Days + (1 | Subject)", data, family=family).fit()
    wild.fit_record.__dict__["covariances"] = (np.array([[1.0]]),)
    with pytest.raises(DataError, match="without a mean"):
        wild.simulate(rng=1)


def test_comparisons_of_nothing_are_refused():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    with pytest.raises(DataError, match="at least one"):
        smm.compare_methods(smm.glmm(formula, data), [])


def test_new_rows_of_an_exposure_given_as_an_array():
    data = smm.datasets.load("grouseticks")
    exposure = np.linspace(1.0, 3.0, len(data))
    formula = "TICKS ~ cHEIGHT + (1 | BROOD)"
    res = smm.glmm(formula, data, family="poisson", exposure=exposure).fit()
    with pytest.raises(DataError, match=r"exposure=.*offset=.*logarithm"):
        res.predict(data.head(3))
    got = res.predict(data.head(3), offset=np.log(exposure[:3]))
    np.testing.assert_allclose(got, res.predict(which="mean")[:3])
