"""Profile likelihood: against reduced fits, dense likelihoods, and its own bounds."""

import pickle
import sys
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import (
    ConvergenceWarning,
    DataError,
    MixedModelError,
    SeparationWarning,
)
from statsmodels_mixed.fitting import FitOptions
from statsmodels_mixed.inference.profile import profile as module
from statsmodels_mixed.inference.profile.gaussian import GaussianChains
from statsmodels_mixed.inference.profile.generalized import GeneralizedChains
from statsmodels_mixed.inference.profile.path import Paths
from statsmodels_mixed.inference.profile.profile import profile

SLOPES = "Reaction ~ Days + (Days | Subject)"
COUNTS = "n ~ x + (x | g)"


@cache
def sleep():
    return smm.datasets.load("sleepstudy")


@cache
def sleep_profile():
    return profile(smm.lmm(SLOPES, sleep()).fit().fit_record)


def drawn(slope=0.3, sd=1.5, seed=3):
    """Twelve groups of five rows, with random intercepts and slopes."""
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(12), 5), np.tile(np.arange(5.0), 12)
    b = rng.normal(size=(12, 2)) * [1.0, slope]
    eta = b[g, 0] + b[g, 1] * x
    data = {"g": g.astype(str), "x": x}
    data["y"] = 2.0 + x + eta + sd * rng.normal(size=60)
    data["n"] = rng.poisson(np.exp(0.3 + 0.1 * x + 0.5 * eta))
    data["z"] = ((x > 2) & (rng.random(60) < 0.5)).astype(int)
    data["late"] = (x > 2).astype(int)
    return data


def deviance(formula, data=None, **keywords):
    model = smm.lmm(formula, sleep() if data is None else data, **keywords)
    return -2.0 * model.fit(reml=False).llf


# ---- is it the minimum? ------------------------------------------------------


def test_a_fixed_effect_held_is_an_offset():
    full, values = deviance(SLOPES), np.array([-1.0, 5.0, 10.0, 16.0])
    rises = [
        deviance("Reaction ~ 1 + (Days | Subject)", offset=v * sleep().Days) - full
        for v in values
    ]
    zeta = sleep_profile().zeta("Days", values)
    assert_allclose(zeta**2, rises, atol=2e-8)
    assert (np.sign(zeta) == [-1, -1, -1, 1]).all()


@pytest.mark.parametrize(
    ("parameter", "formula"),
    [
        ("sd_Days|Subject", "Reaction ~ Days + (1 | Subject)"),
        ("sd_Intercept|Subject", "Reaction ~ Days + (0 + Days | Subject)"),
        ("cor_Days.Intercept|Subject", "Reaction ~ Days + (Days || Subject)"),
    ],
)
def test_zero_is_the_smaller_model(parameter, formula):
    zeta = sleep_profile().zeta(parameter, 0.0)
    assert_allclose(zeta**2, deviance(formula) - deviance(SLOPES), atol=2e-8)


def test_no_variance_is_the_smaller_model_of_counts():
    data = drawn()
    full = smm.glmm("n ~ x + (1 | g)", data, family="poisson").fit()
    plain = smm.glmm("n ~ x", data, family="poisson").fit()
    found = profile(full.fit_record, "sd_Intercept|g").zeta("sd_Intercept|g", [0.0])
    assert_allclose(found**2, [2.0 * (full.llf - plain.llf)], atol=1e-7)


def test_sigma_against_a_dense_likelihood():
    data = smm.datasets.load("dyestuff")
    fit = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit(reml=False)
    same = np.equal.outer(*[data.Batch.to_numpy()] * 2).astype(float)

    def minus_two_llf(p, sigma):
        cov = p[1] ** 2 * same + sigma**2 * np.eye(30)
        mean = np.full(30, p[0])
        return -2.0 * stats.multivariate_normal(mean, cov).logpdf(data.Yield)

    found = profile(fit.fit_record, "sigma")
    for sigma in (35.0, 60.0, 80.0):
        best = optimize.minimize(
            minus_two_llf, [1527.0, 30.0], sigma, method="Nelder-Mead",
            options={"xatol": 1e-7, "fatol": 1e-11},
        )  # fmt: skip
        rise = best.fun + 2.0 * fit.llf
        assert_allclose(found.zeta("sigma", sigma) ** 2, rise, atol=1e-7)


