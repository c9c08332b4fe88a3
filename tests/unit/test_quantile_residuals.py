"""Simulated residuals: what they are, what their tests find, what they refuse."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed.design.grouping import code_factor
from statsmodels_mixed.diagnostics import quantile_curves, serial, simulations
from statsmodels_mixed.diagnostics.quantile_residuals import (
    SimulatedResiduals,
    simulated_residuals,
)
from statsmodels_mixed.errors import (
    DataError,
    MissingColumnError,
    MixedModelError,
    MixedModelWarning,
)
from statsmodels_mixed.results.residual_methods import ResidualMethods

given = SimulatedResiduals.from_simulations


@pytest.fixture(scope="module")
def sleep():
    data = smm.datasets.load("sleepstudy")
    return smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()


@pytest.fixture(scope="module")
def counts():
    """Poisson counts in 40 groups, and the same with overdispersion."""
    rng = np.random.default_rng(8)
    group, x = np.repeat(np.arange(40), 8), rng.normal(size=320)
    eta = 1.0 + 0.4 * x + 0.5 * rng.normal(size=40)[group]
    excess = eta + 0.6 * rng.normal(size=320)
    return pd.DataFrame(
        {"x": x, "g": group, "y": rng.poisson(np.exp(eta))}
        | {"z": rng.poisson(np.exp(excess)), "when": rng.permutation(320)}
    )


def checked(res, **options):
    options = {"rng": 1} | options
    return ResidualMethods.simulated_residuals(res, **options)


def matrix_of(source):
    return np.hstack(list(source.blocks()))


# ---- residuals ---------------------------------------------------------------------


def test_residuals_are_shares_with_a_random_place_in_ties():
    draws = [[0, 1, 2, 3], [1, 1, 1, 2], [5, 6, 7, 8], [1, 2, 3, 4]]
    found = given(draws, [2, 1, 4, 9], rng=3)
    assert found.lower.tolist() == [0.5, 0.0, 0.0, 1.0]
    assert found.upper.tolist() == [0.75, 0.75, 0.0, 1.0]
    share = np.random.default_rng(3).random(4)
    expected = found.lower + share * np.array([0.25, 0.75, 0.0, 0.0])
    np.testing.assert_array_equal(found.residuals, expected)
    assert found.outside.tolist() == [False, False, True, True]
    assert found.integer and found.fitted.tolist() == [1.5, 1.0, 6.5, 2.5]


def test_normal_residuals_are_finite_and_those_outside_symmetric():
    found = given([[5.0, 6.0, 7.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], [4.0, 9.0, 1.5])
    low, high, inner = found.normal
    assert low == -high and np.isfinite(low) and abs(inner) < high
    assert not found.integer


@pytest.mark.parametrize("random", ["conditional", "new"])
def test_blocks_of_draws_give_what_the_matrix_does(sleep, random, monkeypatch):
    monkeypatch.setattr(simulations, "CELLS", 7 * 180)
    found = checked(sleep, n=30, random=random)
    sizes = [block.shape for block in found.simulations.blocks()]
    assert sizes == [(180, 7)] * 4 + [(180, 2)]
    draws = matrix_of(found.simulations)
    again = given(draws, found.observed, found.fitted)
    np.testing.assert_array_equal(found.residuals, again.residuals)
    for name, value in vars(found.counts).items():
        np.testing.assert_array_equal(value, getattr(again.counts, name), name)
    figures = found.generic(np.median).draws
    np.testing.assert_array_equal(figures, np.median(draws, axis=0))


def test_draws_depend_on_the_generator_only(sleep):
    same = [checked(sleep, rng=np.random.default_rng(5)).residuals for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert (checked(sleep, rng=6).residuals != same[0]).any()


def test_predictions_are_of_the_population(sleep):
    found = checked(sleep, n=10)
    np.testing.assert_allclose(found.fitted, sleep.predict(random="none"))
    assert list(found.frame.index) == list(sleep.fittedvalues.index)


def test_binomial_responses_are_numbers_of_successes():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    res = smm.glmm(formula, data).fit()
    found = checked(res)
    assert found.observed.tolist() == data.incidence.tolist() and found.integer
    expected = res.predict(random="none") * data["size"]
    np.testing.assert_allclose(found.fitted, expected)
    assert (matrix_of(found.simulations) <= data["size"].to_numpy()[:, None]).all()


def test_sums_by_group(counts):
    res = smm.glmm("y ~ x + (1 | g)", counts, "poisson").fit()
    whole, codes = checked(res, random="new"), counts.g.to_numpy()
    sums = [np.bincount(codes, draw) for draw in matrix_of(whole.simulations).T]
    expected = given(np.transpose(sums), np.bincount(codes, counts.y))
    for found in (checked(res, random="new", by="g"), whole.aggregate("g")):
        np.testing.assert_array_equal(found.lower, expected.lower)
        np.testing.assert_array_equal(found.upper, expected.upper)
        np.testing.assert_allclose(found.fitted, np.bincount(codes, whole.fitted))
        assert found.labels.tolist() == list(range(40))
        assert not found.uniformity().significant


def test_sums_that_the_modes_were_fitted_to_are_warned_of(counts):
    res = smm.glmm("y ~ x + (1 | g)", counts, "poisson").fit()
    with pytest.warns(MixedModelWarning, match="near 0.5 also"):
        found = checked(res, by="g")
    assert found.normal.std() < 0.6


def test_effects_of_single_rows_are_warned_of(counts):
    res = smm.glmm("z ~ x + (1 | g) + (1 | when)", counts, "poisson").fit()
    with pytest.warns(MixedModelWarning, match=r"one level per row.*random='new'"):
        found = checked(res)
    assert not any("when" in name for name in found.summary().index)
    assert not checked(res, random="new").dispersion().significant


# ---- names of variables ------------------------------------------------------------


def test_columns_are_found_in_the_rows_of_the_fit(counts):
    data = counts.assign(half=counts.g % 2).sample(frac=1, random_state=1)
    data.loc[[3, 200], "x"] = np.nan
    res = smm.lmm(
        "y ~ x + (1 | g:half)", data, subset=data.when < 300, missing="drop"
    ).fit()
    found = checked(res, n=5)
    rows = data.loc[res.fittedvalues.index]
    for name in ("when", "g", "half"):
        values = found.columns(name, "predictor")
        np.testing.assert_array_equal(np.asarray(values), rows[name])
    labels = found.columns("g:half", "by")
    assert labels[0] == f"{rows.g.iloc[0]}:{rows.half.iloc[0]}"
    assert found.aggregate(rows.when // 10).nobs == len(set(rows.when // 10))


def test_columns_of_sums_must_be_constant_in_groups(counts):
    data = counts.assign(site=counts.g // 10)
    res = smm.lmm("y ~ x + (1 | g)", data).fit()
    summed = checked(res, n=20, random="new", by="g")
    assert summed.categorical("site").table.n.tolist() == [10] * 4
    with pytest.raises(DataError, match="'x' varies within g '0'"):
        summed.quantiles("x")


# ---- what the tests find -----------------------------------------------------------


def test_an_overdispersed_poisson_is_caught(counts):
    good = checked(smm.glmm("y ~ x + (1 | g)", counts, "poisson").fit())
    bad = checked(smm.glmm("z ~ x + (1 | g)", counts, "poisson").fit())
    assert not any(t.significant for t in (good.uniformity(), good.dispersion()))
    assert not any(t.significant for t in (good.outliers(), good.zero_inflation()))
    found = bad.dispersion()
    assert found.statistic > 1.3 and found.pvalue == 0.0
    assert "overdispersion" in found.reading and "p < 0.008" in repr(found)
    assert bad.outliers().pvalue == 0.0 and bad.uniformity().significant
    assert (good.summary().pvalue > 0.05).all()


def test_zero_inflation_is_caught(counts):
    rng = np.random.default_rng(2)
    data = counts.assign(y=counts.y * (rng.random(320) < 0.7))
    res = smm.glmm("y ~ x + (1 | g)", data, "poisson").fit()
    found = checked(res).zero_inflation()
    assert found.pvalue == 0.0 and "more zeros" in found.reading
    assert checked(res).zero_inflation("less").pvalue == 1.0


def test_unequal_variances_are_seen_by_the_quantiles():
    rng = np.random.default_rng(4)
    x = rng.uniform(size=400)
    y, draws = rng.normal(size=400) * (0.1 + 2 * x), rng.normal(size=(400, 250))
    found = given(draws, y)
    wide = found.quantiles(x).table.adjusted
    assert wide[0] < 1e-3 and wide[2] < 1e-3 and wide[1] > 0.05
    assert not found.quantiles(rng.normal(size=400)).significant
    parts = found.categorical(np.where(x < 0.5, "low", "high"))
    assert parts.homogeneity[1] < 1e-6 and "spread" in parts.reading


def test_the_quantile_test_keeps_its_level():
    rng = np.random.default_rng(9)
    x = rng.normal(size=150)
    found = [
        quantile_curves.quantile_test(rng.random(150), x).table.pvalue
        for _ in range(400)
    ]
    share = (np.array(found) < 0.05).mean(axis=0)
    assert (np.abs(share - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 400)).all()


def test_quantiles_along_few_values_have_fewer_columns():
    rng = np.random.default_rng(1)
    for distinct in (1, 2, 3, 20):
        x = np.arange(200) % distinct
        table = quantile_curves.quantile_test(rng.random(200), x, (0.5,)).table
        assert table.df.tolist() == [min(distinct, 5)]
    for rows, df in ((20, 2), (50, 3), (200, 5)):
        table = quantile_curves.quantile_test(rng.random(rows), np.arange(rows)).table
        assert table.df.tolist() == [df] * 3


def test_splines_are_linear_beyond_the_outer_knots():
    knots = np.array([0.2, 0.4, 0.6, 0.8])
    basis = quantile_curves.spline_basis(np.linspace(0, 2, 201), knots)
    assert basis.shape == (201, 4) and np.linalg.matrix_rank(basis) == 4
    bends = np.abs(np.diff(basis, n=2, axis=0)).max(axis=1)
    assert bends[:18].max() < 1e-12 and bends[85:].max() < 1e-12 < bends[40]


def test_curves_of_uniform_residuals_are_level():
    rng = np.random.default_rng(3)
    curves = quantile_curves.quantile_curves(
        rng.random(20_000), rng.normal(size=20_000)
    )
    assert len(curves) == quantile_curves.MOST_ROWS
    for tau in quantile_curves.QUANTILES:
        assert np.abs(curves[tau] - tau).max() < 0.06


def test_outliers_by_bootstrap_compare_each_response_with_the_others():
    rng = np.random.default_rng(5)
    draws, y = rng.poisson(2.0, (60, 12)), rng.poisson(2.0, 60)
    everyone = np.column_stack([y, draws])
    for margin, sides in (("both", "lh"), ("lower", "l"), ("upper", "h")):
        expected = []
        for j in range(13):
            own, others = everyone[:, j], np.delete(everyone, j, axis=1)
            low, high = own < others.min(axis=1), own > others.max(axis=1)
            expected.append(sum({"l": low.sum(), "h": high.sum()}[s] for s in sides))
        found = given(draws, y).outliers(margin)
        assert [found.statistic, *found.draws] == expected


def test_autocorrelation_in_time_is_found():
    rng = np.random.default_rng(6)
    walk = np.convolve(rng.normal(size=209), np.ones(10) / np.sqrt(10), "valid")
    order = rng.permutation(200)
    found = given(rng.normal(size=(200, 250)), walk[order]).temporal(order)
    assert found.statistic < 1 and found.pvalue < 1e-6 and "more alike" in found.reading
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(order, unit="D")
    again = serial.durbin_watson_test(walk[order], order.astype(float))
    dated = given(rng.normal(size=(200, 250)), walk[order]).temporal(pd.Series(days))
    assert abs(again.statistic - dated.statistic) < 0.5


def permutations_of(x, weights):
    """Moran's I of every order of the values."""
    w = weights / weights.sum(axis=1, keepdims=True)
    y = x - x.mean()
    orders = np.array(list(itertools.permutations(y)))
    return np.einsum("pi,ij,pj->p", orders, w, orders) * len(x) / (w.sum() * (y @ y))


