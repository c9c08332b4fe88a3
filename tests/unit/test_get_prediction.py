"""Errors and intervals of predictions, against dense matrices and definitions."""

import gc
import pickle
import weakref

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError, NewLevelError
from statsmodels_mixed.families import as_family
from statsmodels_mixed.prediction import (
    errors,
    joint_errors,
    observation_quantiles,
    own_rows,
)

N = 90


def make_data():
    """Two crossed factors of which few pairs were observed, and one nested in g."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(9), 10)
    h = (g + rng.integers(0, 3, N)) % 7
    x = rng.uniform(-1.0, 1.5, N)
    k = np.tile(np.arange(4), 23)[:N]
    eta = 0.4 + 0.7 * x + rng.standard_normal(9)[g] + 0.8 * rng.standard_normal(7)[h]
    eta = eta + 0.6 * rng.standard_normal(9)[g] * x
    y = 5.0 + eta + 0.5 * rng.standard_normal(N)
    return pd.DataFrame(
        {
            "x": x,
            "f": pd.Categorical(rng.choice(["u", "v", "w"], N)),
            "g": [f"g{i}" for i in g],
            "h": [f"h{i}" for i in h],
            "k": [f"k{i}" for i in k],
            "w": rng.uniform(0.5, 2.0, N),
            "o": rng.uniform(-0.3, 0.3, N),
            "n": rng.integers(3, 9, N),
            "y": y,
            "count": rng.poisson(np.exp(0.5 * eta)).astype(float),
            "s": 0,
        }
    ).assign(s=lambda d: rng.binomial(d["n"], 1 / (1 + np.exp(-0.7 * eta))))


DATA = make_data()
# new rows: every pair of levels of g and h, so most were not observed together
NEW = pd.DataFrame(
    [(f"g{i}", f"h{j}", f"k{(i + j) % 4}") for i in range(9) for j in range(7)],
    columns=["g", "h", "k"],
).assign(
    x=lambda d: np.linspace(-1, 2, len(d)),
    f=lambda d: np.resize(["u", "v", "w"], len(d)),
    o=0.1,
)
CONDITIONAL = {"random": "conditional"}
RANDOM = {
    "slopes": "(x | g)",
    "independent slopes": "(x || g)",
    "crossed": "(1 | g) + (1 | h)",
    "crossed slopes": "(x | g) + (0 + x | h)",
    "three": "(1 | k) + (x | g) + (1 | h)",
    "nested": "(1 | g) + (1 | g:k)",
    "intercept and slope of two factors": "(x || g) + (x | h)",
}


def dense_parts(res, new):
    """Return X, Z of the fit, of new rows, and the covariance of all effects."""
    fit = res.fit_record
    terms, blocks, own, other = fit.design.terms, [], [], []
    for term, cov in zip(terms, fit.covariances, strict=True):
        m, k = term.grouping.n_levels, term.k
        blocks.append(np.kron(np.eye(m), cov))
        columns = [new[name] for name in term.grouping.parts]
        codes = term.grouping.encode(*columns)
        z = np.ones((len(new), 1)) if k == 1 and term.z is None else None
        if z is None:
            z = np.column_stack(
                [{"Intercept": 1.0 + 0 * new.x, "x": new.x}[e] for e in term.effects]
            )
        own_z = np.ones((N, 1)) if term.z is None else term.z
        own.append(_spread(own_z, term.grouping.codes, m))
        other.append(_spread(np.asarray(z), codes, m))
    sizes = [len(b) for b in blocks]
    sigma, at = np.zeros((sum(sizes),) * 2), 0
    for block in blocks:
        sigma[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    x = np.asarray(res.model.exog)
    return x, np.hstack(own), np.hstack(other), sigma


def _spread(z, codes, m):
    out = np.zeros((len(z), m, z.shape[1]))
    known = np.flatnonzero(codes >= 0)
    out[known, codes[known]] = z[known]
    return out.reshape(len(z), -1)


def exog_of(res, new):
    columns = {
        "Intercept": np.ones(len(new)),
        "x": new.x,
        "f[T.v]": new.f == "v",
        "f[T.w]": new.f == "w",
    }
    return np.column_stack([columns[name] for name in res.params.index]).astype(float)


def dense_variance(x, z, new_x, new_z, sigma, noise):
    """Variance of ``x'(beta^ - beta) + z'(b^ - b)`` from the covariance of y."""
    v = np.diag(noise) + z @ sigma @ z.T
    vx = np.linalg.solve(v, x)
    cov = np.linalg.inv(x.T @ vx)
    zs = z @ sigma
    modes = zs.T @ np.linalg.solve(v, zs) - zs.T @ vx @ cov @ vx.T @ zs
    cross = -cov @ vx.T @ zs
    joint = np.block([[cov, cross], [cross.T, sigma - modes]])
    rows = np.hstack([new_x, new_z])
    return ((rows @ joint) * rows).sum(axis=1)


def linear(formula, **options):
    return smm.lmm(f"y ~ x + f + {formula}", DATA, weights="w", **options).fit()


# ---- linear mixed models ------------------------------------------------------------


@pytest.mark.parametrize("name", RANDOM)
def test_errors_are_those_of_the_dense_matrices(name, monkeypatch):
    res = linear(RANDOM[name], offset="o")
    new = DATA.iloc[::4] if name == "nested" else NEW
    x, z, new_z, sigma = dense_parts(res, new)
    noise = res.scale / DATA.w.to_numpy()
    expected = dense_variance(x, z, exog_of(res, new), new_z, sigma, noise)
    got = res.get_prediction(new, **CONDITIONAL)
    assert_allclose(got.var_pred_mean, expected, rtol=1e-7)
    assert_allclose(got.predicted_mean, res.predict(new, **CONDITIONAL), rtol=1e-12)
    assert_allclose(got.se_obs, np.sqrt(expected + res.scale), rtol=1e-7)
    half = stats.norm.ppf(0.975) * got.se_obs
    ends = got.conf_int(obs=True)
    assert_allclose(ends[:, 1] - got.predicted_mean, half, rtol=1e-10)
    # many batches of right-hand sides
    monkeypatch.setattr(errors, "BATCH", 1)
    again = res.get_prediction(new, **CONDITIONAL)
    assert_allclose(again.var_pred_mean, got.var_pred_mean, rtol=1e-12)


def test_henderson():
    """The inverse of the mixed-model equations, sigma^2 times."""
    res = linear("(x | g) + (1 | h)")
    x, z, new_z, sigma = dense_parts(res, NEW)
    w = DATA.w.to_numpy()
    design, p = np.hstack([x, z]), x.shape[1]
    left = (design * w[:, None]).T @ design
    left[p:, p:] += res.scale * np.linalg.inv(sigma)
    rows = np.hstack([exog_of(res, NEW), new_z])
    expected = res.scale * ((rows @ np.linalg.inv(left)) * rows).sum(axis=1)
    got = res.get_prediction(NEW, **CONDITIONAL)
    assert_allclose(got.var_pred_mean, expected, rtol=1e-6)


def test_own_rows_are_as_new_ones_but_for_their_weights():
    res = linear("(x | g) + (1 | h)")
    own, new = (res.get_prediction(d, **CONDITIONAL) for d in (None, DATA))
    assert_allclose(own.predicted_mean, res.fittedvalues, rtol=1e-12)
    assert_allclose(own.var_pred_mean, new.var_pred_mean, rtol=1e-12)
    assert_allclose(own.var_resid, res.scale / DATA.w, rtol=1e-12)
    assert_allclose(new.var_resid, res.scale, rtol=1e-12)


def test_singular_fit():
    flat = smm.lmm(
        "y ~ x + (1 | k)", DATA.assign(y=DATA.y - DATA.groupby("k").y.transform("mean"))
    ).fit()
    assert flat.singular
    got, none = (flat.get_prediction(NEW, random=r) for r in ("conditional", "none"))
    assert_allclose(got.se_mean, none.se_mean, rtol=1e-10)


def test_new_levels_bring_their_variance():
    res = linear("(x | g) + (1 | h)")
    new = NEW.iloc[[0, 1, 2]].assign(g=["g0", "new", "other"], h=["new", "h1", "new"])
    options = {**CONDITIONAL, "new_levels": "population"}
    got = res.get_prediction(new, **options)
    x, z, new_z, sigma = dense_parts(res, new)
    known = dense_variance(
        x, z, exog_of(res, new), new_z, sigma, res.scale / DATA.w.to_numpy()
    )
    zg = np.column_stack([np.ones(3), new.x])
    of_g = ((zg @ res.cov_re["g"].to_numpy()) * zg).sum(axis=1)
    of_h = res.cov_re["h"].iloc[0, 0]
    extra = np.array([of_h, of_g[1], of_g[2] + of_h])
    assert_allclose(got.var_pred_mean, known + extra, rtol=1e-7)
    # wholly new: all of it is the interval of a population mean's observation
    none = res.get_prediction(new)
    assert_allclose(got.se_obs[2], none.se_obs[2], rtol=1e-10)
    with pytest.raises(NewLevelError, match=r"'g'.*new, other.*new_levels="):
        res.get_prediction(new, **CONDITIONAL)


def test_drawn_levels_share_a_draw_and_are_taken_as_known():
    res = linear("(x | g)")
    new = NEW.iloc[[0] * 4].assign(g=["a", "b", "a", "g0"], x=0.0)
    options = {**CONDITIONAL, "new_levels": "draw"}
    got = res.get_prediction(new, rng=5, **options)
    assert_allclose(got.predicted_mean, res.predict(new, rng=5, **options), rtol=1e-12)
    assert got.predicted_mean[0] == got.predicted_mean[2] != got.predicted_mean[1]
    assert_allclose(got.se_mean[:3], res.get_prediction(new).se_mean[:3], rtol=1e-9)
    other = res.predict(new, rng=6, **options)
    assert other.iloc[0] != got.predicted_mean[0]
    assert other.iloc[3] == got.predicted_mean[3]
    many = new.iloc[[0] * 4000].assign(g=[f"n{i}" for i in range(4000)])
    sd = res.predict(many, rng=1, **options).std()
    assert_allclose(sd, np.sqrt(res.cov_re["g"].iloc[0, 0]), rtol=4 / np.sqrt(8000))


def test_rows_without_a_label():
    res = linear("(1 | g)")
    new = NEW.iloc[:4].assign(g=["g0", None, "g1", np.nan])
    new.index = ["r0", "r1", "r2", "r3"]
    for call in (res.predict, res.get_prediction):
        with pytest.raises(NewLevelError, match=r"'g' has no label in 2 rows \(r1, r3"):
            call(new, **CONDITIONAL)
        call(new)  # groups are not looked at
    mean = res.get_prediction(new, new_levels="population", **CONDITIONAL)
    none = res.get_prediction(new)
    assert_allclose(mean.predicted_mean[[1, 3]], none.predicted_mean[[1, 3]])
    same = new.assign(x=0.0, f="u")
    drawn = res.predict(same, new_levels="draw", rng=2, **CONDITIONAL)
    assert drawn["r1"] != drawn["r3"]  # a level of its own each


def test_missing_part_of_a_nested_label():
    res = linear("(1 | g / k)")
    new = DATA.iloc[[0, 1]].assign(k=["k0", None])
    with pytest.raises(NewLevelError, match="'g:k' has no label in 1 rows"):
        res.predict(new, **CONDITIONAL)
    got = res.predict(new, new_levels="population", **CONDITIONAL)
    of_g = res.predict(new, level="g", **CONDITIONAL)
    assert got.iloc[1] == pytest.approx(of_g.iloc[1], rel=1e-12)
    assert got.iloc[0] != pytest.approx(of_g.iloc[0], rel=1e-6)


def test_level_leaves_effects_to_the_interval_of_an_observation():
    res = linear("(x | g) + (1 | h)")
    of_g = res.get_prediction(NEW, level="g", **CONDITIONAL)
    x, z, new_z, sigma = dense_parts(res, NEW)
    new_z[:, 2 * 9 :] = 0.0
    noise = res.scale / DATA.w.to_numpy()
    expected = dense_variance(x, z, exog_of(res, NEW), new_z, sigma, noise)
    assert_allclose(of_g.var_pred_mean, expected, rtol=1e-7)
    assert_allclose(of_g.var_resid, res.scale + res.cov_re["h"].iloc[0, 0])
    slope = res.get_prediction(NEW, level={"g": "x"}, **CONDITIONAL)
    assert_allclose(slope.var_resid - of_g.var_resid, res.cov_re["g"].iloc[0, 0])
    b = res.random_effects["g"]["x"].loc[NEW.g].to_numpy()
    assert_allclose(slope.predicted_mean, res.predict(NEW) + b * NEW.x, rtol=1e-12)
    own = res.predict(level="g", **CONDITIONAL)
    assert_allclose(own, res.predict(DATA, level="g", **CONDITIONAL), rtol=1e-12)


BAD_LEVELS = {
    "0.95": ({"level": 0.95}, r"alpha="),
    "factor": ({"level": "q"}, r"no grouping factor called 'q'; there are g"),
    "effect": ({"level": {"g": "f"}}, r"varies over g called 'f'.*Intercept, x"),
    "random": ({"level": "g", "random": "none"}, r"random='conditional'"),
    "new_levels": ({"new_levels": "zero"}, r"new_levels='zero'"),
    "random word": ({"random": "all"}, r"random='all'"),
    "df": ({"df_method": "exact"}, r"df_method='exact'"),
}


@pytest.mark.parametrize("case", BAD_LEVELS)
def test_bad_options(case):
    options, words = BAD_LEVELS[case]
    with pytest.raises(DataError, match=words):
        linear("(x | g)").get_prediction(NEW, **{**CONDITIONAL, **options})


def test_unseen_level_of_a_fixed_factor():
    with pytest.raises(NewLevelError, match=r"f in the fixed effects has levels.*zz"):
        linear("(1 | g)").get_prediction(NEW.assign(f="zz"))


def test_offsets_are_in_the_mean_and_not_in_its_error():
    res = linear("(1 | g)", offset="o")
    more = res.get_prediction(NEW.assign(o=2.1), **CONDITIONAL)
    less = res.get_prediction(NEW, **CONDITIONAL)
    assert_allclose(more.predicted_mean - less.predicted_mean, 2.0)
    assert_allclose(more.se_mean, less.se_mean, rtol=1e-12)
    by_array = smm.lmm("y ~ x + (1 | g)", DATA, offset=DATA.o.to_numpy()).fit()
    with pytest.raises(DataError, match="give offset="):
        by_array.get_prediction(NEW, **CONDITIONAL)
    got = by_array.get_prediction(DATA, offset="o", **CONDITIONAL)
    assert_allclose(got.predicted_mean, by_array.fittedvalues, rtol=1e-12)


@pytest.mark.parametrize("method", ["satterthwaite", "kr", "residual", "normal"])
def test_population_means_are_contrasts_of_the_fixed_effects(method):
    res = linear("(x | g) + (1 | h)")
    new = NEW.iloc[[3, 30]]
    got = res.get_prediction(new, df_method=method)
    test = res.t_test(exog_of(res, new), df_method=method)
    assert_allclose(got.se_mean, test.sd.ravel(), rtol=1e-10)
    assert_allclose(got.conf_int(alpha=0.1), test.conf_int(alpha=0.1), rtol=1e-9)
    conditional = res.get_prediction(new, df_method=method, **CONDITIONAL)
    law = stats.t(res.df_resid) if method == "residual" else stats.norm
    half = law.ppf(0.975) * conditional.se_mean
    upper = conditional.conf_int()[:, 1]
    assert_allclose(upper - conditional.predicted_mean, half, rtol=1e-9)


def test_the_method_of_the_fit_is_the_default():
    model = smm.lmm("y ~ x + (1 | g)", DATA)
    for method in ("normal", "kenward-roger"):
        own = model.fit(df_method=method).get_prediction(NEW).conf_int()
        asked = model.fit().get_prediction(NEW, df_method=method).conf_int()
        assert_array_equal(own, asked)


def test_arrays():
    x = np.column_stack([np.ones(N), DATA.x])
    res = smm.LMM(DATA.y, x, [(DATA.g, x), DATA.h]).fit()
    same = smm.lmm("y ~ x + (x | g) + (1 | h)", DATA).fit()
    given = [NEW.g, NEW.h]
    exog = np.column_stack([np.ones(len(NEW)), NEW.x])
    got = res.get_prediction(exog, random_data=given, **CONDITIONAL)
    expected = same.get_prediction(NEW, **CONDITIONAL)
    assert_allclose(got.summary_frame(), expected.summary_frame(), rtol=1e-6)


def test_after_remove_data():
    res = linear("(1 | g)")
    expected = res.get_prediction(NEW).summary_frame()
    size = len(pickle.dumps(res))
    res.get_prediction(NEW, **CONDITIONAL)
    assert len(pickle.dumps(res)) < 1.05 * size + 2000  # nothing of it is kept in there
    res.remove_data()
    pd.testing.assert_frame_equal(res.get_prediction(NEW).summary_frame(), expected)
    with pytest.raises(DataError, match=r"random='conditional'.*remove_data"):
        res.get_prediction(NEW, **CONDITIONAL)
    assert res.simulate(2, newdata=NEW, rng=1).shape == (63, 2)


def test_joint_errors_do_not_outlive_their_fit():
    res = linear("(1 | g)")
    found = weakref.ref(joint_errors(res.fit_record))
    assert found() is joint_errors(res.fit_record)
    del res
    gc.collect()
    assert found() is None


@pytest.mark.slow
@pytest.mark.parametrize(("m", "least"), [(12, 0.88), (40, 0.915)])
def test_coverage(m, least):
    """Of 95% intervals; those of known groups take the variances as known."""
    rng, n = np.random.default_rng(5), 6
    g, x = np.repeat(np.arange(m), n), np.tile(np.arange(n) / 2.0, m)
    data = pd.DataFrame({"x": x, "g": g, "y": rng.standard_normal(m * n)})
    new = pd.DataFrame({"x": np.tile([1.0, 4.0], m), "g": np.repeat(np.arange(m), 2)})
    z, half = np.column_stack([np.ones(2 * m), new.x]), np.array([[1, 0], [0.2, 0.5]])
    res = smm.lmm("y ~ x + (x | g)", data).fit()
    hits = []
    for _ in range(400):
        b = rng.standard_normal((m, 2)) @ half.T
        y = 1 + x + b[g, 0] + b[g, 1] * x + rng.standard_normal(m * n)
        one = res.refit(y)
        population = 1.0 + new.x.to_numpy()
        mean = population + (z * b[new.g]).sum(axis=1)
        stranger = population + (z * (rng.standard_normal((2 * m, 2)) @ half.T)).sum(1)
        noise = rng.standard_normal((2, 2 * m))
        known = one.get_prediction(new, random="conditional")
        none = one.get_prediction(new)
        row = []
        for found, obs, truth in (
            (known, False, mean),
            (known, True, mean + noise[0]),
            (none, False, population),
            (none, True, stranger + noise[1]),
        ):
            low, high = found.conf_int(obs=obs).T
            row.append(((low < truth) & (truth < high)).mean())
        hits.append(row)
    coverage = np.mean(hits, axis=0)
    # rows of one response are not independent: their means are what varies
    error = 3 * np.std(hits, axis=0) / np.sqrt(len(hits))
    assert (coverage[:2] > least - error[:2]).all() and (coverage[:2] < 0.95).all()
    assert (abs(coverage[2:] - 0.95) < error[2:] + 0.005).all(), coverage


# ---- generalized linear mixed models ------------------------------------------------

MODELS = {
    "poisson": ("count ~ x + (x | g) + (1 | h)", "poisson", {}),
    "binomial": ("cbind(s, n - s) ~ x + (1 | g) + (1 | h)", "binomial", {}),
    "gamma": ("np.exp(y / 3) ~ x + (1 | g)", smm.families.Gamma("log"), {}),
    "quadrature": ("count ~ x + (1 | g)", "poisson", {"nagq": 7}),
}


@pytest.mark.parametrize("name", MODELS)
def test_errors_of_a_generalized_model(name):
    """Delta method in all estimates, modes moved by solving again, and H dense."""
    formula, family, options = MODELS[name]
    res = smm.glmm(formula, DATA, family=family).fit(**options)
    fit = res.fit_record
    _, z, new_z, sigma = dense_parts(res, NEW)
    objective, best = fit.objective, fit.evaluation.x
    objective.tolerance = 1e-26

    def eta(at):
        point = objective.point(at)
        moved = _with_modes(fit, at, point)
        return exog_of(res, NEW) @ moved[0] + new_z @ moved[1]

    h = 1e-4
    steps = h * np.eye(len(best))
    slopes = np.array([(eta(best + s) - eta(best - s)) / (2 * h) for s in steps])
    point = objective.point(best)
    information = (z * -point.derivatives.d2[:, None]).T @ z
    given = np.linalg.inv(information + np.linalg.inv(sigma))
    expected = (slopes * (fit.cov_parameters @ slopes)).sum(axis=0)
    expected += ((new_z @ given) * new_z).sum(axis=1)
    got = res.get_prediction(NEW, **CONDITIONAL)
    assert_allclose(got.linpred, eta(best), rtol=1e-7)
    assert_allclose(got.linpred_se**2, expected, rtol=2e-5)
    assert_allclose(got.se, res.family.mean_derivative(got.linpred) * got.linpred_se)
    ends = got.linpred[:, None] + stats.norm.ppf(0.975) * np.outer(
        got.linpred_se, [-1, 1]
    )
    assert_allclose(got.conf_int(), res.family.mean(ends), rtol=1e-10)


def _with_modes(fit, at, point):
    """Fixed effects and modes, in the user's units, at other parameters."""
    rows, out = fit.model.rows, []
    factors = fit.model.layout.matrices(at)
    for f, terms in enumerate(fit.design.factors):
        (m, k), part = rows.system.gram.sizes[f], rows.system.slices[f]
        b = point.u[part].reshape(m, k) @ factors[f].T
        out += [(b @ rows.maps[t].T).ravel() for t in terms]
    beta = rows.exog_map @ at[fit.objective.beta_place]
    return beta, np.concatenate(out)


