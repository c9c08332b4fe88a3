"""Pictures of a model: what is drawn, against what results say."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.diagnostics.profile_pairs import contour, profile_pairs
from statsmodels_mixed.errors import DataError, MissingColumnError, MixedModelError

LOAD = smm.datasets.load
SLEEP = LOAD("sleepstudy")
PASTES = "strength ~ 1 + (1 | batch) + (1 | sample)"
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def sleep():
    return smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP).fit()


@pytest.fixture(scope="module")
def pastes():
    return smm.lmm(PASTES, LOAD("pastes")).fit(reml=False)


@pytest.fixture(scope="module")
def cbpp():
    return smm.glmm(CBPP, LOAD("cbpp"), family="binomial").fit()


@pytest.fixture(scope="module")
def dyestuff():
    return smm.lmm("Yield ~ 1 + (1 | Batch)", LOAD("dyestuff")).fit(reml=False)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def line(ax, label):
    """Points of the line with a label."""
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return np.asarray(found.get_xydata(), dtype=float)


def bars(container, axis):
    """Centres and ends of error bars along an axis."""
    marks, _, (whiskers,) = container.lines
    centres = np.asarray(marks.get_xydata()[:, axis], dtype=float)
    return centres, np.array([s[:, axis] for s in whiskers.get_segments()], dtype=float)


def image(ax):
    return np.asarray(ax.images[0].get_array())


def ticks(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


# ---- conditional modes ---------------------------------------------------------------


def segments(ax):
    return np.array([s for c in ax.collections for s in c.get_segments()])


def test_modes_are_sorted_with_their_intervals(sleep):
    first, second = sleep.plot_modes(level=0.9).axes
    modes, sds = (t["Subject"] for t in (sleep.random_effects, sleep.random_effects_sd))
    order = np.argsort(modes.Intercept.to_numpy())
    for ax, effect in ((first, "Intercept"), (second, "Days")):
        assert ax.get_title() == f"Subject: {effect}"
        dots = ax.lines[-1].get_xydata()
        assert_allclose(dots[:, 0], modes[effect].to_numpy()[order])
        half = stats.norm.ppf(0.95) * sds[effect].to_numpy()[order]
        ends = segments(ax)[:, :, 0]
        assert_allclose(ends, np.column_stack([dots[:, 0] - half, dots[:, 0] + half]))
    assert ticks(first.yaxis) == list(modes.index[order].astype(str))
    assert "90%" in first.get_xlabel()


def test_modes_in_another_order_and_of_some_factors(sleep, pastes):
    slopes = sleep.plot_modes(effects="Days", sort="Days").axes[0].lines[-1].get_xdata()
    assert (np.diff(slopes) > 0).all()
    (ax,) = pastes.plot_modes(group="batch", sort=False).axes
    assert ticks(ax.yaxis) == list("JIHGFEDCBA") and ax.get_ylabel() == "batch"
    assert len(pastes.plot_modes().axes) == 2


def test_each_factor_has_a_row_of_panels():
    data = LOAD("penicillin")
    data["x"] = np.random.default_rng(1).normal(size=len(data))
    formula = "diameter ~ x + (x | plate) + (1 | sample)"
    axes = smm.lmm(formula, data).fit().plot_modes().axes
    titles = ["plate: Intercept", "plate: x", "sample: Intercept"]
    assert [ax.get_title() for ax in axes] == titles
    spots = [ax.get_subplotspec() for ax in axes]
    places = [(s.rowspan.start, s.colspan.start) for s in spots]
    assert places == [(0, 0), (0, 1), (1, 0)]
    assert [ax.get_ylabel() for ax in axes] == ["plate", "", "sample"]
    assert [sum(map(bool, ticks(ax.yaxis))) for ax in axes] == [24, 0, 6]


def test_modes_of_many_levels_are_not_named():
    data = LOAD("grouseticks")
    res = smm.glmm("TICKS ~ YEAR + (1 | BROOD)", data, family="poisson").fit()
    (ax,) = res.plot_modes().axes
    assert len(ax.lines[-1].get_xdata()) == 118 and ticks(ax.yaxis) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group": "batch"}, "group='batch' is not one of Subject"),
        ({"effects": "days"}, "effects='days' is not one of Intercept, Days"),
        ({"sort": "days"}, "sort='days'"),
        ({"level": 95}, "between 0 and 1"),
    ],
)
def test_modes_refuse(sleep, options, said):
    with pytest.raises(DataError, match=said):
        sleep.plot_modes(**options)


def test_densities_are_those_of_the_estimates(sleep):
    for ax, sd in zip(
        sleep.plot_random_densities().axes,
        np.sqrt(np.diag(sleep.cov_re["Subject"])),
        strict=True,
    ):
        x, y = line(ax, "estimated normal density").T
        assert_allclose(y, stats.norm.pdf(x, scale=sd))
        area = sum(p.get_width() * p.get_height() for p in ax.patches)
        assert area == pytest.approx(1.0)


def test_a_variance_of_zero_has_no_density():
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", LOAD("dyestuff2")).fit()
    (ax,) = res.plot_random_densities().axes
    assert ax.texts[0].get_text() == "no variance" and not ax.lines


# ---- shrinkage -----------------------------------------------------------------------


def test_shrinkage_goes_from_least_squares_to_the_mixed_model(sleep):
    (ax,) = sleep.plot_shrinkage().axes
    alone = smm.lmlist("Reaction ~ Days | Subject", SLEEP).coefficients.to_numpy()
    together = sleep.coef()["Subject"].to_numpy()
    assert_allclose(line(ax, "least squares in the group"), alone)
    assert_allclose(line(ax, "mixed model"), together)
    assert_allclose(line(ax, "population"), [sleep.fe_params])
    arrows = ax.collections[0]
    assert_allclose(np.column_stack([arrows.U, arrows.V]), together - alone)
    assert {t.get_text() for t in ax.texts} >= {"308", "372", "50%", "95%"}


def test_ellipses_hold_their_share_of_the_groups(sleep):
    (ax,) = sleep.plot_shrinkage(effects=["Days", "Intercept"]).axes
    inverse = np.linalg.inv(sleep.cov_re["Subject"].to_numpy()[::-1, ::-1])
    for ring, share in zip(ax.lines[:2], (0.5, 0.95), strict=True):
        away = ring.get_xydata() - np.asarray(sleep.fe_params)[::-1]
        squared = np.einsum("ij,jk,ik->i", away, inverse, away)
        assert_allclose(squared, stats.chi2.ppf(share, 2))


def test_each_covariate_of_groups_has_its_population():
    data = LOAD("orthodont")
    res = smm.lmm("distance ~ Sex * age + (age | Subject)", data).fit()
    beta = res.params
    male = beta[["Intercept", "age"]].to_numpy()
    female = male + beta[["Sex[T.Female]", "Sex[T.Female]:age"]].to_numpy()
    found = line(res.plot_shrinkage().axes[0], "population")
    assert_allclose(found[np.argsort(found[:, 0])], sorted([male, female], key=list))


def test_shrinkage_of_one_effect(pastes):
    (ax,) = pastes.plot_shrinkage("sample").axes
    data = LOAD("pastes")
    batches = pastes.random_effects["batch"].Intercept
    data["rest"] = data.strength - data.batch.astype(str).map(batches)
    means = data.groupby("sample", observed=True).rest.mean()
    modes = pastes.random_effects["sample"].Intercept
    assert ax.get_title() == "response without the conditional modes of batch"
    order = modes.sort_values(kind="stable").index
    assert_allclose(line(ax, "least squares in the group")[:, 0], means[order])
    assert_allclose(
        line(ax, "mixed model")[:, 0], pastes.params["Intercept"] + modes[order]
    )
    assert ticks(ax.yaxis) == list(order)


@pytest.mark.parametrize("group", ["batch", "sample"])
def test_no_nested_intercept_leaves_the_population(pastes, group):
    (ax,) = pastes.plot_shrinkage(group).axes
    middle = pastes.params["Intercept"]
    circle, dot = (
        line(ax, label)[:, 0] - middle
        for label in ("least squares in the group", "mixed model")
    )
    assert (np.abs(dot) < np.abs(circle)).all() and (dot * circle > 0).all()


def test_shrinkage_with_a_slope_and_another_factor():
    data = LOAD("penicillin")
    data["x"] = np.random.default_rng(1).normal(size=len(data))
    res = smm.lmm("diameter ~ x + (x | plate) + (1 | sample)", data).fit()
    found = line(res.plot_shrinkage("plate").axes[0], "least squares in the group")
    samples = data["sample"].astype(str).map(res.random_effects["sample"].Intercept)
    data["rest"] = data.diameter - samples
    alone = smm.lmlist("rest ~ x | plate", data).coefficients
    assert_allclose(found, alone)
    found = line(res.plot_shrinkage("sample").axes[0], "least squares in the group")
    modes = res.random_effects["plate"].loc[data.plate.astype(str)].to_numpy()
    data["rest"] = data.diameter - modes[:, 0] - data.x * modes[:, 1]
    fixed = smf.ols("rest ~ 0 + sample + x", data).fit().params[:6]
    assert_allclose(np.sort(found[:, 0]), np.sort(fixed))


def test_each_level_has_a_tick_of_its_population():
    data = LOAD("orthodont")
    res = smm.lmm("distance ~ Sex + age + (1 | Subject)", data).fit()
    (ax,) = res.plot_shrinkage().axes
    (drawn,) = [c for c in ax.collections if c.get_label() == "population"]
    upright = np.array(drawn.get_segments())
    assert_allclose(upright[:, 0, 0], upright[:, 1, 0])
    assert (upright[1:, :, 1].min(axis=1) > upright[:-1, :, 1].max(axis=1)).all()
    female = data.groupby("Subject", observed=True).Sex.first() == "Female"
    own = res.params["Intercept"] + female * res.params["Sex[T.Female]"]
    assert_allclose(upright[:, 0, 0], own[ticks(ax.yaxis)])
    sd = np.sqrt(res.cov_re["Subject"].iloc[0, 0])
    assert_allclose([p.get_width() for p in ax.patches], 2 * sd)
    assert_allclose([p.get_x() + sd for p in ax.patches], own[ticks(ax.yaxis)])
    assert "population" not in [one.get_label() for one in ax.lines]


def test_shrinkage_refuses(cbpp, pastes, sleep):
    with pytest.raises(DataError, match=r"generalized model.*plot_modes"):
        cbpp.plot_shrinkage()
    with pytest.raises(DataError, match=r"are several grouping factors.*'batch', 's"):
        pastes.plot_shrinkage()
    with pytest.raises(DataError, match="one or two different"):
        sleep.plot_shrinkage(effects=["Days", "Days"])


# ---- covariances ---------------------------------------------------------------------


def test_covariance_of_the_effects(sleep, pastes):
    (ax,) = sleep.plot_covariance().axes
    expected = sleep.cov_re["Subject"]
    assert_allclose(image(ax), expected)
    assert ticks(ax.xaxis) == ticks(ax.yaxis) == ["Intercept", "Days"]
    written = [float(t.get_text()) for t in ax.texts]
    assert_allclose(written, expected.to_numpy().ravel(), rtol=5e-3)
    (ax,) = sleep.plot_covariance(correlation=True).axes
    assert_allclose(image(ax)[0, 1], sleep.varcorr().sdcor[2])
    assert [a.get_title() for a in pastes.plot_covariance().axes] == ["batch", "sample"]
    with pytest.raises(DataError, match="group='Days' is not"):
        sleep.plot_covariance("Days")


@pytest.mark.parametrize("which", ["pastes", "penicillin"])
def test_the_covariance_of_all_rows_gives_the_likelihood(which, pastes):
    """Rows are sorted, so the response and its mean are sorted as they are."""
    data, res, sort = LOAD("pastes"), pastes, ["batch", "sample"]
    if which == "penicillin":
        formula, sort = "diameter ~ 1 + (1 | plate) + (1 | sample)", ["sample", "plate"]
        data = LOAD("penicillin")
        res = smm.lmm(formula, data).fit(reml=False)
    y = data.sort_values(sort, kind="stable")[res.endog_name]
    ax = res.plot_marginal_covariance().axes[0]
    mean = np.full(len(y), res.params["Intercept"])
    law = stats.multivariate_normal(mean, image(ax))
    assert law.logpdf(y) == pytest.approx(res.llf, abs=1e-6)
    assert ticks(ax.xaxis) == list(data[sort[0]].cat.categories)


def test_blocks_within_blocks(pastes):
    values = image(pastes.plot_marginal_covariance(levels=["C", "A"]).axes[0])
    batch, sample = (pastes.cov_re[g].iloc[0, 0] for g in ("batch", "sample"))
    row = [batch + sample + pastes.scale, batch + sample, *[batch] * 4, *[0] * 6]
    assert_allclose(values[0], row)
    weighted = smm.lmm(PASTES, LOAD("pastes").assign(w=4.0), weights="w").fit()
    ax = weighted.plot_marginal_covariance("sample", max_rows=3).axes[0]
    assert image(ax).shape == (2, 2) and "2 of 60 rows" in ax.get_title()
    assert image(ax)[0, 0] - image(ax)[0, 1] == pytest.approx(weighted.scale / 4)


def test_generalized_models_show_the_linear_predictor(cbpp):
    ax = cbpp.plot_marginal_covariance(correlation=True).axes[0]
    assert_array_equal(np.unique(image(ax).round(12)), [0.0, 1.0])
    assert "linear predictor" in ax.get_title()


def test_marginal_covariance_refuses(pastes):
    with pytest.raises(DataError, match="batch has no level 'Z'; it has A, B"):
        pastes.plot_marginal_covariance(levels=["Z"])
    with pytest.raises(DataError, match="have 12 rows, more than max_rows=6"):
        pastes.plot_marginal_covariance(levels=["A", "B"], max_rows=6)
    with pytest.raises(DataError, match="levels= is empty"):
        pastes.plot_marginal_covariance(levels=[])


def test_covariance_of_combinations_does_not_depend_on_the_coding():
    data = LOAD("machines")
    formulas = "Machine | Worker", "0 + Machine | Worker"
    pictures = []
    for random in formulas:
        res = smm.lmm(f"score ~ Machine + ({random})", data).fit()
        (ax,) = res.plot_effect_covariance(levels=["1", "4"]).axes
        pictures.append(image(ax))
    assert_allclose(*pictures, atol=1e-3)
    assert_allclose(pictures[1][:3, :3], res.cov_re["Worker"])
    assert_array_equal(pictures[1][:3, 3:], 0.0)
    assert ticks(ax.xaxis) == ["1:A", "1:B", "1:C", "4:A", "4:B", "4:C"]


def test_interactions_with_the_group_are_compound_symmetry():
    formula = "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)"
    res = smm.lmm(formula, LOAD("machines")).fit()
    (ax,) = res.plot_effect_covariance("Worker", n_levels=1).axes
    worker, cell = (float(c.iloc[0, 0]) for c in res.cov_re.values())
    assert_allclose(image(ax), worker + cell * np.eye(3))


def test_effect_covariance_refuses(cbpp, sleep):
    with pytest.raises(DataError, match=r"intercepts.*name columns by by="):
        cbpp.plot_effect_covariance()
    with pytest.raises(DataError, match="50 combinations of Days, more than the 40"):
        sleep.plot_effect_covariance(n_levels=5)
    data = SLEEP.assign(late=SLEEP.Days > 4)
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    with pytest.raises(DataError, match="by=late leaves the random effects"):
        res.plot_effect_covariance(by="late")
    with pytest.raises(MissingColumnError):
        res.plot_effect_covariance(by="late2")


# ---- data and lines ------------------------------------------------------------------


def test_lines_of_groups_are_predictions(sleep):
    figure = sleep.plot_groups(levels=["335", "308"])
    for ax, subject in zip(figure.axes, ["335", "308"], strict=True):
        assert ax.get_title() == subject
        own = SLEEP[SLEEP.Subject == subject]
        assert_allclose(line(ax, "data"), own[["Days", "Reaction"]])
        for label, random in (("population", "none"), ("group", "conditional")):
            x, y = line(ax, label).T
            new = {"Days": x, "Subject": [subject] * len(x)}
            assert_allclose(y, sleep.predict(new, random=random))


def test_groups_are_in_the_order_of_their_modes(sleep):
    titles = [ax.get_title() for ax in sleep.plot_groups(n_levels=5).axes]
    modes = sleep.random_effects["Subject"].Intercept
    assert titles == list(modes.sort_values().index[[0, 4, 8, 13, 17]])
    titles = [ax.get_title() for ax in sleep.plot_groups(sort=False).axes]
    assert titles == list(SLEEP.Subject.cat.categories)


def test_twenty_five_groups_fill_the_grid():
    rng = np.random.default_rng(5)
    group, x = np.repeat(np.arange(26), 4), np.tile(np.arange(4.0), 26)
    y = x + rng.normal(size=26)[group] + rng.normal(size=104)
    data = pd.DataFrame({"y": y, "x": x, "g": group})
    all_of_them = smm.lmm("y ~ x + (1 | g)", data[group < 25]).fit().plot_groups()
    assert len(all_of_them.axes) == 25 and "25 of" not in str(all_of_them.legends[0])
    assert all_of_them.legends[0].get_title().get_text() == "g"
    some = smm.lmm("y ~ x + (1 | g)", data).fit().plot_groups()
    assert some.legends[0].get_title().get_text() == "25 of 26 levels of g"
    assert some.axes[-1].get_subplotspec().is_last_col()


def test_groups_of_a_generalized_model_are_means(cbpp):
    (ax,) = cbpp.plot_groups(levels=[8]).axes
    data = LOAD("cbpp").query("herd == '8'")
    assert_allclose(line(ax, "data")[:, 1], data.incidence / data["size"])
    new = {"period": list("1234"), "herd": ["8"] * 4}
    assert_allclose(line(ax, "group")[:, 1], cbpp.predict(new, random="conditional"))
    assert_allclose(line(ax, "population")[:, 1], cbpp.predict(new))


def test_offsets_are_those_of_the_group():
    data = LOAD("grouseticks")
    rng = np.random.default_rng(3)
    data["e"] = rng.uniform(0.5, 2.0, 118)[data.BROOD.cat.codes]
    args = "TICKS ~ cHEIGHT + (1 | BROOD)", data
    as_column = smm.glmm(
        "TICKS ~ cHEIGHT + offset(np.log(e)) + (1 | BROOD)", data, family="poisson"
    )
    as_array = smm.glmm(*args, family="poisson", exposure=data.e.to_numpy())
    pictures = [
        m.fit().plot_groups(levels=["503", "618"]) for m in (as_column, as_array)
    ]
    for one, other in zip(*(figure.axes for figure in pictures), strict=True):
        assert_allclose(line(one, "group"), line(other, "group"), rtol=1e-5)


def test_without_a_covariate_groups_are_rows_of_one_picture(pastes):
    (ax,) = pastes.plot_groups(group="sample").axes
    data = LOAD("pastes").assign(fit=pastes.fittedvalues)
    fitted = data.groupby("sample", observed=True).fit.first()
    names = ticks(ax.yaxis)
    own = next(c for c in ax.collections if c.get_label() == "group").get_segments()
    # samples are nested in batches, whose effects are in their means
    assert_allclose([s[0, 0] for s in own], fitted[names])
    assert len(line(ax, "data")) == 60
    assert len(pastes.plot_groups(group="batch", levels=["A"]).axes[0].lines) == 1


def test_groups_refuse(sleep):
    data = SLEEP.assign(other=1.0)
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    with pytest.raises(DataError, match=r"x='other' is not in the model.*Days"):
        res.plot_groups("other")
    with pytest.raises(MissingColumnError, match=r"'days'.*x="):
        res.plot_groups("days")
    exog = np.column_stack([np.ones(180), SLEEP.Days])
    arrays = smm.LMM(SLEEP.Reaction, exog, random=[(SLEEP.Subject, exog)]).fit()
    with pytest.raises(DataError, match=r"plot_groups\(\) needs the columns"):
        arrays.plot_groups()
    res.remove_data()
    with pytest.raises(DataError, match=r"plot_groups\(\) needs the rows"):
        res.plot_groups()


def band(ax, number=0):
    """Lower and upper ends of a shaded band, by x."""
    corners = ax.collections[number].get_paths()[0].vertices
    x = np.unique(corners[:, 0])
    ends = [corners[np.isclose(corners[:, 0], at), 1] for at in x]
    return x, np.array([e.min() for e in ends]), np.array([e.max() for e in ends])


def test_predictions_are_means_with_intervals(sleep):
    (ax,) = sleep.plot_predictions("Days", conditional="Subject", points=True).axes
    x, low, high = band(ax)
    frame = sleep.get_prediction({"Days": x}).summary_frame()
    assert_allclose(low, frame.iloc[:, 2], rtol=1e-6)
    assert_allclose(high, frame.iloc[:, 3], rtol=1e-6)
    data, *groups, mean = ax.lines
    assert_allclose(mean.get_ydata(), sleep.predict({"Days": x}))
    assert_allclose(data.get_xydata(), SLEEP[["Days", "Reaction"]])
    ends = {"Days": [9] * 18, "Subject": SLEEP.Subject.cat.categories}
    assert_allclose(
        [g.get_ydata()[-1] for g in groups], sleep.predict(ends, random="conditional")
    )


def test_lines_of_groups_have_their_own_level_of_by():
    data = LOAD("orthodont")
    res = smm.lmm("distance ~ Sex * age + (age | Subject)", data).fit()
    (ax,) = res.plot_predictions("age", by="Sex", conditional="Subject").axes
    names = [t.get_text() for t in ax.get_legend().get_texts()]
    assert sorted(names) == ["Female", "Male"]
    by_color = [one.get_color() for one in ax.lines if one.get_linewidth() < 1]
    counts = data.groupby("Sex", observed=True).Subject.nunique()
    assert sorted(map(by_color.count, set(by_color))) == sorted(counts)


@pytest.mark.parametrize("random", ["none", "marginal"])
def test_predictions_over_a_factor(cbpp, random):
    (ax,) = cbpp.plot_predictions("period", random=random).axes
    new = {"period": list("1234")}
    found, ends = bars(ax.containers[0], 1)
    assert_allclose(found, cbpp.predict(new, random=random))
    expected = cbpp.get_prediction(new, random=random).conf_int()
    assert_allclose(ends, expected, rtol=1e-6)
    assert ticks(ax.xaxis) == list("1234")


def test_predictions_refuse(sleep):
    with pytest.raises(DataError, match="random='conditional': use 'none' or"):
        sleep.plot_predictions("Days", random="conditional")
    with pytest.raises(MissingColumnError, match=r"'days'.*x="):
        sleep.plot_predictions("days")
    with pytest.raises(DataError, match="not a column of the fixed effects"):
        sleep.plot_predictions("Subject")
    with pytest.raises(DataError, match="no 'Days'; give group= one of 'Subject'"):
        sleep.plot_predictions("Days", conditional="Days")


# ---- one effect, pairs of parameters -------------------------------------------------


def test_the_compromise_of_a_linear_model_is_known(dyestuff):
    (ax,) = dyestuff.plot_likelihood_compromise("F").axes
    mode = dyestuff.random_effects["Batch"].loc["F", "Intercept"]
    sd = dyestuff.random_effects_sd["Batch"].loc["F", "Intercept"]
    x, both = line(ax, "both together").T
    assert_allclose(both, stats.norm.pdf(x, mode, sd), atol=1e-6 / sd)
    own = LOAD("dyestuff").query("Batch == 'F'").Yield - dyestuff.params["Intercept"]
    law = stats.norm(own.mean(), dyestuff.sigma / np.sqrt(len(own)))
    # cut off where it cannot be seen
    assert_allclose(line(ax, "rows of the group")[:, 1], law.pdf(x), rtol=0.01)
    prior = line(ax, "normal distribution of all groups")[:, 1]
    assert x[np.argmax(prior)] == pytest.approx(0.0, abs=0.5)


def test_the_compromise_given_another_effect_of_the_group(sleep):
    (ax,) = sleep.plot_likelihood_compromise("335", effect="Days").axes
    x, both = line(ax, "both together").T
    mode = sleep.random_effects["Subject"].loc["335", "Days"]
    assert x[np.argmax(both)] == pytest.approx(mode, abs=x[1] - x[0])
    cov, other = sleep.cov_re["Subject"].to_numpy(), "Intercept"
    centre = cov[0, 1] / cov[0, 0] * sleep.random_effects["Subject"].loc["335", other]
    prior = line(ax, "normal distribution of all groups")[:, 1]
    assert x[np.argmax(prior)] == pytest.approx(centre, abs=x[1] - x[0])


def test_laplace_is_the_normal_curve_at_the_mode(cbpp):
    (ax,) = cbpp.plot_likelihood_compromise("8").axes
    mode = cbpp.random_effects["herd"].loc["8", "Intercept"]
    sd = cbpp.random_effects_sd["herd"].loc["8", "Intercept"]
    x, normal = line(ax, "Laplace's normal curve").T
    assert_allclose(normal, stats.norm.pdf(x, mode, sd), atol=1e-3)


def test_the_compromise_refuses(sleep):
    with pytest.raises(DataError, match="Subject has no level '1'"):
        sleep.plot_likelihood_compromise("1")
    with pytest.raises(DataError, match="effects='days'"):
        sleep.plot_likelihood_compromise("308", effect="days")
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", LOAD("dyestuff2")).fit()
    with pytest.raises(DataError, match="Intercept of Batch has no variance"):
        res.plot_likelihood_compromise("A")


@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.6])
def test_contours_of_a_parabola_are_ellipses(rho):
    def trace(zeta):
        return rho * zeta

    x, y = contour(trace, trace, 2.0).T
    assert_allclose(x**2 - 2 * rho * x * y + y**2, 4.0 * (1 - rho**2), atol=1e-12)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_contours_are_where_the_deviance_has_risen_so_far(dyestuff, level):
    """Exactly where a parameter is at its ends; in between it is an interpolation."""
    prof = dyestuff.profile(up_to=0.99)
    names = ["sd_Intercept|Batch", "sigma"]
    pairs = profile_pairs(names, prof.points, prof.curves, (level,))
    y = LOAD("dyestuff").Yield.to_numpy().reshape(6, 5) - dyestuff.params["Intercept"]
    within, between = (y - y.mean(axis=1)[:, None]).ravel(), y.mean(axis=1)
    sd, sigma = pairs.contours[0, 1, level]["value"][:, :, None].swapaxes(0, 1)
    law = stats.norm.logpdf(between, scale=np.sqrt(sd**2 + sigma**2 / 5)).sum(axis=1)
    inner = (-0.5 * (within @ within) / sigma**2 - 24 * np.log(sigma))[:, 0]
    deviance = -2 * (law + inner - 12 * np.log(2 * np.pi) - 3 * np.log(5))
    rise = (deviance - dyestuff.deviance) / stats.chi2.ppf(level, 2)
    ends = [np.nanargmax(sd), np.nanargmax(sigma), np.nanargmin(sigma)]
    assert_allclose(rise[ends], 1.0, atol=2e-3)
    if level == 0.5:
        assert_allclose(rise, 1.0, atol=0.03)


def test_pairs_show_values_below_and_zeta_above(dyestuff):
    prof = dyestuff.profile()
    which = ["sigma", "Intercept"]
    axes = np.reshape(dyestuff.plot_profile_pairs(which, (0.5,), prof).axes, (2, 2))
    radius = np.sqrt(stats.chi2.ppf(0.5, 2))
    zeta = axes[0, 1].lines[0].get_xydata()
    assert_allclose(np.hypot(*zeta.T), radius, rtol=1e-3)  # not correlated
    own = prof.points.query("parameter == 'Intercept'")
    highest = np.interp(radius, own.zeta, own.value)
    value = axes[1, 0].lines[0].get_xydata()
    assert value[:, 1].max() == pytest.approx(highest, abs=0.5)
    assert axes[1, 0].get_xlabel() == "sigma"


def test_contours_end_at_a_bound():
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", LOAD("dyestuff2")).fit(reml=False)
    prof = res.profile(up_to=0.99)
    pairs = profile_pairs(prof.parameters, prof.points, prof.curves, (0.8,))
    for (i, _, _), ring in pairs.contours.items():
        if prof.parameters[i].startswith("sd"):
            assert np.nanmin(ring["value"][:, 0]) >= 0.0
            assert np.isnan(ring["zeta"]).any()


def test_pairs_refuse(dyestuff):
    with pytest.raises(DataError, match="two parameters or more"):
        dyestuff.plot_profile_pairs("sigma")
    with pytest.raises(DataError, match="1 to 5 numbers between 0 and 1"):
        dyestuff.plot_profile_pairs(levels=(50, 95))
    prof = dyestuff.profile("random")
    with pytest.raises(DataError, match="'Intercept' was not profiled"):
        dyestuff.plot_profile_pairs(["sigma", "Intercept"], profile=prof)
    with pytest.raises(MixedModelError, match=r"axes of shape \(2, 2\)"):
        dyestuff.plot_profile_pairs(profile=prof, axes=plt.subplots(2, 1)[1])
    model = smm.glmm(CBPP, LOAD("cbpp"), family="binomial")
    with pytest.raises(DataError, match="needs the deviance of all parameters"):
        model.fit(method="pql").plot_profile_pairs()


# ---- forest --------------------------------------------------------------------------


def test_forest_of_several_results(sleep):
    ols = smf.ols("Reaction ~ Days", SLEEP).fit()
    figure = smm.plot_estimates({"mixed": sleep, "OLS": ols}, intercept=True)
    (ax,) = figure.axes
    assert ticks(ax.yaxis) == ["Days", "Intercept"]
    for found, res in zip(ax.containers, (sleep, ols), strict=True):
        centres, ends = bars(found, 0)
        assert_allclose(centres, res.params[["Intercept", "Days"]])
        assert_allclose(ends, res.conf_int())
    heights = [c.lines[0].get_ydata() for c in ax.containers]
    assert (heights[0] > heights[1]).all()  # in the order given, from above


@pytest.mark.parametrize("given", [False, True])
def test_the_legend_of_a_forest_covers_nothing(sleep, given):
    ax = plt.subplots()[1] if given else None
    figure = smm.plot_estimates({"a": sleep, "b": sleep}, intercept=True, ax=ax)
    figure.canvas.draw()
    box = figure.axes[0].get_legend().get_window_extent()
    assert not figure.axes[0].get_window_extent().overlaps(box)


def test_forest_of_one_result(sleep, cbpp):
    (ax,) = sleep.plot_fixed(method="profile").axes
    assert ticks(ax.yaxis) == ["Days"] and ax.get_legend() is None
    _, (ends,) = bars(ax.containers[0], 0)
    assert_allclose(ends, sleep.intervals(method="profile", which="fixed").loc["Days"])
    (ax,) = cbpp.plot_fixed(
        parameters=["period[T.4]", "period[T.2]"], exponentiate=True
    ).axes
    assert_allclose(
        bars(ax.containers[0], 0)[0],
        cbpp.exp_params().estimate[["period[T.4]", "period[T.2]"]],
    )
    assert ax.get_xscale() == "log" and ticks(ax.yaxis)[1] == "period[T.4]"


def test_forest_refuses(sleep):
    with pytest.raises(DataError, match="results is empty"):
        smm.plot_estimates({})
    with pytest.raises(
        DataError, match="parameters='days' is not one of Intercept, Days"
    ):
        sleep.plot_fixed(parameters="days")
    with pytest.raises(DataError, match="between 0 and 1"):
        sleep.plot_fixed(level=95)


# ---- axes ----------------------------------------------------------------------------

ON_ONE = {
    "plot_shrinkage": {},
    "plot_marginal_covariance": {},
    "plot_effect_covariance": {},
    "plot_likelihood_compromise": {"level": "308"},
    "plot_fixed": {},
    "plot_predictions": {"x": "Days"},
}
ON_TWO = {
    "plot_modes": {},
    "plot_random_densities": {},
    "plot_groups": {"levels": ["308", "309"]},
}


@pytest.mark.parametrize("method", ON_ONE)
def test_pictures_are_drawn_on_the_axes_given(sleep, method):
    figure, ax = plt.subplots()
    assert getattr(sleep, method)(ax=ax, **ON_ONE[method]) is figure
    assert ax.has_data()


@pytest.mark.parametrize("method", [*ON_ONE, *ON_TWO, "plot_profile_pairs"])
def test_what_is_no_axes_is_refused(sleep, method):
    name = "ax" if method in ON_ONE else "axes"
    options = (ON_ONE | ON_TWO).get(method) or {}
    if method == "plot_profile_pairs":
        options = {"which": "fixed"}
    with pytest.raises(DataError, match="is of type str, not matplotlib Axes"):
        getattr(sleep, method)(**options, **{name: "x"})


def test_one_picture_needs_one_axes(sleep):
    with pytest.raises(DataError, match="needs one axes; 2 were given"):
        sleep.plot_shrinkage(ax=plt.subplots(2)[1])


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_picture_of_all_groups_is_drawn_on_the_axes_given(pastes, wrapped):
    figure, ax = plt.subplots(squeeze=True)
    axes = np.array([ax]) if wrapped else ax
    assert pastes.plot_groups(group="batch", axes=axes) is figure and ax.has_data()


@pytest.mark.parametrize("method", ON_TWO)
def test_panels_are_drawn_on_the_axes_given(sleep, method):
    figure, axes = plt.subplots(2)
    assert getattr(sleep, method)(axes=axes, **ON_TWO[method]) is figure
    assert all(ax.has_data() for ax in axes)
    with pytest.raises(MixedModelError, match=r"2 .* need as many axes; 1 were given"):
        getattr(sleep, method)(axes=axes[:1], **ON_TWO[method])