def test_two_ways_to_the_same_profile():
    """A Gaussian GLMM goes through conditional modes, its curvature is not exact."""
    modes = profile(smm.glmm(SLOPES, sleep(), family="gaussian").fit().fit_record)
    ours, theirs = modes.conf_int(), sleep_profile().conf_int()
    assert_allclose(ours.loc["dispersion"] ** 0.5, theirs.loc["sigma"], rtol=1e-7)
    rest = ours.index.drop("dispersion")
    assert_allclose(ours.loc[rest], theirs.loc[rest], rtol=1e-6)


def test_quadrature_with_correlated_effects():
    """The order of effects in the chains does not turn the grid."""
    fit = smm.glmm(COUNTS, drawn(), family="poisson").fit(nagq=4).fit_record
    chains = GeneralizedChains(fit)
    start = chains.evaluate(chains.start, np.arange(len(chains.start)))
    assert_allclose(start.value, fit.deviance, rtol=0, atol=1e-8)
    assert np.abs(start.gradient).max() < 1e-3


@pytest.mark.parametrize(
    "formula",
    [
        "Reaction ~ Days + (Days + square | Subject)",
        "Reaction ~ Days + (1 | Subject) + (0 + Days + square || Subject)",
        "Reaction ~ Days + (Days | Subject) + (1 | week)",
    ],
)
def test_derivatives_along_the_chains(formula):
    data = sleep().assign(
        square=(sleep().Days - 4.5) ** 2, week=np.arange(180) % 7, w=1.0
    )
    chains = GaussianChains(smm.lmm(formula, data).fit(reml=False).fit_record)
    which = np.arange(len(chains.start))
    rng, h = np.random.default_rng(1), 1e-5
    y = chains.start + 0.1 * rng.normal(size=chains.start.shape)
    found = chains.evaluate(y, which)
    for i, step in enumerate(h * np.eye(y.shape[1])):
        ahead, behind = (chains.evaluate(y + s * step, which) for s in (1, -1))
        slope = (ahead.value - behind.value) / (2 * h)
        assert_allclose(found.gradient[:, i], slope, atol=1e-5 * np.abs(slope).max())
        if chains.exact:
            second = (ahead.gradient - behind.gradient) / (2 * h)
            largest = np.abs(found.curvature).max()
            assert_allclose(found.curvature[:, i], second, atol=1e-7 * largest)
    assert chains.exact == ("week" not in formula)


def test_points_hold_what_they_say():
    points = sleep_profile().points
    assert list(points.columns[:3]) == ["parameter", "value", "zeta"]
    for name, rows in points.groupby("parameter"):
        assert_allclose(rows.value, rows[name], rtol=1e-10, atol=1e-12)
        assert (np.diff(rows.value) > 0).all()
        assert (np.diff(rows.zeta) > 0).all()
    at = points[points.parameter == "Days"].iloc[0]
    engine = smm.lmm(SLOPES, sleep()).engine
    sds = np.array([at["sd_Intercept|Subject"], at["sd_Days|Subject"]])
    rho = at["cor_Days.Intercept|Subject"]
    cov = np.outer(sds, sds) * [[1, rho], [rho, 1]] / at.sigma**2
    llf = engine.gaussian_loglike(at[["Intercept", "Days"]], [cov], at.sigma**2)[0]
    assert_allclose(-2.0 * llf, deviance(SLOPES) + at.zeta**2, atol=1e-7)


def test_units_do_not_matter():
    data = sleep().assign(Reaction=sleep().Reaction * 1e-6, Days=sleep().Days * 1e4)
    other = profile(smm.lmm(SLOPES, data).fit().fit_record).conf_int()
    units = np.array([1e-6, 1.0, 1e-10, 1e-6, 1e-6, 1e-10])[:, None]
    assert_allclose(other / units, sleep_profile().conf_int(), rtol=1e-7)


# ---- bounds -----------------------------------------------------------------


def test_a_fit_with_a_perfect_correlation():
    rng = np.random.default_rng(3)
    data = drawn()
    g, b = np.repeat(np.arange(12), 5), rng.normal(size=12)
    data["y"] = 2 + data["x"] + b[g] * (1 + 0.5 * data["x"]) + rng.normal(size=60)
    res = smm.lmm("y ~ x + (x | g)", data).fit()
    assert res.singular
    limits = profile(res.fit_record).conf_int()
    lower, upper = limits.loc["cor_x.Intercept|g"]
    assert upper == 1.0
    assert 0.0 < lower < 1.0
    assert np.isfinite(limits).all(axis=None)


