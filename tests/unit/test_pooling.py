"""Fits of single levels, and the three ways of pooling."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import (
    DataError,
    FormulaError,
    IdentifiabilityError,
    MissingColumnError,
    MixedModelError,
)
from statsmodels_mixed.fitting.level_regressions import LevelRegressions
from statsmodels_mixed.pooling import lmlist, pooling

SLEEP = smm.datasets.load("sleepstudy")


def unbalanced():
    """Levels of 4 to 9 rows, a covariate of the level, and one within it."""
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(8), [4, 5, 9, 6, 7, 4, 5, 8])
    x, v = rng.normal(size=(2, len(g)))
    t = np.arange(8)[g] % 2
    w, off = rng.uniform(0.5, 2.0, len(g)), rng.normal(size=len(g))
    b = rng.normal(size=(8, 2))[g]
    y = off + 1 + t + v + b[:, 0] + x * (1 + b[:, 1]) + rng.normal(size=len(g))
    columns = {"y": y, "x": x, "v": v, "t": t, "w": w, "off": off}
    return pd.DataFrame({**columns, "g": np.array(list("abcdefgh"))[g]})


def part(result, method, column="estimate"):
    """Levels by effects."""
    rows = result.table[result.table.method == method]
    return rows.pivot(index="level", columns="effect", values=column)


# ---- one fit per level --------------------------------------------------------------


def test_coefficients_are_those_of_separate_least_squares():
    data = unbalanced()
    fits = lmlist("y ~ x + v | g", data, weights="w", offset="off")
    squares = 0.0
    for level, own in data.groupby("g"):
        ols = smf.wls("I(y - off) ~ x + v", own, weights=own.w).fit()
        assert_allclose(fits.coefficients.loc[level], ols.params, rtol=1e-10)
        scaled = ols.bse / np.sqrt(ols.scale) * fits.sigma
        assert_allclose(fits.bse.loc[level], scaled, rtol=1e-10)
        assert_allclose(fits.level_sigma[level], np.sqrt(ols.scale), rtol=1e-10)
        squares += ols.ssr
    assert fits.df_resid == 48 - 24 and fits.nobs.sum() == 48
    assert_allclose(fits.sigma, np.sqrt(squares / 24), rtol=1e-12)


def test_intervals_are_those_of_nlme():
    """``intervals(nlme::lmList(Reaction ~ Days | Subject, sleepstudy))``."""
    fits = lmlist("Reaction ~ Days | Subject", SLEEP)
    assert_allclose(fits.sigma, 25.5918156267, rtol=1e-11)
    table = fits.conf_int().astype({"level": str}).set_index(["level", "effect"])
    columns = ["lower", "estimate", "upper"]
    gold = {
        ("308", "Intercept"): [214.461645159, 244.192669091, 273.923693023],
        ("308", "Days"): [16.1955713885, 21.7647024242, 27.3338334600],
        ("372", "Days"): [5.72894229759, 11.29807333333, 16.86720436907],
    }
    for key, values in gold.items():
        assert_allclose(table.loc[key, columns].astype(float), values, rtol=1e-11)


def test_columns_far_from_zero_lose_nothing():
    data = unbalanced()
    near = lmlist("y ~ x | g", data)
    far = lmlist("y ~ x | g", data.assign(x=data.x + 1e7, y=data.y + 1e6))
    assert_allclose(far.coefficients["x"], near.coefficients["x"], rtol=1e-6)
    assert_allclose(far.level_sigma, near.level_sigma, rtol=1e-6)


def test_levels_that_cannot_be_fitted_are_missing_and_named():
    data = unbalanced()
    data.loc[data.g == "c", "x"] = 0.3
    data = data[(data.g != "e") | (data.groupby("g").cumcount() == 0)]
    fits = lmlist("y ~ x | g", data)
    lost = fits.coefficients.isna().all(axis=1)
    assert lost.index[lost].tolist() == ["c", "e"]
    assert fits.bse[lost].isna().all(axis=None) and fits.level_sigma[lost].isna().all()
    assert "2 of 8 levels of g" in fits.findings[0] and "(c, e)" in fits.findings[0]
    others = lmlist("y ~ x | g", data[~data.g.isin(["c", "e"])])
    assert_allclose(fits.sigma, others.sigma, rtol=1e-12)
    assert fits.df_resid == others.df_resid and fits.findings[0] in repr(fits)
    with pytest.raises(IdentifiabilityError, match="No level of g can be fitted"):
        lmlist("y ~ t | g", data)


def test_exact_fits_have_no_residual_sd_of_their_own():
    data = unbalanced().groupby("g").head(3)
    data = data.drop(data.index[data.g == "b"][0])
    fits = lmlist("y ~ x | g", data)
    assert np.isnan(fits.level_sigma["b"]) and np.isfinite(fits.bse.loc["b"]).all()
    assert fits.df_resid == 7


def test_collinear_columns_are_not_determined():
    x = np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0])
    columns = np.column_stack([x, np.r_[2.0 * x[:3], x[3:] ** 2]])
    own = LevelRegressions(columns, np.repeat([0, 1], 3), 2)
    assert own.determined.tolist() == [False, True]
    assert (
        np.isnan(own.inverse()[0]).all() and np.isnan(own.regress(columns)[0][0]).all()
    )


def test_many_levels_are_fitted_at_once():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20_000), 3)
    data = pd.DataFrame({"g": g, "x": rng.normal(size=60_000)})
    fits = lmlist("y ~ x | g", data.assign(y=data.g + data.x * (data.g % 7)))
    assert_allclose(fits.coefficients["Intercept"], np.arange(20_000), atol=1e-6)
    assert_allclose(fits.coefficients["x"], np.arange(20_000) % 7, atol=1e-6)


def test_formulas_of_lmlist():
    data = unbalanced()
    scale = 2.0
    doubled = lmlist("y ~ I(scale * x) | g", data).coefficients.iloc[:, 1]
    assert_allclose(doubled * scale, lmlist("y ~ x | g", data).coefficients["x"])
    crossed = lmlist("y ~ 1 | g:t", data)
    assert crossed.group == "g:t" and crossed.coefficients.index[0] == "a:0"
    for formula in ("y ~ x", "y ~ x + (x | g)", "y ~ x | g | t"):
        with pytest.raises(FormulaError, match="one grouping factor after a bar"):
            lmlist(formula, data)
    for formula in ("y ~ x | g/t", "y ~ x | g + t", "y ~ x |"):
        with pytest.raises(FormulaError, match="cross two as 'a:b'"):
            lmlist(formula, data)
    with pytest.raises(MissingColumnError, match="'h'"):
        lmlist("y ~ x | h", data)
    with pytest.raises(DataError, match="alpha=1"):
        lmlist("y ~ x | g", data).conf_int(1)


# ---- pooling ------------------------------------------------------------------------


def test_no_pooling_of_a_plain_model_is_lmlist():
    compared = pooling("Reaction ~ Days + (Days | Subject)", SLEEP)
    fits = lmlist("Reaction ~ Days | Subject", SLEEP)
    effects = ["Intercept", "Days"]
    ours = part(compared, "none")[effects]
    assert_allclose(ours, fits.coefficients, rtol=1e-10)
    assert_allclose(part(compared, "none", "se")[effects], fits.bse, rtol=1e-10)
    assert_allclose(compared.sigma["none"], fits.sigma, rtol=1e-12)
    ols = smf.ols("Reaction ~ Days", SLEEP).fit()
    same = part(compared, "complete")[effects]
    assert_allclose(same, np.tile(ols.params, (18, 1)), rtol=1e-10)
    half = part(compared, "complete", "upper")[effects] - same
    assert_allclose(half.iloc[0], ols.conf_int()[1] - ols.params, rtol=1e-9)
    coef = compared.result.coef()["Subject"]
    assert_allclose(part(compared, "partial")[effects], coef[effects], rtol=1e-10)


FORMULA = "y ~ x * t + v + (x | g)"


@pytest.fixture(scope="module")
def compared():
    return pooling(FORMULA, unbalanced(), weights="w", offset="off")


def test_covariates_of_a_level_are_in_its_coefficients(compared):
    """Dummies for every level and slope, and one common slope of v."""
    data = unbalanced()
    own = smf.wls("I(y - off) ~ 0 + C(g) + C(g):x + v", data, weights=data.w).fit()
    estimates, errors = np.reshape(own.params[:-1], (2, 8)), own.bse[:-1]
    none = part(compared, "none")
    assert_allclose(none[["Intercept", "x"]].T, estimates, rtol=1e-8)
    found = part(compared, "none", "se")[["Intercept", "x"]]
    assert_allclose(found.T, np.reshape(errors, (2, 8)), rtol=1e-8)
    assert_allclose(compared.sigma["none"], np.sqrt(own.scale), rtol=1e-10)
    together = smf.wls("I(y - off) ~ x * t + v", data, weights=data.w).fit()
    treated = together.t_test("x + x:t = 0")
    found = compared.table.query("method == 'complete' and effect == 'x'")
    found = found.set_index("level")
    assert_allclose(found.estimate["b"], treated.effect[0], rtol=1e-9)
    assert_allclose(found.se["b"], treated.sd[0, 0], rtol=1e-9)
    assert_allclose(found.estimate["a"], together.params["x"], rtol=1e-9)


def test_partial_pooling_by_dense_matrices(compared):
    """Mixed model equations of all levels at once, variances taken as known."""
    fit = compared.result.fit_record
    design = fit.design
    x, w, codes = design.mean.exog, design.weights, design.terms[0].grouping.codes
    z = np.zeros((len(x), 16))
    for j in range(2):
        z[np.arange(len(x)), 2 * codes + j] = design.terms[0].z[:, j]
    joint = np.hstack([x, z])
    system = joint.T @ (joint * w[:, None])
    system[5:, 5:] += np.kron(np.eye(8), np.linalg.inv(fit.relative_covariances[0]))
    response = design.endog - design.mean.offset
    solution = np.linalg.solve(system, joint.T @ (w * response))
    names = list(design.mean.exog_names)
    se, estimate = part(compared, "partial", "se"), part(compared, "partial")
    for level, treated in enumerate([0, 1] * 4):
        for j, (main, more) in enumerate((("Intercept", "t"), ("x", "x:t"))):
            row = np.zeros(21)
            row[[names.index(main), 5 + 2 * level + j]] = 1.0
            row[names.index(more)] = treated
            at = "abcdefgh"[level], main
            assert_allclose(estimate.loc[at], row @ solution, rtol=1e-6)
            variance = fit.sigma2 * row @ np.linalg.solve(system, row)
            assert_allclose(se.loc[at], np.sqrt(variance), rtol=1e-6)
    rows = compared.table.query("method == 'partial'")
    reach = stats.norm.ppf(0.975) * rows.se
    assert_allclose(rows.upper - rows.estimate, reach, rtol=1e-10)


def test_large_variances_are_no_pooling():
    data = unbalanced()
    level = data.g.map(ord) - 97
    far = data.y + 1e3 * (level + data.x * (3 * level % 8))
    apart = pooling("y ~ x + v + (x | g)", data.assign(y=far))
    # estimates shrink by the order of sigma^2 over the sd of 2000 between levels
    for column, near in (("estimate", 5e-3), ("se", 0.0)):
        ours, theirs = (part(apart, method, column) for method in ("partial", "none"))
        assert_allclose(ours, theirs, rtol=1e-5, atol=near)


def test_levels_that_cannot_be_fitted_alone_are_pooled():
    data = unbalanced()
    data = data[(data.g != "b") | (data.groupby("g").cumcount() == 0)]
    result = pooling(FORMULA, data)
    assert "1 of 8 levels of g" in result.findings[0]
    none = part(result, "none")
    assert none.loc["b"].isna().all() and none.drop("b").notna().all(axis=None)
    beta, modes = result.result.params, result.result.random_effects["g"]
    both = [beta["Intercept"] + beta["t"], beta["x"] + beta["x:t"]]
    effects = ["Intercept", "x"]
    assert_allclose(part(result, "partial")[effects].loc["b"], both + modes.loc["b"])
    ols = smf.ols("y ~ x * t + v", data).fit().params
    both = [ols["Intercept"] + ols["t"], ols["x"] + ols["x:t"]]
    assert_allclose(part(result, "complete")[effects].loc["b"], both, rtol=1e-9)
    assert np.isfinite(part(result, "partial", "se")).all(axis=None)


def test_effects_without_a_fixed_one_have_a_mean_of_zero():
    result = pooling("y ~ 1 + (0 + x | g)", unbalanced())
    rows = result.table.query("method == 'complete'")
    assert (rows.effect == "x").all() and (rows.estimate == 0.0).all()


def test_terms_of_one_factor_are_taken_together():
    apart = pooling("y ~ x + (1 | g) + (0 + x | g)", unbalanced())
    double = pooling("y ~ x + (x || g)", unbalanced())
    for method in ("complete", "partial", "none"):
        assert_allclose(part(apart, method), part(double, method), rtol=1e-6)
        ours, theirs = (part(p, method, "se") for p in (apart, double))
        assert_allclose(ours, theirs, rtol=1e-6)


def test_one_of_several_factors():
    res = smm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", PENICILLIN).fit()
    with pytest.raises(DataError, match="by group=: 'plate', 'sample'"):
        pooling(res)
    with pytest.raises(DataError, match="group='batch' is not one"):
        pooling(res, group="batch")
    result = pooling(res, group="sample")
    assert result.group == "sample" and "(1 | plate)" in result.findings[0]
    expected = PENICILLIN.groupby("sample", observed=True).diameter.mean()
    assert_allclose(part(result, "none")["Intercept"], expected, rtol=1e-12)
    # the mixed model equations of both factors
    z = [np.eye(n)[PENICILLIN[c].astype("category").cat.codes] for c, n in FACTORS]
    joint = np.hstack([np.ones((144, 1)), *z])
    system = joint.T @ joint
    variances = np.repeat([c[0, 0] for c in res.relative_covariances], [24, 6])
    system[1:, 1:] += np.diag(1.0 / variances)
    row = np.zeros(31)
    row[[0, 25]] = 1.0
    variance = res.scale * row @ np.linalg.solve(system, row)
    found = part(result, "partial", "se").iloc[0, 0]
    assert_allclose(found, np.sqrt(variance), rtol=1e-7)


PENICILLIN = smm.datasets.load("penicillin")
FACTORS = ("plate", 24), ("sample", 6)


def test_arguments_of_pooling():
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP).fit()
    assert pooling(res).table.equals(pooling(res, group="Subject").table)
    with pytest.raises(DataError, match="go with a formula"):
        pooling(res, SLEEP)
    with pytest.raises(DataError, match="alpha=0"):
        pooling(res, alpha=0)
    counts = smm.glmm("Days ~ 1 + (1 | Subject)", SLEEP, family="poisson").fit()
    with pytest.raises(DataError, match="linear mixed model"):
        pooling(counts)
    with pytest.raises(DataError, match="no random effects"):
        pooling("Reaction ~ Days", SLEEP)
    halves = 2.0
    scaled = pooling("Reaction ~ I(Days / halves) + (1 | Subject)", SLEEP)
    assert len(scaled.table) == 54 and halves == 2.0
    res.remove_data()
    with pytest.raises(DataError, match="remove_data"):
        pooling(res)


def test_print_shows_levels_by_effects_and_methods():
    text = repr(pooling("Reaction ~ Days + (Days | Subject)", SLEEP))
    lines = text.splitlines()
    assert lines[0].split() == ["Intercept", "Days"]
    assert lines[1].split() == ["complete", "partial", "none"] * 2
    assert lines[3].split()[0] == "308" and len(lines) == 21


# ---- pictures -----------------------------------------------------------------------


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_picture_has_a_panel_per_effect_in_order(pyplot):
    result = pooling("Reaction ~ Days + (Days | Subject)", SLEEP)
    figure = result.plot()
    figure.canvas.draw()
    assert [ax.get_title() for ax in figure.axes] == ["Intercept", "Days"]
    ax = figure.axes[1]
    lines = {line.get_label(): line for line in ax.lines}
    partial = part(result, "partial")["Days"].sort_values()
    assert [t.get_text() for t in ax.get_yticklabels()] == list(partial.index.map(str))
    none = part(result, "none")["Days"].loc[partial.index]
    assert_allclose(lines["no pooling"].get_xdata(), none)
    assert_array_equal(lines["no pooling"].get_ydata(), np.arange(18))
    marks = {c.get_label(): c for c in ax.collections}["complete pooling"]
    marks = np.array(marks.get_segments())
    assert_allclose(marks[:, :, 0], 10.467286, rtol=1e-6)
    assert_array_equal(marks[:, :, 1].mean(axis=1), np.arange(18))
    (bars,) = ax.containers
    assert_allclose(np.asarray(bars.lines[0].get_xdata(), dtype=float), partial)
    upper = part(result, "partial", "upper")["Days"].loc[partial.index]
    ends = np.array([s[1, 0] for s in bars.lines[2][0].get_segments()])
    assert_allclose(ends, upper)
    (legend,) = figure.legends
    assert "partial pooling, 95% interval" in {t.get_text() for t in legend.get_texts()}
    assert len(legend.get_texts()) == 3
    assert figure.axes[0].get_ylabel() == "Subject"
    other = pooling("Reaction ~ Days + (Days | Subject)", SLEEP, alpha=0.2).plot()
    texts = [t.get_text() for t in other.legends[0].get_texts()]
    assert "partial pooling, 80% interval" in texts


def test_picture_on_own_axes(pyplot):
    result = pooling("Reaction ~ Days + (Days | Subject)", SLEEP)
    figure, axes = pyplot.subplots(1, 2)
    assert result.plot(axes) is figure and axes[0].get_legend() is not None
    with pytest.raises(MixedModelError, match="2 effects need as many axes"):
        result.plot(axes[:1])


def test_names_of_many_levels_are_left_out(pyplot):
    data = pd.DataFrame({"g": np.repeat(np.arange(70), 3)})
    data["y"] = np.random.default_rng(1).normal(size=210) + data.g % 5
    figure = pooling("y ~ 1 + (1 | g)", data).plot()
    assert len(figure.axes[0].get_yticks()) == 0
