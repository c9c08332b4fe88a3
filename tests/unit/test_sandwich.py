"""Cluster-robust covariances against dense algebra, clubSandwich and OLS."""

import warnings
from dataclasses import astuple, replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from reference.loader import table
from scipy.linalg import sqrtm

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError, MissingValueError, MixedModelWarning
from statsmodels_mixed.inference.fixed_effects import sandwich
from statsmodels_mixed.inference.fixed_effects.clusters import cluster_grouping
from statsmodels_mixed.inference.fixed_effects.sandwich import (
    KINDS,
    cluster_covariance,
    cluster_robust,
)

# clubSandwich 0.5.8 with lme4 1.1-31: sd errors, degrees of freedom, HTZ test (F, df)
SLEEP = "Reaction ~ Days + (Days | Subject)"
OATS = "yield ~ Variety + C(nitro) + (1 | Block) + (1 | Block:Variety)"


def without(name, rows):
    data = table(name)
    return data.drop(data.index[np.array(rows) - 1])


def sleep():
    rows = [*range(1, 7), *range(40, 44), 99, *range(150, 156)]
    return without("sleepstudy", rows)


def oats():
    return without("oats", [1, 2, 7, 30, 41, 55, 66])


def fit_of(formula, data, **arguments):
    return smm.lmm(formula, data, **arguments).fit(tol=1e-10).fit_record


def weighted():
    data = sleep()
    data["w"] = np.random.default_rng(3).uniform(0.3, 4.0, len(data))
    data["late"] = (data.Days > 5) * 1.0
    data["early"] = 1.0 - data.late  # aliased
    data["known"] = 3.0 * data.Days**2
    return fit_of(
        "Reaction ~ Days + late + early + (Days | Subject)", data, weights="w"
    )


def nested():
    data = oats()
    data["w"] = np.random.default_rng(4).uniform(0.3, 4.0, len(data))
    return fit_of(OATS, data, weights="w")


def pairs():
    """Slopes in subjects that are themselves clustered in pairs, of unequal size."""
    data = sleep()
    pair = pd.factorize(data.Subject)[0] // 2
    return fit_of("Reaction ~ Days + (Days || Subject)", data), pair


class Dense:
    """The definition, with n x n matrices, in the user's columns."""

    def __init__(self, fit, codes, kind):
        design = fit.design
        self.codes = codes
        weights = np.ones(design.nobs) if design.weights is None else design.weights
        root = np.sqrt(weights)
        v = np.diag(1.0 / weights)
        for term, cov in zip(design.terms, fit.relative_covariances, strict=True):
            z = np.ones((design.nobs, 1)) if term.z is None else term.z
            same = term.grouping.codes[:, None] == term.grouping.codes
            v += same * (z @ cov @ z.T)
        x = design.mean.exog[:, np.sort(fit.model.coordinates.basis.kept)]
        inverse = np.linalg.inv(v)
        m = np.linalg.inv(x.T @ inverse @ x)
        self.resid_cov = v - x @ m @ x.T
        self.gain = np.zeros((codes.max() + 1, len(m), design.nobs))
        for i in range(codes.max() + 1):
            rows = np.flatnonzero(codes == i)
            at, w = np.ix_(rows, rows), root[rows]
            scaled = np.outer(w, w)
            # rows times the roots of their weights, and back
            adjust = ADJUST[kind](v[at] * scaled, self.resid_cov[at] * scaled)
            adjust = adjust / w[:, None] * w
            own = x[rows].T @ np.linalg.inv(v[at])
            self.gain[i][:, rows] = m @ own @ adjust
        offset = 0.0 if design.mean.offset is None else design.mean.offset
        self.resid = design.endog - x @ fit.beta - offset
        self.cov = sum(np.outer(g @ self.resid, g @ self.resid) for g in self.gain)
        self.expected = fit.sigma2 * sum(g @ self.resid_cov @ g.T for g in self.gain)

    def df(self, c):
        g = np.array([c @ gain for gain in self.gain])
        p = g @ self.resid_cov @ g.T
        return np.trace(p) ** 2 / (p**2).sum()

    def nu(self, c):
        """Of HTZ, by all pairs of clusters; clubSandwich's total_variance_mat."""
        g = np.array([c @ gain for gain in self.gain])
        p = np.einsum("isn,nm,jtm->stij", g, self.resid_cov, g)
        values, vectors = np.linalg.eigh(np.einsum("stii->st", p))
        half = (vectors / np.sqrt(values)) @ vectors.T
        p = np.einsum("as,stij,tb->abij", half, p, half)
        total = sum(
            (p[s, t] * p[t, s]).sum() + (p[s, s] * p[t, t]).sum()
            for s in range(len(c))
            for t in range(len(c))
        )
        return len(c) * (len(c) + 1) / total