def test_a_correlation_with_an_effect_without_variance():
    data = smm.datasets.load("dyestuff2").assign(x=np.tile([0.0, 1.0], 15))
    res = smm.lmm("Yield ~ 1 + (x | Batch)", data).fit(reml=False)
    found = profile(res.fit_record)
    name = "cor_x.Intercept|Batch"
    if np.isnan(found.estimate[name]):
        assert found.conf_int().loc[name].tolist() == [-1.0, 1.0]
        assert found.zeta(name, 0.5) == 0.0
        assert name not in set(found.points.parameter)
    assert (found.conf_int().iloc[:, 0] <= found.conf_int().iloc[:, 1]).all()


def test_a_variance_that_leaves_zero_along_the_way():
    """Means far from the estimate leave the batches of dyestuff2 something to tell."""
    data = smm.datasets.load("dyestuff2")
    found = profile(smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit().fit_record)
    rows = found.points[found.points.parameter == "Intercept"]
    spread = rows["sd_Intercept|Batch"].to_numpy()
    assert (spread[np.abs(rows.zeta) < 1.5] == 0.0).all()
    assert (spread[np.abs(rows.zeta) > 2.5] > 1.0).all()
    far = {"Yield": data.Yield - 3.7, "Batch": data.Batch}
    rise = deviance("Yield ~ 0 + (1 | Batch)", far)
    rise -= deviance("Yield ~ 1 + (1 | Batch)", data)
    assert_allclose(found.zeta("Intercept", 3.7) ** 2, rise, atol=2e-8)


def test_a_correlation_is_never_worse_than_an_effect_without_variance():
    """Beyond some correlation the minimum is where one standard deviation is zero."""
    rng = np.random.default_rng(4)
    m = int(rng.integers(5, 12))
    g, x = np.repeat(np.arange(m), 4), np.tile(np.arange(4.0), m)
    b = rng.normal(size=(m, 2))[:, 0]
    y = 1 + x + b[g] * (1 + 0.5 * x) + rng.normal(size=4 * m)
    res = smm.lmm("y ~ x + (x | g)", {"y": y, "x": x, "g": g}).fit()
    found = profile(res.fit_record)
    least = min(abs(found.zeta(f"sd_{e}|g", 0.0)) for e in ("Intercept", "x"))
    at = found.zeta("cor_x.Intercept|g", [-0.9, -0.7, -0.5, 0.0])
    assert_allclose(at[:2], -least, atol=1e-7)
    assert -least < at[2] < at[3] < 0.0
    limits = found.conf_int(0.99).loc["cor_x.Intercept|g"]
    assert limits.lower == -1.0  # least is below the cutoff, 2.58
    assert -1.0 < found.conf_int(0.95).loc["cor_x.Intercept|g", "lower"] < -0.4


def test_separated_responses_have_open_intervals():
    model = smm.glmm("z ~ late + (1 | g)", drawn(), family="binomial")
    with pytest.warns(SeparationWarning):
        res = model.fit()
    with pytest.warns(ConvergenceWarning, match="late do not rise"):
        limits = profile(res.fit_record, ["Intercept", "late"]).conf_int()
    assert limits.loc["Intercept", "lower"] == -np.inf
    assert limits.loc["late", "upper"] == np.inf
    assert np.isfinite(limits.loc["late", "lower"])


# ---- what users see -------------------------------------------------------------


def test_a_reml_fit_is_repeated_and_says_so():
    found = sleep_profile()
    assert found.refitted
    assert "repeated by maximum likelihood" in repr(found)
    ml = profile(smm.lmm(SLOPES, sleep()).fit(reml=False).fit_record)
    assert not ml.refitted
    assert "repeated" not in repr(ml)
    assert_allclose(ml.conf_int(), found.conf_int(), rtol=1e-6)


def test_any_level():
    found = profile(smm.lmm(SLOPES, sleep()).fit().fit_record, up_to=0.5)
    before = len(found.points)
    wide = found.conf_int(0.999)
    assert len(found.points) > before
    for name in ("sd_Days|Subject", "sigma", "Days"):
        zeta = found.zeta(name, wide.loc[name].to_numpy())
        assert_allclose(zeta, [-3.2905267, 3.2905267], atol=1e-6)
    for level in (0.0, 1.0, 95):
        with pytest.raises(DataError, match="between 0 and 1"):
            found.conf_int(level)
    assert_allclose(found.conf_int(alpha=0.1), found.conf_int(0.9), rtol=1e-12)
    with pytest.raises(DataError, match=r"level= or alpha=.*not both"):
        found.conf_int(0.9, alpha=0.1)
    with pytest.raises(DataError, match="up_to=95: give the level of the widest"):
        profile(smm.lmm(SLOPES, sleep()).fit().fit_record, up_to=95)


