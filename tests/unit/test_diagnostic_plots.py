"""Classical pictures: what is drawn, and the tables behind it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.diagnostics.residual_tables import (
    binned_residuals,
    mode_table,
    normal_quantiles,
)
from statsmodels_mixed.errors import DataError, MixedModelError
from statsmodels_mixed.plotting import diagnostics as draw
from statsmodels_mixed.plotting.influence import plot_index
from statsmodels_mixed.plotting.model_page import plot_predictive

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def res():
    data = smm.datasets.load("sleepstudy")
    return smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()


@pytest.fixture(scope="module")
def binary():
    data = smm.datasets.load("contraception").iloc[:600]
    return smm.glmm("use ~ age + urban + (1 | district)", data, "binomial").fit()


@pytest.fixture(scope="module")
def counts():
    data = smm.datasets.load("epil")
    return smm.glmm("y ~ trt + (1 | subject)", data, "poisson").fit()


def _points(ax, which=0):
    return np.asarray(ax.collections[which].get_offsets())


def _texts(ax):
    return [t.get_text() for t in ax.texts]


# ---- residuals -----------------------------------------------------------------------


def test_residuals_against_fitted(res):
    ax = res.plot_residuals().axes[0]
    assert np.allclose(_points(ax)[:, 0], res.fittedvalues)
    assert np.allclose(_points(ax)[:, 1], res.resid_pearson)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("fitted value", "Pearson residual")
    from statsmodels.nonparametric.smoothers_lowess import lowess

    curve = ax.lines[1].get_xydata()
    reach = 0.01 * np.ptp(res.fittedvalues)
    expected = lowess(res.resid_pearson, res.fittedvalues, frac=2 / 3, delta=reach)
    assert np.allclose(curve, expected)
    assert len(res.plot_residuals(smooth=False).axes[0].lines) == 1


def test_scale_location(res):
    figure, ax = plt.subplots()
    assert res.plot_scale_location(ax=ax) is figure
    assert np.allclose(_points(ax)[:, 1], np.sqrt(np.abs(res.resid_pearson)))
    assert ax.get_ylim()[0] == 0


def test_qq_of_residuals(res):
    ax = res.plot_qq().axes[0]
    points = _points(ax, 1)
    assert np.allclose(points[:, 1], np.sort(res.resid_pearson))
    n = len(points)
    middle = points[n // 2]
    assert middle[0] == pytest.approx(stats.norm.ppf((n // 2 + 0.625) / (n + 0.25)))
    band = ax.collections[0].get_paths()[0].vertices
    order = stats.norm.ppf(stats.beta.ppf([0.025, 0.975], 1, n))
    assert band[:, 1].min() == pytest.approx(order[0])


def test_qq_of_generalized_residuals(counts):
    first = _points(counts.plot_qq(rng=1).axes[0], 1)
    again = _points(counts.plot_qq(rng=1).axes[0], 1)
    assert np.allclose(first, again)
    assert np.isfinite(first).all()


def test_qq_of_many_is_thinned():
    values = np.random.default_rng(1).normal(size=30_000)
    points = _points(draw.plot_qq(values).axes[0], 1)
    assert len(points) == draw.MANY
    assert points[0, 1] == values.min() and points[-1, 1] == values.max()


def test_qq_of_modes(res):
    table = mode_table(res.fit_record, 0.9)
    figure = res.plot_qq("modes", level=0.9)
    assert len(figure.axes) == 2
    part = table[table.effect == "Days"]
    bars = figure.axes[1].containers[0]
    assert np.allclose(bars.lines[0].get_ydata(), part["mode"])
    ends = np.array([s[:, 1] for s in bars.lines[2][0].get_segments()])
    assert np.allclose(ends, part[["lower", "upper"]])
    assert figure.axes[1].get_ylabel() == "conditional mode of Days"
    with pytest.raises(MixedModelError, match="2 effects need as many axes"):
        res.plot_qq("modes", axes=plt.subplots()[1])


def test_mode_table(res):
    table = mode_table(res.fit_record)
    assert list(table)[:5] == ["group", "effect", "level", "mode", "se"]
    modes = res.random_effects["Subject"]["Days"]
    assert np.allclose(table[table.effect == "Days"]["mode"], modes)
    cov = res.fit_record.conditional_covariances[0]
    assert np.allclose(table[table.effect == "Days"].se ** 2, cov[:, 1, 1])
    with pytest.raises(DataError, match="between 0 and 1"):
        mode_table(res.fit_record, 95)


def test_normal_quantiles_keep_the_order():
    assert normal_quantiles([5.0, 1.0])[0] == pytest.approx(
        stats.norm.ppf(1.625 / 2.25)
    )


def test_residuals_by_group(res):
    ax = res.plot_residuals_by().axes[0]
    names = [t.get_text() for t in ax.get_xticklabels()]
    assert names[0] == "308" and len(names) == 18
    assert ax.get_xlabel() == "Subject"
    medians = (
        pd.Series(res.resid_pearson).groupby(np.repeat(np.arange(18), 10)).median()
    )
    drawn = [line.get_ydata()[0] for line in ax.lines if line.get_color() == draw.CURVE]
    assert np.allclose(drawn, medians)


def test_residuals_by_a_fixed_factor():
    data = smm.datasets.load("orthodont")
    data.loc[3, "distance"] = np.nan
    res = smm.lmm("distance ~ Sex + age + (1 | Subject)", data).fit()
    ax = res.plot_residuals_by("Sex").axes[0]
    names = [t.get_text() for t in ax.get_xticklabels()]
    assert names == ["Female", "Male"] and ax.get_xlabel() == "Sex"
    sex = data.Sex.drop(index=3).to_numpy()
    resid = np.asarray(res.resid_pearson)
    drawn = [line.get_ydata()[0] for line in ax.lines if line.get_color() == draw.CURVE]
    assert np.allclose(drawn, [np.median(resid[sex == name]) for name in names])
    with pytest.raises(DataError, match="by='sex'"):
        res.plot_residuals_by("sex")


def test_a_picture_needs_axes(res):
    with pytest.raises(DataError, match="is of type str, not matplotlib Axes"):
        res.plot_residuals("x")
    for draw_it in (res.plot_qq, res.check_model):
        with pytest.raises(DataError, match="is of type str, not matplotlib Axes"):
            draw_it("modes", axes="x")


def test_residuals_of_many_groups(counts):
    ax = counts.plot_residuals_by("subject").axes[0]
    means = pd.Series(np.asarray(counts.resid_pearson)).groupby(
        counts.fit_record.design.terms[0].grouping.codes
    )
    assert np.allclose(ax.lines[1].get_ydata(), np.sort(means.mean()))
    assert "59, by mean" in ax.get_xlabel()


# ---- added variables -----------------------------------------------------------------


def test_added_variable_has_the_slope_of_the_model(res):
    table, slope = res.added_variable("Days")
    assert slope == pytest.approx(res.params["Days"])
    fit = res.fit_record
    z = np.column_stack([np.ones(180), res.model.exog[:, 1]])
    same = np.equal.outer(fit.design.terms[0].grouping.codes, np.repeat(range(18), 10))
    v = np.eye(180) + same * (z @ fit.relative_covariances[0] @ z.T)
    inverse = np.linalg.inv(v)
    x, y = table.covariate, table.response
    assert x @ inverse @ y / (x @ inverse @ x) == pytest.approx(slope)
    assert np.allclose(np.ones(180) @ inverse @ x, 0, atol=1e-8)
    given, _ = res.added_variable("Days", "conditional")
    assert np.allclose(given.response - slope * x, res.resid)


def test_added_variable_that_is_new(res):
    data = smm.datasets.load("sleepstudy")
    extra = np.random.default_rng(3).normal(size=180)
    _, slope = res.added_variable(extra)
    other = smm.lmm(
        "Reaction ~ Days + extra + (Days | Subject)", data.assign(extra=extra)
    )
    by_fit = other.fit()
    # at the variances of the smaller model
    assert slope == pytest.approx(by_fit.params["extra"], rel=0.02)
    model = other.engine
    theta = model.internal_theta(res.fit_record.relative_covariances)
    objective = model.objective(True)
    at = objective.evaluate(theta)
    total = objective.response.coefficients + objective.response.unit * at.beta
    assert slope == pytest.approx((by_fit.fit_record.exog_map @ total)[2], rel=1e-8)


def test_added_variable_of_generalized_models(counts):
    _, slope = counts.added_variable(counts.model.exog_names[1])
    assert slope == pytest.approx(counts.params.iloc[1])


def test_added_variable_drawn(res):
    ax = res.plot_added_variable("Days").axes[0]
    table, slope = res.added_variable("Days")
    assert np.allclose(_points(ax), table)
    line = ax.lines[0].get_xydata()
    assert np.diff(line[:, 1]) / np.diff(line[:, 0]) == pytest.approx(slope)
    assert ax.get_xlabel() == "Days, given the other effects"


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("Dayz", "no fixed effect"),
        (np.ones(3), "one value per row"),
        (np.full(180, np.nan), "missing"),
        (np.full(180, 2.0), "adds nothing"),
    ],
)
def test_added_variable_bad_input(res, variable, message):
    with pytest.raises(DataError, match=message):
        res.added_variable(variable)


# ---- binned residuals ----------------------------------------------------------------


def test_binned_residuals(binary):
    table = binary.binned_residuals(20)
    assert table.n.sum() == 600 and len(table) == 20
    order = np.argsort(np.asarray(binary.fittedvalues), kind="stable")[:30]
    first = np.asarray(binary.resid)[order]
    assert table.resid[0] == pytest.approx(first.mean())
    assert table.bound[0] == pytest.approx(2 * first.std(ddof=1) / np.sqrt(30))
    assert len(binary.binned_residuals()) == int(np.sqrt(600))


def test_binned_residuals_drawn(binary):
    table = binary.binned_residuals()
    ax = binary.plot_binned_residuals().axes[0]
    assert np.allclose(ax.lines[1].get_ydata(), -table.bound)
    outside = (table.resid.abs() > table.bound).sum()
    assert len(ax.lines[4].get_xdata()) == outside
    assert len(ax.lines[3].get_xdata()) == len(table) - outside
    assert ax.get_xlabel() == "fitted probability"


def test_binned_residuals_against_a_covariate(binary):
    age = smm.datasets.load("contraception").age.iloc[:600]
    table = binary.binned_residuals(4, against=age)
    assert table.columns[0] == "age"
    youngest = np.argsort(age.to_numpy(), kind="stable")[:150]
    assert table.age[0] == pytest.approx(age.iloc[youngest].mean())
    assert table.resid[0] == pytest.approx(np.asarray(binary.resid)[youngest].mean())
    ax = binary.plot_binned_residuals(4, against=age).axes[0]
    assert ax.get_xlabel() == "age"
    with pytest.raises(DataError, match="one value per row"):
        binary.binned_residuals(against=[1.0, 2.0])


@pytest.mark.parametrize("n_bins", [0, 5, 2.5])
def test_binned_residuals_bad_input(n_bins):
    with pytest.raises(DataError, match="n_bins"):
        binned_residuals([0.1, 0.2, 0.3], [1.0, 0.0, -1.0], n_bins)


def test_small_samples_have_few_bins():
    assert len(binned_residuals(np.arange(8.0), np.arange(8.0))) == 4
    assert np.isnan(binned_residuals([1.0], [1.0]).bound[0])


# ---- influence -----------------------------------------------------------------------


def test_index_plot(res):
    found = res.influence()
    ax = found.plot().axes[0]
    assert np.allclose(_points(ax, 1)[:, 1], found.cooks_distance)
    assert ax.get_ylabel() == "Cook's distance"
    assert next(t.get_text() for t in ax.get_xticklabels()) == "308"
    ax = found.plot("dfb_Days").axes[0]
    assert ax.get_ylabel() == "DFBETAS of Days"


def test_index_plot_names_the_largest(res):
    found = res.influence("row", variances=False)
    ax = found.plot(label=2).axes[0]
    largest = found.cooks_distance.nlargest(2).index
    assert sorted(_texts(ax)) == sorted(map(str, largest))


def test_names_of_neighbours_go_to_both_sides():
    values = pd.Series(np.r_[np.zeros(50), 1.0, 0.99], name="cooks_d")
    ax = plot_index(values, "row", label=2).axes[0]
    assert [t.get_ha() for t in ax.texts] == ["right", "left"]


# ---- the page ------------------------------------------------------------------------


def _titles(figure):
    return [ax.get_title() for ax in figure.axes]


def test_page_of_a_gaussian_response(res):
    figure = res.check_model(rng=1)
    assert len(figure.axes) == 6
    modes = figure.axes[4]
    assert len(modes.get_legend().get_texts()) == 2
    assert figure.axes[1].get_ylabel() == "Pearson residual"
    assert all(ax.get_title() for ax in figure.axes)


def test_page_of_a_binary_response(binary):
    titles = _titles(binary.check_model(rng=1))
    assert "19 of 20 bins within bounds?" in titles
    assert "Curve flat?" not in titles


def test_page_of_counts(counts):
    figure = counts.check_model(rng=1)
    assert figure.axes[0].get_xlabel() == "log(1 + y)"
    assert figure.axes[1].get_xlabel() == "linear predictor"


def test_page_of_shares():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    figure = smm.glmm(formula, data, family="binomial").fit().check_model(rng=1)
    assert figure.axes[0].get_xlabel() == "share of successes"
    assert len(figure.axes) == 6


def test_page_of_chosen_panels(res):
    figure, axes = plt.subplots(1, 2)
    assert res.check_model(["modes", "influence"], axes=axes) is figure
    assert _titles(figure)[0] == "Random effects on the line?"
    with pytest.raises(DataError, match="predictive, linearity"):
        res.check_model(["colour"])
    assert _titles(res.check_model("linearity")) == _titles(
        res.check_model(["linearity"])
    )
    with pytest.raises(MixedModelError, match="3 panels need"):
        res.check_model(["modes", "influence", "spread"], axes=axes)


def test_crossed_factors_have_a_page():
    data = smm.datasets.load("penicillin")
    res = smm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data).fit()
    figure = res.check_model(rng=1)
    assert figure.axes[5].get_xlabel() == "sample"


def test_effects_without_spread_are_left_out():
    data = smm.datasets.load("dyestuff2")
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
    modes = res.check_model(rng=1).axes[4]
    assert not modes.collections and modes.get_legend() is None


def test_predictive_bars():
    observed = np.array([0, 0, 1, 2])
    draws = np.array([[0, 1], [0, 1], [1, 1], [1, 2]])
    ax = plot_predictive(observed, draws).axes[0]
    assert [bar.get_height() for bar in ax.containers[0]] == [0.5, 0.25, 0.25]
    assert np.allclose(ax.lines[0].get_ydata(), [0.25, 0.625, 0.125])


def test_predictive_densities():
    rng = np.random.default_rng(1)
    ax = plot_predictive(rng.normal(size=50), rng.normal(size=(50, 7))).axes[0]
    assert len(ax.lines) == 8
    assert len(ax.get_legend().get_texts()) == 2