def by_root(v, r):
    root = np.real(sqrtm(v))
    return root @ np.real(np.linalg.inv(sqrtm(root @ r @ root))) @ root


ADJUST = {
    "CR0": lambda v, r: np.eye(len(v)),
    "CR2": by_root,
    "CR3": lambda v, r: v @ np.linalg.inv(r),
}
CASES = {
    "weighted slopes": lambda: (weighted(), None),
    "weighted, nested": lambda: (nested(), None),
    "pairs of subjects": pairs,
}


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the aliased column
        return CASES[request.param]()


@pytest.mark.parametrize("kind", ADJUST)
def test_dense_algebra(case, kind):
    fit, groups = case
    robust = cluster_robust(fit, groups, kind)
    dense = Dense(fit, cluster_grouping(fit, groups).codes, kind)
    size = np.abs(dense.cov).max()
    assert_allclose(robust.cov, dense.cov, rtol=1e-8, atol=1e-11 * size)
    assert_allclose(robust.expected, dense.expected, rtol=1e-8, atol=1e-11 * size)
    p = len(fit.beta)
    rows = np.vstack([np.eye(p), np.arange(1.0, p + 1)])
    assert_allclose(robust.df(rows), [dense.df(c) for c in rows], rtol=1e-7)
    assert_allclose(
        robust.f_test(rows[:2]).df_denom, dense.nu(rows[:2]) - 1.0, rtol=1e-7
    )


def test_bias_reduced_is_unbiased_where_the_model_is_right(case):
    fit, groups = case
    expected = {k: cluster_robust(fit, groups, k).expected for k in ("CR0", "CR2")}
    size = np.abs(fit.cov_beta).max()
    assert_allclose(expected["CR2"], fit.cov_beta, rtol=1e-9, atol=1e-11 * size)
    # the plain one is too small, in every direction
    gap = np.linalg.eigvalsh(fit.cov_beta - expected["CR0"])
    assert gap.min() > 0


def test_means_with_weights_say_the_same_as_their_rows():
    rng = np.random.default_rng(2)
    counts = rng.integers(1, 4, 60)
    data = pd.DataFrame({"g": rng.integers(0, 9, 60), "x": rng.normal(size=60)})
    rows = data.loc[np.repeat(data.index, counts)]
    rows = rows.assign(
        y=rows.x + rng.normal(size=9)[rows.g] + rng.normal(size=len(rows))
    )
    data = data.assign(y=rows.y.groupby(level=0).mean(), w=1.0 * counts)
    whole = fit_of("y ~ x + (1 | g)", rows.reset_index(drop=True))
    means = fit_of("y ~ x + (1 | g)", data, weights="w")
    # at the same variances, which the means estimate from other deviations
    same = means.model.internal_theta(whole.relative_covariances)
    means = replace(means, evaluation=means.objective.evaluate(same))
    for kind in ("CR0", "CR2", "CR3"):
        mine, theirs = (cluster_robust(f, kind=kind) for f in (means, whole))
        assert_allclose(mine.cov, theirs.cov, rtol=1e-9, err_msg=kind)
        assert_allclose(mine.df(np.eye(2)), theirs.df(np.eye(2)), rtol=1e-9)


def test_large_variances_of_random_effects_cost_no_digits():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"g": np.repeat(np.arange(15), rng.integers(2, 9, 15))})
    data["x"] = rng.normal(size=len(data))
    effects = 1e3 * rng.normal(size=(2, 15))[:, data.g]
    data["y"] = effects[0] + effects[1] * data.x + rng.normal(size=len(data))
    fit = fit_of("y ~ x + (x | g)", data)
    robust = cluster_robust(fit)
    assert_allclose(robust.expected, fit.cov_beta, rtol=1e-6)


def test_factors_of_the_plain_sandwich(case):
    fit, groups = case
    plain = cluster_robust(fit, groups, "CR0")
    m, n, p = plain.n_clusters, fit.design.nobs, len(fit.beta)
    factors = {"CR1": m / (m - 1), "CR1S": m * (n - 1) / ((m - 1) * (n - p))}
    for kind, factor in factors.items():
        scaled = cluster_robust(fit, groups, kind)
        assert_allclose(scaled.cov, factor * plain.cov, rtol=1e-12)
        assert_allclose(scaled.df(np.eye(p)), plain.df(np.eye(p)), rtol=1e-10)