def test_print_says_the_level_of_its_intervals():
    found = profile(smm.lmm(SLOPES, sleep()).fit().fit_record, "sigma", up_to=0.8)
    assert "intervals of level 0.95" in repr(found)
    lower, upper = found.conf_int(0.95).loc["sigma"]
    assert f"{lower:.6f}  {upper:.6f}" in repr(found)


def test_a_search_that_is_given_up_is_told(monkeypatch):
    fit = smm.lmm(SLOPES, sleep()).fit().fit_record
    path = "statsmodels_mixed.inference.profile.path.MAX_EVALUATIONS"
    monkeypatch.setattr(path, 1)
    with pytest.warns(ConvergenceWarning, match="was given up"):
        profile(fit, "sigma")


def test_some_parameters():
    fit = smm.lmm(SLOPES, sleep()).fit().fit_record
    assert profile(fit, "fixed").parameters == ("Intercept", "Days")
    variances = profile(fit, "random").parameters
    assert variances[-1] == "sigma" and len(variances) == 4
    assert profile(fit, "Variance").parameters == variances
    with pytest.raises(DataError, match="which=3: give names"):
        profile(fit, 3)
    assert profile(fit, ["Days", "sigma"]).parameters == ("sigma", "Days")
    one = profile(fit, "Days")
    assert_allclose(one.conf_int(), sleep_profile().conf_int().loc[["Days"]], rtol=1e-7)
    with pytest.raises(DataError, match=r"'days' is no parameter.*Intercept, Days"):
        profile(fit, "days")
    with pytest.raises(DataError, match="'sigma' was not profiled; there are: Days"):
        one.zeta("sigma", 20.0)
    with pytest.raises(DataError, match="cannot have"):
        sleep_profile().zeta("sd_Days|Subject", -1.0)
    with pytest.raises(DataError, match="cannot have"):
        sleep_profile().zeta("cor_Days.Intercept|Subject", [0.5, 1.5])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"nagq": 0}, "nagq=1 or more"), ({"method": "pql"}, "method='ml'")],
)
def test_fits_without_a_likelihood_of_all_parameters(options, message):
    res = smm.glmm("n ~ x + (1 | g)", drawn(), family="poisson").fit(**options)
    with pytest.raises(DataError, match=message):
        profile(res.fit_record)


def test_a_fit_that_is_no_minimum():
    engine = smm.lmm(SLOPES, sleep()).engine
    start = (np.diag([9.0, 0.2]),)
    fit = engine.fit(reml=False, options=FitOptions(start=start, max_iter=1))
    with pytest.warns(ConvergenceWarning, match="lower than that of the fit"):
        profile(fit, "Days")


def test_interruption_keeps_what_is_finished(monkeypatch):
    formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    fit = smm.lmm(formula, smm.datasets.load("penicillin")).fit().fit_record
    follow, calls = Paths.follow, []

    def interrupted(self, chains, z):
        calls.append(chains)
        if len(calls) == 3:
            raise KeyboardInterrupt
        follow(self, chains, z)

    monkeypatch.setattr(Paths, "follow", interrupted)
    found = profile(fit)
    monkeypatch.undo()
    assert not found.complete
    assert found.parameters == ("sd_Intercept|plate", "sd_Intercept|sample")
    assert list(found.conf_int().index) == list(found.parameters)
    assert "Interrupted" in repr(found)


def test_progress(monkeypatch):
    fit = smm.lmm(SLOPES, sleep()).fit().fit_record
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(MixedModelError, match="needs tqdm"):
        profile(fit, progress=True)


def test_large_models_are_followed_in_parts(monkeypatch):
    fit = smm.lmm(SLOPES, sleep()).fit().fit_record
    monkeypatch.setattr(
        "statsmodels_mixed.inference.profile.gaussian.MOST_NUMBERS", 1.0
    )
    assert_allclose(profile(fit).conf_int(), sleep_profile().conf_int(), rtol=1e-7)


def test_unknown_structures_are_refused(monkeypatch):
    fit = smm.lmm(SLOPES, sleep()).fit().fit_record
    monkeypatch.setattr("statsmodels_mixed.inference.profile.sdcor_map.ORDERED", {})
    with pytest.raises(DataError, match="structure Unstructured"):
        profile(fit)


def test_pickle():
    again = pickle.loads(pickle.dumps(sleep_profile()))
    assert_allclose(again.conf_int(0.9), sleep_profile().conf_int(0.9))