def test_moran_has_the_mean_and_variance_of_permutations(monkeypatch):
    rng = np.random.default_rng(7)
    places, x = rng.normal(size=(7, 2)), rng.random(7)
    gaps = np.linalg.norm(places[:, None] - places, axis=2)
    weights = np.where(gaps > 0, 1 / np.where(gaps > 0, gaps, 1), 0)
    values = permutations_of(x, weights)
    monkeypatch.setattr(serial, "CELLS", 20)
    for options in ({"coordinates": places}, {"distances": gaps}):
        found = serial.moran_test(x, **options)
        assert found.statistic == pytest.approx(values[0], rel=1e-12)
        assert found.table.expected[0] == pytest.approx(values.mean(), rel=1e-9)
        assert found.table.sd[0] == pytest.approx(values.std(), rel=1e-9)


def test_autocorrelation_in_space_is_found():
    rng = np.random.default_rng(8)
    places = rng.uniform(size=(150, 2))
    wave, noise = np.sin(5 * places[:, 0]), rng.normal(size=(150, 251))
    found = given(noise[:, 1:], wave + 0.3 * noise[:, 0])
    seen = found.spatial(*places.T)
    assert seen.pvalue < 1e-6 and seen.statistic > seen.table.expected[0]
    few = places[:60]
    level = [serial.moran_test(rng.random(60), few).significant for _ in range(300)]
    assert 0.015 < np.mean(level) < 0.09