CLUBSANDWICH = {
    ("sleep", "CR0"): (
        [6.8266637, 1.43940529],
        [15.8371479, 16.7858104],
        [714.809061, 2.0, 15.3535057, 7.05932461e-16],
    ),
    ("sleep", "CR2"): (
        [7.0456057, 1.48129911],
        [15.8071149, 16.7768934],
        [672.004517, 2.0, 15.3370442, 1.16111585e-15],
    ),
    ("sleep", "CR3"): (
        [7.27209399, 1.5246067],
        [15.7775733, 16.7679763],
        [631.643397, 2.0, 15.3209865, 1.90871257e-15],
    ),
    ("oats", "CR0"): (
        [6.05923071, 7.77196399, 6.50782953, 3.73626046, 2.9728971, 3.69834884],
        [4.99209107, 4.99930992, 4.99274804, 4.91243414, 4.83428957, 4.93501303],
        [0.837531971, 2.0, 3.99605753, 0.496849967],
    ),
    ("oats", "CR2"): (
        [6.60527319, 8.50144124, 7.07494535, 4.13998771, 3.18553242, 4.08127547],
        [4.98967391, 4.99912035, 4.99141518, 4.87720974, 4.78733591, 4.91381817],
        [0.706944308, 2.0, 3.99518054, 0.545939903],
    ),
    ("oats", "CR3"): (
        [7.22958891, 9.24299904, 7.60945699, 4.59556751, 3.45153673, 4.50643446],
        [4.98747842, 4.9993834, 4.99073539, 4.83753709, 4.73863065, 4.89086495],
        [0.601330392, 2.0, 3.9946961, 0.591160663],
    ),
}


@pytest.mark.parametrize("model, kind", CLUBSANDWICH, ids="-".join)
def test_clubsandwich(model, kind):
    formula, data, which = {
        "sleep": (SLEEP, sleep, np.eye(2)),
        "oats": (OATS, oats, np.eye(6)[1:3]),
    }[model]
    se, df, htz = CLUBSANDWICH[model, kind]
    robust = cluster_robust(fit_of(formula, data()), kind=kind)
    # lme4 stops 1e-7 from the optimum
    assert_allclose(np.sqrt(np.diag(robust.cov)), se, rtol=2e-7)
    assert_allclose(robust.df(np.eye(len(se))), df, rtol=5e-7)
    test = robust.f_test(which)
    assert_allclose(astuple(test)[:3], htz[:3], rtol=5e-7)
    assert_allclose(test.pvalue, htz[3], rtol=5e-6)


def test_without_variance_between_groups_it_is_that_of_ols():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"g": np.repeat(np.arange(12), 4), "x": rng.normal(size=48)})
    e = rng.normal(size=(12, 4))
    data["y"] = data.x + (e - e.mean(axis=1, keepdims=True)).ravel()
    fit = fit_of("y ~ x + (1 | g)", data)
    assert fit.covariances[0][0, 0] == 0.0
    ols = smf.ols("y ~ x", data)
    for kind, corrected in (("CR0", False), ("CR1S", True)):
        groups = {"groups": data.g, "use_correction": corrected}
        theirs = ols.fit(cov_type="cluster", cov_kwds=groups).cov_params()
        assert_allclose(cluster_covariance(fit, kind=kind), theirs, rtol=1e-10)


def test_balanced_groups_have_their_number_less_one_degrees_of_freedom():
    fit = fit_of(SLEEP, table("sleepstudy"))
    robust = cluster_robust(fit)
    assert_allclose(robust.df(np.eye(2)), 17.0, rtol=1e-10)
    # Hotelling's T squared of 18 least-squares lines is exact
    test = robust.f_test(np.eye(2))
    assert (test.df_num, round(test.df_denom, 8)) == (2, 16.0)
    lines = np.array(
        [
            np.polyfit(s.Days, s.Reaction, 1)[::-1]
            for _, s in table("sleepstudy").groupby("Subject", observed=True)
        ]
    )
    assert_allclose(robust.cov, np.cov(lines.T) / 18, rtol=1e-8)
    mean = lines.mean(axis=0)
    squared = mean @ np.linalg.solve(np.cov(lines.T) / 18, mean)
    assert test.statistic == pytest.approx(16 / (17 * 2) * squared, rel=1e-8)


def test_joint_tests_do_not_depend_on_how_they_are_written():
    robust = cluster_robust(fit_of(OATS, oats()))
    rows = np.eye(6)[3:5]
    same = np.array([[1.0, 2.0], [-3.0, 1.0], [1e3, 2e3]]) @ rows
    one, other = robust.f_test(same), robust.f_test(rows)
    assert_allclose(astuple(one), astuple(other), rtol=1e-9)
    single = robust.f_test(rows[:1])
    assert single.df_denom == pytest.approx(robust.df(rows[0])[0])
    squared = robust.beta[3] ** 2 / robust.cov[3, 3]
    assert single.statistic == pytest.approx(squared)
    # more rows than the clusters tell of
    few = robust.f_test(np.eye(6))
    assert few.df_num == 6 and few.df_denom <= 0 and np.isnan(few.pvalue)
    shifted = robust.f_test(rows, [1.0, 2.0])
    assert shifted.statistic != pytest.approx(robust.f_test(rows).statistic)
    assert robust.f_test(rows, rows @ robust.beta).pvalue == pytest.approx(1.0)
    assert robust.f_test(np.zeros((2, 6))).df_num == 0
    with pytest.raises(DataError, match="it needs 6 columns"):
        robust.df(np.eye(5))