def test_interval_of_homogeneous_effects():
    data = drawn()
    res = smm.lmm("y ~ x + homdiag(x | g)", data).fit()
    found = profile(res.fit_record)
    lower, upper = found.conf_int().iloc[0]
    assert lower < found.estimate.iloc[0] < upper
    zeta = found.zeta(found.parameters[0], [lower, upper])
    assert_allclose(zeta, [-1.959964, 1.959964], atol=1e-6)


@pytest.mark.parametrize("absolute", [False, True])
def test_plot(absolute):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    figure = sleep_profile().plot(absolute=absolute)
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_xlabel() for ax in shown] == list(sleep_profile().parameters)
    lines = [line.get_ydata() for line in shown[0].lines]
    assert (min(map(np.min, lines)) < -2.5) != absolute
    with pytest.raises(MixedModelError, match="6 parameters need as many axes"):
        sleep_profile().plot(axes=shown[:2])
    with pytest.raises(MixedModelError, match="no parameter"):
        profile(smm.lmm(SLOPES, sleep()).fit().fit_record, []).plot()
    for which, expected in (("Days", ["Days"]), ("fixed", ["Intercept", "Days"])):
        (first, *_) = some = sleep_profile().plot(which, absolute=absolute).axes
        assert [ax.get_xlabel() for ax in some] == expected
        assert len(first.texts) == 4 * absolute
    with pytest.raises(DataError, match="which=True"):
        sleep_profile().plot(True)
    with pytest.raises(DataError, match=r"'days' was not profiled.*Days; or give"):
        sleep_profile().plot("days")


def test_pictures_say_what_the_bars_are():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = sleep_profile().plot(levels=(0.9, 0.5))
    (key,) = figure.legends
    assert [t.get_text() for t in key.get_texts()] == ["50%", "90%"]
    _, own = plt.subplots(1, 2)
    sleep_profile().plot("fixed", levels=(0.9,), axes=own)
    assert [t.get_text() for t in own[0].get_legend().get_texts()] == ["90%"]
    named = sleep_profile().plot("Days", absolute=True)
    named.canvas.draw()
    frame = named.axes[0].get_window_extent()
    for text in named.axes[0].texts:
        box = text.get_window_extent()
        assert frame.x0 < box.x0 and box.x1 < frame.x1 and box.y1 < frame.y1
    plt.close("all")


def test_pictures_have_no_bars_at_bounds():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    data = smm.datasets.load("dyestuff2")
    found = profile(smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit().fit_record)
    first = found.plot().axes[0]
    ends = [s[:, 0] for c in first.collections for s in c.get_segments()]
    upper = [found.conf_int(v).upper.iloc[0] for v in (0.5, 0.8, 0.95, 0.99)]
    assert_allclose(np.array(ends)[:, 0], upper)
    across = found.plot(absolute=True).axes[0].collections
    spans = [s for c in across for s in c.get_segments() if s[0, 1] == s[1, 1]]
    assert_allclose(
        [s[0] for s in spans],
        [[0.0, stats.norm.ppf(0.5 + v / 2)] for v in (0.5, 0.8, 0.95, 0.99)],
        atol=1e-12,
    )


@pytest.mark.slow
def test_coverage():
    """With fifty groups the chi-square is near enough: 95% within Monte Carlo error."""
    rng, hits = np.random.default_rng(20), []
    g, x = np.repeat(np.arange(50), 4), rng.normal(size=200)
    truth = {"x": 0.5, "sd_Intercept|g": 1.0, "sigma": 1.5}
    for _ in range(400):
        y = 0.5 * x + rng.normal(size=50)[g] + 1.5 * rng.normal(size=200)
        fit = smm.lmm("y ~ x + (1 | g)", {"y": y, "x": x, "g": g}).fit(reml=False)
        limits = profile(fit.fit_record, list(truth), up_to=0.95).conf_int()
        t = np.array([truth[name] for name in limits.index])
        hits.append((limits.lower <= t) & (t <= limits.upper))
    error = np.sqrt(0.95 * 0.05 / 400)
    assert (np.abs(np.mean(hits, axis=0) - 0.95) < 3 * error).all()


def test_module_is_what_the_mixin_calls():
    from statsmodels_mixed.results.profiles import ProfileMethods

    class Results(ProfileMethods):
        def _fit_with_rows(self, what):
            assert what == "profile()"
            return smm.lmm(SLOPES, sleep()).fit().fit_record

    assert isinstance(Results().profile("Days", up_to=0.9), module.Profile)