def test_errors_with_the_variances_held_fixed():
    """nagq=0: Henderson's equations of the working model; quasi-likelihood likewise."""
    formula = "count ~ x + (x | g) + (1 | h)"
    joint = smm.glmm(formula, DATA, family="poisson").fit(nagq=0)
    x, z, new_z, sigma = dense_parts(joint, NEW)
    mu = joint.fittedvalues.to_numpy()
    expected = dense_variance(x, z, exog_of(joint, NEW), new_z, sigma, 1 / mu)
    got = joint.get_prediction(NEW, **CONDITIONAL)
    assert_allclose(got.linpred_se**2, expected, rtol=1e-5)
    pql = smm.glmm(formula, DATA, family="poisson").fit(method="pql")
    x, z, new_z, sigma = dense_parts(pql, NEW)
    noise = pql.dispersion / pql.fittedvalues.to_numpy()
    expected = dense_variance(x, z, exog_of(pql, NEW), new_z, sigma, noise)
    got = pql.get_prediction(NEW, **CONDITIONAL)
    assert_allclose(got.linpred_se**2, expected, rtol=1e-5)


def test_monte_carlo_fit():
    res = smm.glmm("count ~ x + (1 | g)", DATA, family="poisson")
    exact, drawn = res.fit(nagq=15), res.fit(method="mcml", rng=1)
    got, expected = (r.get_prediction(NEW, **CONDITIONAL) for r in (drawn, exact))
    assert_allclose(got.linpred_se, expected.linpred_se, rtol=0.02)