def test_a_single_row_has_no_dispersion():
    found = given(DRAWS, Y).aggregate(["all"] * 6)
    assert found.nobs == 1 and np.isnan(found.dispersion().pvalue)
    assert not found.dispersion().significant


def test_levels_that_depart_are_named(sleep):
    found = checked(sleep)
    shifted = replace(found, residuals=found.residuals.copy())
    shifted.residuals[:10] = np.linspace(0.9, 0.99, 10)
    test = shifted.grouped()
    assert test.significant and "1 level(s): 308" in test.reading
    assert repr(test).endswith(f"p = {test.homogeneity[1]:.3g}")
    assert not found.grouped("Subject").significant


def test_a_level_alone_has_no_levene_test():
    found = given(np.random.default_rng(1).normal(size=(30, 50)), np.zeros(30))
    assert np.isnan(found.categorical(["a"] * 30).homogeneity).all()


def test_steps_of_residuals_are_said_when_there_are_many_rows():
    rng = np.random.default_rng(2)
    found = given(rng.normal(size=(4000, 20)), rng.normal(size=4000)).uniformity()
    assert "take more simulations" in found.reading
    assert (
        "steps"
        not in given(rng.normal(size=(40, 99)), np.ones(40)).uniformity().reading
    )


def test_the_summary_has_a_row_for_each_test(sleep, counts):
    table = checked(sleep).summary()
    assert table.columns.tolist() == ["statistic", "pvalue", "reading"]
    assert [name.split()[0] for name in table.index] == [
        "Uniformity", "Dispersion", "Outliers", "Quantiles", "Residuals"
    ]  # fmt: skip
    res = smm.glmm("y ~ x + (1 | g)", counts, "poisson").fit()
    assert "Zeros (by simulation)" in checked(res).summary().index
    new = checked(res, random="new").summary()
    assert not any(name.startswith("Residuals by") for name in new.index)
    assert "320 rows, 250 simulations (conditional)" in repr(checked(res))