def test_many_rows_are_worked_on_in_pieces(monkeypatch):
    robust = cluster_robust(fit_of(OATS, oats()))
    rows = np.random.default_rng(1).normal(size=(7, 6))
    whole = robust.df(rows)
    monkeypatch.setattr(sandwich, "STACK", 2 * 6 * 6)
    assert_allclose(robust.df(rows), whole, rtol=1e-12)
    assert robust.df(np.empty((0, 6))).shape == (0,)


def test_clusters_by_name_array_and_rows_of_the_data():
    data = sleep()
    data.loc[data.index[5], "Reaction"] = np.nan
    fit = fit_of(SLEEP, data)
    default = cluster_robust(fit)
    assert (default.group, default.n_clusters, default.kind) == ("Subject", 18, "CR2")
    for groups in (
        "Subject",
        data.Subject,
        np.asarray(data.Subject.dropna()),
        fit.design.terms[0].grouping,
        data.Subject.drop(data.index[5]).astype(str).to_numpy(),
    ):
        assert_allclose(cluster_covariance(fit, groups), default.cov, rtol=1e-12)
    assert "CR2) of 2 fixed effects, 18 clusters (Subject)" in repr(default)


def test_clusters_of_any_sizes_share_stacks():
    # every cluster alone gives the same as padded stacks of many
    rng = np.random.default_rng(5)
    sizes = rng.integers(2, 60, 40)
    data = pd.DataFrame({"g": np.repeat(np.arange(40), sizes)})
    data["x"] = rng.normal(size=len(data))
    data["y"] = data.x + rng.normal(size=40)[data.g] + rng.normal(size=len(data))
    fit = fit_of("y ~ x + (x | g)", data)
    dense = Dense(fit, data.g.to_numpy(), "CR2")
    assert_allclose(cluster_covariance(fit), dense.cov, rtol=1e-7)


def test_clusters_that_are_refused():
    fit = fit_of(SLEEP, sleep())
    with pytest.raises(DataError, match=r"Level 308 .* 'Subject'.* clusters 6 and 9"):
        cluster_robust(fit, np.asarray(sleep().Days))
    with pytest.raises(DataError, match="one only"):
        cluster_robust(fit, np.zeros(fit.design.nobs))
    with pytest.raises(DataError, match=r"no grouping factor of the model .'Subject'"):
        cluster_robust(fit, "Day")
    with pytest.raises(DataError, match=r"shape \(3,\).*one label per row"):
        cluster_robust(fit, [1, 2, 3])
    missing = np.where(np.arange(fit.design.nobs) > 3, 1.0, np.nan)
    with pytest.raises(MissingValueError, match="groups"):
        cluster_robust(fit, missing)
    with pytest.raises(DataError, match="kind='CR9': use 'CR0' or"):
        cluster_robust(fit, kind="CR9")
    crossed = fit_of("diameter ~ 1 + (1 | plate) + (1 | sample)", table("penicillin"))
    with pytest.raises(DataError, match=r"'plate', 'sample'.*give groups="):
        cluster_robust(crossed)
    with pytest.raises(DataError, match=r"'CR1p' needs more clusters.* has 6 for 6"):
        cluster_robust(fit_of(OATS, oats()), kind="CR1p")


def test_generalized_models_are_refused():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    fit = smm.glmm(formula, data, family="binomial").fit().fit_record
    with pytest.raises(DataError, match=r"linear mixed models; .* bootstrap"):
        cluster_robust(fit)


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
def test_a_cluster_that_determines_an_effect_alone(kind):
    data = sleep().assign(one=lambda d: (d.Subject.astype(str) == "310") * 1.0)
    fit = fit_of("Reaction ~ Days + one + (1 | Subject)", data)
    with pytest.warns(MixedModelWarning, match=r"by one cluster alone .310.*too small"):
        robust = cluster_robust(fit, kind=kind)
    assert robust.singular_clusters == ("310",)
    assert np.isfinite(robust.cov).all() and np.isfinite(robust.expected).all()
    assert robust.expected[2, 2] < 0.5 * fit.cov_beta[2, 2]


def test_every_kind_is_reached():
    fit = fit_of(SLEEP, sleep())
    errors = [np.sqrt(cluster_covariance(fit, kind=kind)[1, 1]) for kind in KINDS]
    assert len(set(errors)) == len(KINDS)