def test_new_level_of_a_generalized_model():
    res = smm.glmm("count ~ x + (1 | g)", DATA, family="poisson").fit()
    new = NEW.iloc[[0]].assign(g="new")
    got = res.get_prediction(new, new_levels="population", **CONDITIONAL)
    none = res.get_prediction(new)
    total = none.linpred_se**2 + res.cov_re["g"].iloc[0, 0]
    assert_allclose(got.linpred_se**2, total, rtol=1e-10)
    assert_allclose(got.conf_int(obs=True), none.conf_int(obs=True))


def test_means_over_the_random_effects():
    res = smm.glmm("cbind(s, n - s) ~ x + (x | g)", DATA).fit()
    got = res.get_prediction(NEW, random="marginal")
    assert_allclose(got.predicted, res.predict(NEW, random="marginal"), rtol=1e-12)
    none = res.get_prediction(NEW)
    h, beta = 1e-5, res.params.to_numpy()
    rows = exog_of(res, NEW)
    z = np.column_stack([np.ones(len(NEW)), NEW.x])
    sd = np.sqrt(((z @ res.cov_re["g"].to_numpy()) * z).sum(axis=1))
    nodes = np.random.default_rng(0).standard_normal(40_000)
    for i in (0, 40):
        draws = sd[i] * nodes
        mean = [res.family.mean(rows[i] @ beta + d + draws).mean() for d in (-h, h)]
        slope = (mean[1] - mean[0]) / (2 * h)
        assert_allclose(got.se[i], slope * none.linpred_se[i], rtol=0.02)
    ends = got.conf_int()
    assert (ends[:, 0] < got.predicted).all() and (got.predicted < ends[:, 1]).all()
    assert_allclose(got.conf_int("delta")[:, 1], got.predicted + 1.959964 * got.se)
    # an observation does not care how its mean is reported
    options = {"alpha": 0.2, "obs": True}
    n_trials = {"n_trials": 5}
    marginal = res.get_prediction(NEW, random="marginal", **n_trials).conf_int(
        **options
    )
    assert_array_equal(
        marginal, res.get_prediction(NEW, **n_trials).conf_int(**options)
    )