# ---- the picture -------------------------------------------------------------------


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_the_two_panels(counts, plt):
    res = smm.glmm("z ~ x + (1 | g)", counts, "poisson").fit()
    found = checked(res)
    qq, along = found.plot().axes
    diagonal, points = qq.lines
    assert diagonal.get_xdata().tolist() == [0, 1]
    np.testing.assert_array_equal(points.get_ydata(), np.sort(found.residuals))
    texts = [t.get_text() for t in qq.texts]
    assert texts[1] == "Dispersion test: p < 0.008" and len(texts) == 3
    tests = found.uniformity(), found.dispersion(), found.outliers()
    bold = [t.get_fontweight() == "bold" for t in qq.texts]
    assert bold == [t.significant for t in tests] and any(bold)
    inner, outside = along.lines[:2]
    assert len(outside.get_xdata()) == found.outside.sum() > 0
    assert len(inner.get_xdata()) == 320 - found.outside.sum()
    assert [line.get_ydata()[0] for line in along.lines[2::2]] == [0.25, 0.5, 0.75]
    curves = quantile_curves.quantile_curves(found.residuals, found.fitted)
    np.testing.assert_allclose(along.lines[5].get_ydata(), curves[0.5])
    assert along.get_xlabel() == "fitted values, rank transformed"
    assert along.get_title().startswith("Quantile test: p = ")


def test_the_picture_takes_axes_and_thins_many_points(plt):
    rng = np.random.default_rng(1)
    found = given(rng.normal(size=(9000, 20)), rng.normal(size=9000))
    figure, axes = plt.subplots(2, 1)
    assert found.plot(np.arange(9000), (0.5,), axes=axes) is figure
    shown = sum(len(line.get_xdata()) for line in axes[1].lines[:2])
    assert shown == quantile_curves.MOST_ROWS and len(axes[1].lines) == 4
    assert axes[1].get_xlabel() == "predictor, rank transformed"
    with pytest.raises(MixedModelError, match="need 2 axes; 1"):
        found.plot(axes=axes[:1])


# ---- what is refused ---------------------------------------------------------------