# ---- intervals of observations ------------------------------------------------------

MU = np.array([0.2, 0.45, 0.8])
LAWS = {
    "binomial": lambda mu: stats.binom(12, mu),
    "poisson": lambda mu: stats.poisson(mu),
    "negative_binomial": lambda mu: stats.nbinom(1 / 0.3, 1 / (1 + 0.3 * mu)),
    "gaussian": lambda mu: stats.norm(mu, 0.3**0.5),
    "gamma": lambda mu: stats.gamma(1 / 0.3, scale=0.3 * mu),
    "inverse_gaussian": lambda mu: stats.invgauss(0.3 * mu, scale=1 / 0.3),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("probability", [0.005, 0.1, 0.5, 0.975])
def test_quantiles_of_a_known_mean(name, probability):
    family = as_family(name)
    scale = 1.0 if name == "binomial" else 20.0
    mu = MU * scale
    trials = np.full(3, 12.0) if name == "binomial" else None
    got = observation_quantiles(
        family,
        0.3,
        family.linear_predictor(mu),
        np.zeros(3),
        probability,
        trials=trials,
    )
    expected = LAWS[name](mu).ppf(probability)
    expected = expected / 12 if name == "binomial" else expected
    assert_allclose(got, expected, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_quantiles_over_an_uncertain_mean(name):
    family, rng = as_family(name), np.random.default_rng(8)
    link = smm.families.Gamma("log").link if name != "binomial" else family.link
    family = type(family)(link) if name not in ("binomial",) else family
    eta, se, draws = np.array([0.4, 1.5]), np.array([0.5, 0.9]), 200_000
    values = eta + se * rng.standard_normal((draws, 2))
    trials = np.full(2, 30.0)
    y = family.draw(family.mean(values), 0.3, trials, None, rng)
    for p in (0.05, 0.95):
        got = observation_quantiles(family, 0.3, eta, se, p, trials=trials)
        got = got * 30 if name == "binomial" else got
        below, upto = (y < got - 1e-9).mean(axis=0), (y <= got + 1e-9).mean(axis=0)
        error = 4 * np.sqrt(p * (1 - p) / draws)
        assert (below <= p + error).all() and (upto >= p - error).all()


def test_weights_divide_a_dispersion():
    family = as_family("gaussian")
    weights = np.array([4.0])
    zero = np.zeros(1)
    got = observation_quantiles(family, 1.0, zero, zero, 0.975, weights=weights)
    assert_allclose(got, stats.norm.ppf(0.975) / 2, rtol=1e-8)


def test_normal_observations():
    """A normal response over a normal linear predictor: variances add up."""
    res = smm.glmm("y ~ x + (x | g)", DATA, family="gaussian").fit()
    got = res.get_prediction(NEW)
    z = np.column_stack([np.ones(len(NEW)), NEW.x])
    spread = ((z @ res.cov_re["g"].to_numpy()) * z).sum(axis=1)
    se = np.sqrt(got.linpred_se**2 + spread + res.dispersion)
    frame = got.summary_frame(alpha=0.1, obs=True)
    half = stats.norm.ppf(0.95) * se
    assert_allclose(frame["obs_ci_lower"], got.linpred - half, rtol=1e-6)
    assert_allclose(frame["obs_ci_upper"], got.linpred + half, rtol=1e-6)
    new = NEW.assign(x=0.0)
    conditional = res.get_prediction(new, **CONDITIONAL)
    se = np.sqrt(conditional.linpred_se**2 + res.dispersion)
    upper = conditional.conf_int(obs=True, alpha=0.1)[:, 1]
    assert_allclose(upper, conditional.linpred + stats.norm.ppf(0.95) * se, rtol=1e-6)


def test_no_observations_where_the_link_has_no_mean():
    family = smm.families.Gamma("inverse")
    eta, se = np.array([0.5, 0.5]), np.array([0.01, 0.3])
    got = observation_quantiles(family, 0.1, eta, se, 0.9)
    assert np.isfinite(got[0]) and np.isnan(got[1])


def test_trials_of_new_rows():
    res = smm.glmm("cbind(s, n - s) ~ x + (1 | g)", DATA).fit()
    res.get_prediction(NEW).summary_frame()  # means do not need them
    with pytest.raises(DataError, match="give n_trials="):
        res.get_prediction(NEW).conf_int(obs=True)
    few, many = (
        res.get_prediction(NEW, n_trials=n, **CONDITIONAL).conf_int(obs=True)
        for n in (2, 200)
    )
    assert (np.ptp(few, axis=1) > np.ptp(many, axis=1)).all()
    assert_allclose(few * 2, np.rint(few * 2))
    by_name = res.get_prediction(DATA, n_trials="n", **CONDITIONAL).conf_int(obs=True)
    assert_array_equal(by_name, res.get_prediction(**CONDITIONAL).conf_int(obs=True))
    inside = (by_name[:, 0] <= DATA.s / DATA.n) & (DATA.s / DATA.n <= by_name[:, 1])
    assert inside.mean() > 0.9
    none = res.get_prediction(NEW.iloc[:2], n_trials=[0, 1]).conf_int(obs=True)
    assert_array_equal(np.isnan(none), [[True, True], [False, False]])
    for wrong, words in (
        (1.5, "whole"),
        ("q", "'q'"),
        (DATA.n.iloc[:3], "length 3"),
    ):
        with pytest.raises(DataError, match=words):
            res.get_prediction(NEW, n_trials=wrong).conf_int(obs=True)
    poisson = smm.glmm("count ~ x + (1 | g)", DATA, family="poisson").fit()
    with pytest.raises(DataError, match="binomial"):
        poisson.get_prediction(NEW, n_trials=3).conf_int(obs=True)


def test_rows_of_the_fit_have_no_columns_to_choose():
    rows = own_rows(linear("(1 | g)").fit_record)
    with pytest.raises(DataError, match="describes new rows"):
        rows.column("w", "n_trials")


@pytest.mark.parametrize("df_method", [None, "kenward-roger", "residual"])
def test_new_levels_have_the_degrees_of_freedom_of_the_mean(df_method):
    res = linear("(x | g) + (1 | h)")
    new = NEW.iloc[:4].assign(g=["a", "g0", "b", None], h=["c", "d", "h0", None])
    none = res.get_prediction(new, df_method=df_method)
    options = {**CONDITIONAL, "new_levels": "population", "df_method": df_method}
    got = res.get_prediction(new, **options)
    known = np.array([False, True, True, False])
    assert_allclose(got.df[~known], none.df[~known], rtol=1e-12)
    everywhere = df_method == "residual"
    assert (np.isfinite(got.df[known]) == everywhere).all()
    limits, expected = got.conf_int(obs=True), none.conf_int(obs=True)
    assert_allclose(limits[~known], expected[~known], rtol=1e-9)
    assert (abs(limits - expected)[known].max(axis=1) > 1e-3).all()
    # the factors that are conditioned on count
    of_h = res.get_prediction(new, level="h", **options)
    assert_allclose(of_h.df[[0, 1, 3]], none.df[[0, 1, 3]], rtol=1e-12)


def test_levels_of_another_type_are_recognised():
    data = DATA.assign(id=DATA.g.str[1:], number=DATA.g.str[1:].astype(int))
    text = smm.lmm("y ~ x + (1 | id)", data).fit()
    words = r"'id' levels are text: '3', not numbers: 3"
    for label in (3, 3.0, np.int64(3)):
        with pytest.raises(NewLevelError, match=words):
            text.predict({"x": [0.0], "id": [label]}, **CONDITIONAL)
    numbers = smm.lmm("y ~ x + (1 | number)", data).fit()
    with pytest.raises(NewLevelError, match=r"levels are numbers: 3, not text: '3'"):
        numbers.get_prediction({"x": [0.0], "number": ["3"]}, **CONDITIONAL)
    crossed = smm.lmm("y ~ x + (1 | h:number)", data).fit()
    with pytest.raises(NewLevelError, match=r"'number' levels are numbers: 3"):
        crossed.predict({"x": [0.0], "h": ["h3"], "number": ["3"]}, **CONDITIONAL)
    with pytest.raises(NewLevelError) as caught:
        text.predict({"x": [0.0], "id": ["other"]}, **CONDITIONAL)
    assert "levels are" not in str(caught.value)


def test_missing_groups_can_be_left_out():
    res = linear("(1 | g) + (1 | h)")
    new = NEW[["x", "f", "g"]]
    for call in (res.predict, res.get_prediction):
        with pytest.raises(DataError, match=r"'h'.*is not there.*'h'.*level="):
            call(new, **CONDITIONAL)
        call(new, level="g", **CONDITIONAL)


def test_trials_from_the_column_of_the_fit():
    data = DATA.assign(p=DATA.s / DATA.n)
    for name in ("n_trials", "weights"):  # proportions have their trials as either
        res = smm.glmm("p ~ x + (1 | g)", data, **{name: "n"}, family="binomial").fit()
        got = res.get_prediction(data.iloc[:9], **CONDITIONAL).conf_int(obs=True)
        own = res.get_prediction(**CONDITIONAL).conf_int(obs=True)
        assert_array_equal(got, own[:9])
        single = res.get_prediction(data.iloc[:9], n_trials=1, **CONDITIONAL)
        assert set(np.unique(single.conf_int(obs=True))) <= {0.0, 1.0}
        with pytest.raises(DataError, match=r"give n_trials=.* or the column 'n'"):
            res.get_prediction(NEW).conf_int(obs=True)


def test_alpha_is_no_percentage():
    count = smm.glmm("count ~ x + (1 | g)", DATA, family="poisson").fit()
    for res in (linear("(1 | g)"), count):
        got = res.get_prediction()
        with pytest.raises(DataError, match=r"alpha=5: .* 5 percent is 0\.05"):
            got.summary_frame(alpha=5)
        for alpha in (4, 0, 1, -0.1, "0.1"):
            with pytest.raises(DataError, match="between 0 and 1"):
                got.conf_int(obs=True, alpha=alpha)