Y, DRAWS = np.arange(6.0), np.random.default_rng(1).normal(size=(6, 20))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: given(DRAWS[0], Y), "rows x simulations"),
        (lambda: given(DRAWS[:, :1], Y), "at least 2"),
        (lambda: given(DRAWS, Y[:5]), r"observed= has shape \(5,\); give 6"),
        (lambda: given(DRAWS, Y, Y[:5]), "fitted= has shape"),
        (lambda: given(DRAWS, Y * np.nan), "observed= has missing"),
        (
            lambda: given(DRAWS + np.diag([np.nan] * 6)[:, [0] * 20], Y, Y),
            "Simulation 0",
        ),
        (lambda: given(DRAWS, Y).uniformity("two.sided"), "alternative="),
        (lambda: given(DRAWS, Y).dispersion("more"), "alternative="),
        (lambda: given(DRAWS, Y).outliers("left"), "margin="),
        (lambda: given(DRAWS, Y).outliers(method="exact"), "method="),
        (lambda: given(DRAWS, Y).generic(lambda y: np.nan), "finite number"),
        (lambda: given(DRAWS, Y).generic(lambda y: y), "finite number"),
        (lambda: given(DRAWS, Y).quantiles(quantiles=(0.5, 1.0)), "between 0 and 1"),
        (lambda: given(DRAWS, Y).quantiles("x"), "know no columns"),
        (lambda: given(DRAWS, Y).quantiles(Y[:3]), r"predictor= has shape \(3,\)"),
        (lambda: given(DRAWS, Y).quantiles(list("abcdef")), "numeric or times"),
        (lambda: given(DRAWS, Y).quantiles(1 / Y), "infinite"),
        (lambda: given(DRAWS, Y).quantiles([1.0, None, 3, 4, 5, 6]), "in row 1"),
        (lambda: given(DRAWS, Y).grouped(), "no grouping factor"),
        (lambda: given(DRAWS, Y).temporal(Y // 2), "same time: sum them"),
        (lambda: given(DRAWS[:2], Y[:2]).temporal(Y[:2]), "three residuals"),
        (lambda: given(DRAWS + 50, Y).temporal(Y), "equal: they have no"),
        (lambda: given(DRAWS + 50, Y).spatial(Y), "equal: they have no"),
        (lambda: given(DRAWS, Y).spatial(), "either coordinates"),
        (lambda: given(DRAWS, Y).spatial(Y, distances=DRAWS), "either coordinates"),
        (lambda: given(DRAWS, Y).spatial(Y // 2, Y // 2), "same place"),
        (lambda: given(DRAWS[:3], Y[:3]).spatial(Y[:3]), "4 residuals"),
        (lambda: given(DRAWS, Y).spatial(distances=DRAWS), "distances= has shape"),
        (lambda: given(DRAWS, Y).spatial(distances=np.ones((6, 6)) - 2), "symmetric"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_requests(call, message):
    with (
        np.errstate(divide="ignore"),
        pytest.raises(DataError, match=message),
    ):
        call()


def test_bad_requests_of_a_fit(sleep):
    fit = sleep.fit_record
    for n in (1, 2.5, True):
        with pytest.raises(DataError, match="number of simulations"):
            simulated_residuals(fit, n)
    with pytest.raises(DataError, match="random='old'"):
        simulated_residuals(fit, random="old")
    found = checked(sleep, n=5)
    with pytest.raises(MissingColumnError, match="Did you mean 'Days'"):
        found.quantiles("Day")
    with pytest.raises(DataError, match="factor='Days': use one of Subject"):
        found.grouped("Days")
    with pytest.raises(DataError, match="random='conditional', or by="):
        checked(sleep, n=5, random="new").grouped()


def test_removed_rows_are_missed(counts):
    res = smm.lmm("y ~ x + (1 | g)", counts).fit()
    res.remove_data()
    with pytest.raises(DataError, match="needs the rows"):
        checked(res)


def test_quasi_likelihood_fits_have_them_too(counts):
    res = smm.glmm("z ~ x + (1 | g)", counts, "poisson").fit(method="pql")
    assert checked(res).dispersion().significant


def test_repeated_row_labels_with_a_subset_are_refused(counts):
    data = counts.set_axis([0] * 320, axis=0)
    res = smm.lmm("y ~ x + (1 | g)", data, subset=np.arange(320) < 200).fit()
    with pytest.raises(DataError, match="row labels repeat"):
        checked(res, n=5).quantiles("x")


def test_level_codes_are_those_of_the_factor():
    found = given(DRAWS, Y).categorical(pd.Categorical(list("bbaacc"), list("cba")))
    assert found.table.level.tolist() == list("cba")
    assert code_factor(list("ab"), "f").levels.tolist() == ["a", "b"]


@pytest.mark.slow
def test_a_hundred_million_draws_in_bounded_memory():
    import time
    import tracemalloc

    rng = np.random.default_rng(0)
    n = 100_000
    data = pd.DataFrame({"x": rng.normal(size=n), "g": rng.integers(0, 2000, n)})
    b = 0.5 * rng.normal(size=2000)
    data["y"] = rng.poisson(np.exp(1 + 0.3 * data.x + b[data.g]))
    res = smm.glmm("y ~ x + (1 | g)", data, "poisson").fit()
    start = time.perf_counter()
    tracemalloc.start()
    found = checked(res, n=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.perf_counter() - start < 30
    assert peak < 2**28 and not found.uniformity().significant


def test_the_summary_prints_every_p_value(sleep, counts):
    text = repr(checked(sleep).summary())
    head, _, table = text.split("\n", 2)
    assert head == "Tests of simulated residuals"
    assert "\n250 draws, random effects conditional (p-values are rough" in text
    assert max(map(len, text.splitlines())) <= 80 and "..." not in text
    assert re.search(r"Dispersion \(by simulation\) +1\.041 +0\.5840\n", table)
    assert "\nResiduals by Subject: Residuals are alike" in table
    bad = smm.glmm("z ~ x + (1 | g)", counts, "poisson").fit()
    table = checked(bad).summary()
    assert re.search(r"Dispersion \(by simulation\) +[\d.]+ +<0\.008\n", repr(table))
    assert "&lt;0.008" in table._repr_html_() and "overdispersion" in repr(table)
    assert type(table[["statistic", "pvalue"]]) is pd.DataFrame
    new = repr(checked(sleep, n=30, random="new").summary())
    assert "\n30 draws, random effects new\n" in new and "rough" not in new
    assert "\n20 draws, made elsewhere\n" in repr(given(DRAWS, Y).summary())


def test_levels_are_printed_from_the_worst(sleep):
    test = checked(sleep).grouped()
    assert test.table.level.is_monotonic_increasing and len(test.table) == 18
    text = repr(test).split("The 6 worst of 18 levels:\n")[1].splitlines()
    worst = test.table.nsmallest(6, "pvalue").level.tolist()
    assert [line.split()[0] for line in text[1:7]] == worst != sorted(worst)
    assert text[7].startswith("Levene's")
    few = repr(checked(sleep).categorical(np.arange(180) % 3))
    assert "worst" not in few and len(few.splitlines()) == 7


def test_few_rows_per_level_say_nothing():
    rng = np.random.default_rng(3)
    found = given(rng.normal(size=(120, 99)), rng.normal(size=120))
    sparse, dense = (found.categorical(np.arange(120) // n) for n in (4, 5))
    assert "too few rows per level to tell (4 on average)" in sparse.reading
    assert sparse.reading in repr(sparse) and dense.reading.startswith("Residuals are")
    residuals = np.where(np.arange(120) < 4, 0.9999, found.residuals)
    shifted = replace(found, residuals=residuals).categorical(np.arange(120) // 4)
    assert shifted.reading.startswith("Residuals are not uniform at 1 level(s): 0.")


@pytest.mark.parametrize("values", ["digits", "season"])
def test_factors_are_sent_to_categorical(counts, values):
    digits = counts.g.astype(str).astype("category")
    data = counts.assign(digits=digits, season=np.where(counts.g % 2, "wet", "dry"))
    found = checked(smm.lmm("y ~ x + (1 | g)", data).fit(), n=5)
    message = rf"must be numeric or times; for a factor use categorical\('{values}'\)"
    for call in (found.quantiles, found.plot):
        with pytest.raises(DataError, match=message):
            call(values)
        with pytest.raises(DataError, match=r"use categorical\(\.\.\.\)"):
            call(data[values])
    assert len(found.categorical(values).table) == data[values].nunique()
    with pytest.raises(DataError) as caught:
        found.temporal("season")
    assert "categorical" not in str(caught.value)


def test_columns_that_are_factors_are_listed_once(sleep):
    with pytest.raises(MissingColumnError) as caught:
        checked(sleep, n=5).quantiles("foo")
    assert str(caught.value).count("Subject") == 1
