"""Marginal means: grids, estimability, scales, contrasts, adjustments, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError
from statsmodels_mixed.inference.fixed_effects.wald import WaldTests
from statsmodels_mixed.inference.means.contrasts import CONTRASTS, coefficients
from statsmodels_mixed.inference.means.marginal_means import marginal_means
from statsmodels_mixed.inference.means.multiplicity import (
    ADJUSTMENTS,
    TestFamily,
    adjusted_pvalues,
    critical_values,
)


@pytest.fixture(scope="module")
def oats():
    data = smm.datasets.load("oats").rename(columns={"yield": "y"})
    data["late"] = data["nitro"] > 0.3
    data["my col"] = data["nitro"] * 10
    data["dose"] = (data["nitro"] * 10).astype(int)
    return data


@pytest.fixture(scope="module")
def split(oats):
    return smm.lmm("y ~ C(dose) * Variety + (1 | Block / Variety)", oats).fit()


@pytest.fixture(scope="module")
def orthodont():
    return smm.datasets.load("orthodont")


@pytest.fixture(scope="module")
def unbalanced():
    """Two crossed factors with an interaction, counts far from proportional."""
    rng = np.random.default_rng(3)
    cells = [("a", "u", 9), ("a", "v", 4), ("a", "w", 2)]
    cells += [("b", "u", 3), ("b", "v", 8), ("b", "w", 6)]
    frame = pd.DataFrame(
        [c[:2] for c in cells for _ in range(c[2])], columns=["f", "h"]
    )
    frame["h2"] = np.where(7 * np.arange(len(frame)) % 5 < 2, "p", "q")
    frame["g"] = np.arange(len(frame)) % 5
    frame["y"] = rng.normal(size=len(frame)) + (frame["f"] == "a")
    return frame


# ---- grids and weights -----------------------------------------------------------


def test_means_are_averages_of_predictions(oats, split):
    grid = pd.MultiIndex.from_product(
        [[0, 2, 4, 6], ["Golden Rain", "Marvellous", "Victory"]]
    )
    frame = grid.to_frame(index=False, name=["dose", "Variety"])
    want = split.predict(frame).groupby(frame["dose"]).mean()
    found = split.emmeans("dose").table
    assert found["dose"].tolist() == [0, 2, 4, 6]
    np.testing.assert_allclose(found["mean"], want)


def test_weights_by_hand(unbalanced):
    res = smm.lmm("y ~ f * h * h2 + (1 | g)", unbalanced).fit()
    cells = res.emmeans(["f", "h", "h2"]).table.set_index(["h", "h2", "f"])["mean"]
    counts = unbalanced.groupby(["h", "h2"]).size()
    outer = counts.unstack(fill_value=0)
    outer[:] = np.outer(outer.sum(axis=1), outer.sum(axis=0))
    want = {
        "equal": counts * 0 + 1,
        "proportional": counts,
        "outer": outer.stack(),
    }
    for weights, share in want.items():
        found = res.emmeans("f", weights=weights).table.set_index("f")["mean"]
        for level in "ab":
            of = cells.xs(level, level="f")
            mean = np.average(of, weights=share.reindex(of.index))
            np.testing.assert_allclose(found[level], mean)
    own = unbalanced.groupby(["h", "h2", "f"]).size()
    found = res.emmeans("f", weights="cells").table.set_index("f")["mean"]
    for level in "ab":
        of = cells.xs(level, level="f")
        share = own.xs(level, level="f").reindex(of.index)
        np.testing.assert_allclose(found[level], np.average(of, weights=share))


def test_first_of_several_columns_varies_fastest(split):
    table = split.emmeans(["Variety", "dose"]).table
    assert table["Variety"].tolist()[:3] == ["Golden Rain", "Marvellous", "Victory"]
    assert table["dose"].tolist()[:4] == [0, 0, 0, 2]
    same = split.emmeans("Variety", by="dose").table
    pd.testing.assert_frame_equal(table, same)


def test_covariates_at_means_of_the_rows_used(orthodont):
    data = orthodont.copy()
    data["distance"] = data["distance"].where(data["age"] > 8)  # drops a fourth
    res = smm.lmm("distance ~ Sex + age + (1 | Subject)", data).fit()
    frame = pd.DataFrame({"Sex": ["Male", "Female"], "age": 12.0})
    np.testing.assert_allclose(res.emmeans("Sex").table["mean"], res.predict(frame))
    frame["age"] = 9.0
    at = res.emmeans("Sex", at={"age": 9})
    np.testing.assert_allclose(at.table["mean"], res.predict(frame))


def test_rows_of_a_subset_and_in_another_order(oats):
    formula = "y ~ dose + Variety + (1 | Block)"
    keep = np.flatnonzero(oats["dose"] < 6)[::-1]
    res = smm.lmm(formula, oats, subset=keep).fit()
    frame = pd.DataFrame(
        {"dose": 2.0, "Variety": ["Golden Rain", "Marvellous", "Victory"]}
    )
    want = res.predict(frame)
    np.testing.assert_allclose(res.emmeans("Variety").table["mean"], want)
    again = oats.copy()
    again.index = np.zeros(len(oats), dtype=int)
    res = smm.lmm(formula, again).fit()  # labels repeat, no subset
    assert len(res.emmeans("Variety").table) == 3
    res = smm.lmm(formula, again, subset=(again["dose"] < 6).to_numpy()).fit()
    with pytest.raises(DataError, match="reset_index"):
        res.emmeans("Variety")


def test_two_values_are_averaged_over_three_are_held(orthodont):
    data = orthodont.assign(few=np.arange(108) % 4 == 0, many=np.arange(108) % 3)
    data["few"] = data["few"].astype(float)  # mean 0.25
    res = smm.lmm("distance ~ Sex + few + many + (1 | Subject)", data).fit()
    frame = pd.DataFrame({"Sex": ["Male", "Female"], "few": 0.5, "many": 1.0})
    means = res.emmeans("Sex")
    np.testing.assert_allclose(means.table["mean"], res.predict(frame))
    assert means.notes[0] == "Averaged over few (equal weights)."


@pytest.mark.parametrize("kind", ["dict", "text", "pickle"])
def test_where_data_come_from(oats, kind):
    formula = "y ~ late * Variety + Q('my col') + (1 | Block)"
    data = oats.to_dict("list") if kind == "dict" else oats
    data = oats.astype({"Variety": object}) if kind == "text" else data
    res = smm.lmm(formula, data).fit()
    res = pickle.loads(pickle.dumps(res)) if kind == "pickle" else res
    want = (
        smm.lmm(formula, oats).fit().emmeans(["late", "my col"], at={"my col": [1, 2]})
    )
    found = res.emmeans(["late", "my col"], at={"my col": [1, 2]})
    np.testing.assert_allclose(found.table["mean"], want.table["mean"])
    assert found.table["late"].tolist() == [False, True, False, True]


def test_levels_by_at(split):
    table = split.emmeans("dose", at={"dose": [6, 0], "Variety": "Victory"}).table
    assert table["dose"].tolist() == [6, 0]
    np.testing.assert_allclose(table["mean"], [118.5, 71.5])


def test_overall_mean(oats):
    res = smm.lmm("y ~ 1 + (1 | Block)", oats).fit()
    np.testing.assert_allclose(res.emmeans([]).table["mean"], oats["y"].mean())
    assert res.joint_tests().empty


def test_coding_of_factors_does_not_matter(oats, split):
    other = smm.lmm("y ~ C(dose, Sum) * Variety + (1 | Block / Variety)", oats).fit()
    pd.testing.assert_frame_equal(
        other.emmeans("dose").table, split.emmeans("dose").table, rtol=1e-6
    )
    pd.testing.assert_frame_equal(other.joint_tests(), split.joint_tests(), rtol=1e-6)
    assert not any("Sum" in note for note in other.emmeans("dose").notes)


# ---- stateful transforms and slopes ----------------------------------------------


@pytest.mark.parametrize("term", ["center(age)", "standardize(age)", "np.log(age)"])
def test_slopes_through_transforms(orthodont, term):
    res = smm.lmm(f"distance ~ Sex * {term} + (1 | Subject)", orthodont).fit()
    at = 10.0
    frame = pd.DataFrame({"Sex": "Male", "age": [at - 1e-4, at + 1e-4]})
    want = np.diff(res.predict(frame))[0] / 2e-4
    found = res.emtrends("Sex", "age", at={"age": at}).table
    np.testing.assert_allclose(found["slope"][0], want, 1e-5)


def test_slopes_at_the_ends_of_the_data(orthodont):
    res = smm.lmm("distance ~ age + I(age**2) + (1 | Subject)", orthodont).fit()
    ages = np.array([8.0, 11.0, 14.0, 20.0])
    want = res.params["age"] + 2 * res.params["I(age ** 2)"] * ages
    found = res.emtrends("age", "age", at={"age": ages}).table
    np.testing.assert_allclose(found["slope"], want, 1e-9)


def test_splines_stop_at_the_ends():
    data = smm.datasets.load("sleepstudy")
    res = smm.lmm("Reaction ~ bs(Days, df=4) + (1 | Subject)", data).fit()
    found = res.emtrends("Days", "Days", at={"Days": [0, 9]}).table
    frame = pd.DataFrame({"Days": [0, 1e-4, 9 - 1e-4, 9]})
    want = np.diff(res.predict(frame))[[0, 2]] / 1e-4
    np.testing.assert_allclose(found["slope"], want, 1e-3)


def test_slopes_are_tested_and_compared(orthodont):
    res = smm.lmm("distance ~ Sex * age + (1 | Subject)", orthodont).fit()
    slopes = res.emtrends("Sex", "age")
    assert {"statistic", "pvalue"} <= set(slopes.table)
    difference = slopes.contrast().table
    name = next(n for n in res.params.index if ":" in n)
    np.testing.assert_allclose(-difference["estimate"], res.params[name])
    np.testing.assert_allclose(difference["pvalue"], res.pvalues[name], 1e-6)


# ---- estimability ----------------------------------------------------------------


def test_estimable_contrasts_of_means_that_are_not(orthodont):
    """An additive model with a column twice: differences remain estimable."""
    data = orthodont.assign(twice=2.0 * orthodont["age"])
    with pytest.warns(smm.errors.RankDeficiencyWarning):
        model = smm.lmm("distance ~ Sex + age + twice + (1 | Subject)", data)
    res = model.fit()
    off = res.emmeans("Sex", at={"age": 10, "twice": 5})
    assert off.table["mean"].isna().all() and "2 of 2" in off.notes[-1]
    plain = smm.lmm("distance ~ Sex + age + (1 | Subject)", data).fit()
    want = plain.emmeans("Sex").contrast().table
    pd.testing.assert_frame_equal(off.contrast().table, want, rtol=1e-6)
    on = res.emmeans("Sex", at={"age": 10, "twice": 20}).table["mean"]
    want = plain.emmeans("Sex", at={"age": 10}).table["mean"]
    np.testing.assert_allclose(on, want)


def test_slopes_along_one_of_two_aliased_columns(orthodont):
    data = orthodont.assign(twice=2.0 * orthodont["age"])
    with pytest.warns(smm.errors.RankDeficiencyWarning):
        model = smm.lmm("distance ~ Sex + age + twice + (1 | Subject)", data)
    assert model.fit().emtrends([], "age").table["slope"].isna().all()


def test_cells_without_rows_have_no_weights(unbalanced):
    data = unbalanced[(unbalanced["f"] == "a") | (unbalanced["h"] != "w")]
    res = smm.lmm("y ~ f + h + (1 | g)", data).fit()
    keep = res.emmeans("f", weights="cells", at={"h": "w"})
    assert keep.table["mean"].isna().tolist() == [False, True]
    assert keep.contrast().table["estimate"].isna().all()  # not that of nothing
    assert res.emmeans("f", at={"h": "w"}).table["mean"].notna().all()


def test_joint_test_of_nothing_estimable(unbalanced):
    data = unbalanced[(unbalanced["f"] == "a") | (unbalanced["h"] == "u")]
    with pytest.warns(smm.errors.RankDeficiencyWarning):
        model = smm.lmm("y ~ f * h + (1 | g)", data)
    tests = model.fit().joint_tests()
    row = tests.loc["f:h"]
    assert row["note"] == "not estimable" and row["num_df"] == 0 and np.isnan(row["F"])
    assert tests.loc["h", "note"] == "not estimable"


# ---- joint tests -----------------------------------------------------------------


def test_joint_test_of_contrasts(split):
    pairs = split.emmeans("dose").contrast().joint_test()
    tests = split.joint_tests()
    for name in ("num_df", "den_df", "F", "pvalue"):
        np.testing.assert_allclose(pairs[name], tests.loc["dose", name])
    by = split.emmeans("dose", by="Variety").contrast("poly").joint_test()
    again = split.joint_tests(by="Variety")
    assert by["Variety"].tolist() == again["Variety"].tolist()
    np.testing.assert_allclose(by["F"], again["F"])


def test_joint_test_of_means_is_of_zero(oats):
    res = smm.lmm(
        "y ~ Variety + offset(my_offset) + (1 | Block)", oats.assign(my_offset=50.0)
    )
    means = res.fit().emmeans("Variety", df_method="z")
    test = means.joint_test()
    cov = means.functions.matrix @ means.tests.cov @ means.functions.matrix.T
    values = means.table["mean"]
    want = values @ np.linalg.solve(cov, values) / 3
    np.testing.assert_allclose(test["F"], want)


# ---- scales ----------------------------------------------------------------------


def test_offsets_and_ratios_of_counts():
    data = smm.datasets.load("owls")
    formula = "SiblingNegotiation ~ FoodTreatment + offset(logBroodSize) + (1 | Nest)"
    res = smm.glmm(formula, data, family="poisson").fit()
    means = res.emmeans("FoodTreatment", scale="response")
    frame = pd.DataFrame({"FoodTreatment": ["Deprived", "Satiated"]})
    frame["logBroodSize"] = data["logBroodSize"].mean()
    np.testing.assert_allclose(means.table["mean"], res.predict(frame))
    ratio = means.contrast().table
    assert ratio["contrast"].tolist() == ["Deprived / Satiated"]
    np.testing.assert_allclose(ratio["ratio"], np.exp(-res.params.iloc[1]))
    np.testing.assert_allclose(ratio["se"], ratio["ratio"] * res.bse.iloc[1])
    sums = means.contrast({"both": [1, 1]})  # no contrast, so no ratio
    assert "estimate" in sums.table and "scale of the log link" in sums.notes[0]
    unit = res.emmeans("FoodTreatment", scale="response", offset=0.0).table["mean"]
    np.testing.assert_allclose(unit, np.exp(np.cumsum(res.params)))


def test_delta_method_of_probit():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    res = smm.glmm(formula, data, smm.families.Binomial("probit")).fit()
    link, response = (
        res.emmeans("period", scale=s).table for s in ("link", "response")
    )
    np.testing.assert_allclose(response["mean"], stats.norm.cdf(link["mean"]))
    np.testing.assert_allclose(
        response["se"], stats.norm.pdf(link["mean"]) * link["se"]
    )
    np.testing.assert_allclose(response["upper"], stats.norm.cdf(link["upper"]))
    contrasts = res.emmeans("period", scale="response").contrast()
    assert "probit" in contrasts.notes[0] and "estimate" in contrasts.table


def test_interval_beyond_a_link_is_missing_and_decreasing_links_are_ordered():
    from statsmodels_mixed.families.links import Power
    from statsmodels_mixed.inference.means.scales import ResponseScale

    link = Power(-1.0)
    scale = ResponseScale(
        link.mean, link.mean_derivative, lambda eta: eta <= 0, "inverse", ""
    )
    eta, se = np.array([2.0, 0.5]), np.array([0.1, 0.4])
    mean, spread, lower, upper = scale.back(eta, se, eta - 2 * se, eta + 2 * se)
    np.testing.assert_allclose(mean, [0.5, 2.0])
    np.testing.assert_allclose(spread, [0.025, 1.6])
    np.testing.assert_allclose(lower, [1 / 2.2, 1 / 1.3])
    assert upper[0] == 1 / 1.8 and np.isnan(upper[1])


def test_untransformed_responses_have_one_scale(split):
    pd.testing.assert_frame_equal(
        split.emmeans("dose", scale="response").table, split.emmeans("dose").table
    )


def test_other_transformed_responses_are_refused(oats):
    res = smm.lmm("np.sqrt(y) ~ C(dose) + (1 | Block)", oats).fit()
    assert len(res.emmeans("dose").table) == 4
    with pytest.raises(DataError, match=r"not np\.sqrt"):
        res.emmeans("dose", scale="response")


# ---- contrasts -------------------------------------------------------------------


def test_named_contrasts_are_contrasts():
    cells = pd.DataFrame({"f": list("abcdefgh")})
    for name in CONTRASTS:
        found = coefficients(name, cells)
        assert found.sum_to_zero and len(found.names) == len(found.matrix)
    poly = coefficients("poly", cells).matrix
    assert (poly == np.round(poly)).all() and poly.shape == (6, 8)
    np.testing.assert_allclose(
        poly @ poly.T, np.diag(np.diag(poly @ poly.T)), atol=1e-9
    )


def test_custom_contrasts(split):
    means = split.emmeans("dose")
    values = means.table["mean"].to_numpy()
    by_name = means.contrast({"first": [1, -1, 0, 0], "rest": [0, 0, 1, -1]}).table
    assert by_name["contrast"].tolist() == ["first", "rest"]
    matrix = [[1, -1, 0, 0], [0, 0, 1, -1]]
    frame = pd.DataFrame(matrix, index=["first", "rest"])
    for method in (frame, matrix, np.array(matrix)):
        found = means.contrast(method).table
        np.testing.assert_allclose(found["estimate"], np.array(matrix) @ values)
    assert means.contrast(matrix).table["contrast"][0] == "+1*dose0 -1*dose2"
    pd.testing.assert_frame_equal(means.contrast(frame).table, by_name)


@pytest.mark.parametrize("ref", [4, "4", "dose4"])
def test_reference_level(split, ref):
    found = split.emmeans("dose").contrast("treatment", ref=ref).table["contrast"]
    assert found.tolist() == ["dose0 - dose4", "dose2 - dose4", "dose6 - dose4"]


def test_reference_of_two_columns(split):
    means = split.emmeans(["Variety", "dose"], at={"dose": [0, 6]})
    found = means.contrast("treatment", ref=("Victory", 0)).table
    assert found["contrast"][0] == "Golden Rain dose0 - Victory dose0"
    assert len(found) == 5


# ---- adjustments -----------------------------------------------------------------


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
def test_intervals_agree_with_pvalues(adjust):
    """An interval touches zero where its single-step p-value is one minus the level."""
    df, family = np.full(6, 12.0), TestFamily(4, True)
    half = critical_values(adjust, 0.9, df, family)
    steps = ("holm", "holm-sidak", "simes-hochberg", "hommel", "fdr_bh", "fdr_by")
    name = "bonferroni" if adjust in steps else adjust
    found = adjusted_pvalues(name, half, df, family)
    np.testing.assert_allclose(found, 0.1, 1e-5)
    plain = adjusted_pvalues("none", half, df, family)
    own = adjusted_pvalues(adjust, np.linspace(0.5, 4, 6), df, family)
    assert (own <= 1).all() and (plain <= 0.1 + 1e-12).all()


def test_tukey_of_other_families_is_sidak(split):
    contrasts = split.emmeans("dose").contrast("consecutive", adjust="tukey")
    sidak = split.emmeans("dose").contrast("consecutive", adjust="sidak")
    pd.testing.assert_frame_equal(contrasts.table, sidak.table)
    assert "Tukey's is for all pairs" in contrasts.notes[-1]


def test_adjustment_is_within_levels_of_by(split):
    by = split.emmeans("dose", by="Variety").contrast(adjust="bonferroni")
    raw = by.summary_frame("none")["pvalue"]
    np.testing.assert_allclose(by.table["pvalue"], np.minimum(6 * raw, 1))
    assert "6 tests" in by.notes[-1]


def test_single_contrast_is_not_adjusted(orthodont):
    res = smm.lmm("distance ~ Sex + (1 | Subject)", orthodont).fit()
    pair = res.emmeans("Sex").contrast()
    np.testing.assert_allclose(pair.table["pvalue"], res.pvalues.iloc[1], 1e-8)
    assert pair.notes == ()


def test_pvalues_of_the_studentized_range_keep_their_bounds():
    t, df = np.array([9.0, 12.0, 30.0]), np.full(3, np.inf)
    plain = 2 * stats.norm.sf(t)
    for adjust in ("tukey", "dunnettx"):
        found = adjusted_pvalues(adjust, t, df, TestFamily(3, True))
        assert (plain <= found).all() and (found <= 3 * plain).all()


def test_covariance_and_df_are_those_of_the_tests(split):
    fit, frame = split.fit_record, split.model.data.frame
    tests = WaldTests(fit.beta, 4.0 * fit.cov_beta, 7.0)
    found = marginal_means(fit, tests, frame, "dose", level=0.9).table
    want = split.emmeans("dose", df_method="z").table
    np.testing.assert_allclose(found["se"], 2 * want["se"])
    assert (found["df"] == 7.0).all()
    half = stats.t.ppf(0.95, 7.0) * found["se"]
    np.testing.assert_allclose(found["upper"], found["mean"] + half)


def test_what_is_shown(split):
    text = repr(split.emmeans("dose"))
    assert "mean" in text.splitlines()[0] and "Averaged over Variety" in text
    assert "interactions with Variety" in text


# ---- bad input -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.emmeans("foo"), "specs: 'foo' is not a column"),
        (lambda r: r.emmeans("dose", by="foo"), "by: 'foo' is not a column"),
        (lambda r: r.emmeans("dose", at={"z": 1}), "at: 'z' is not a column"),
        (lambda r: r.emmeans("dose", at={"dose": [1]}), "'dose' has no level 1"),
        (lambda r: r.emmeans("dose", at={"dose": []}), "'dose' has no level left"),
        (lambda r: r.emmeans("dose", weights="x"), "weights='x'"),
        (lambda r: r.emmeans("dose", scale="x"), "scale='x'"),
        (lambda r: r.emmeans("dose", level=95), "level=95"),
        (lambda r: r.emmeans("dose", offset=[1, 2]), "one number"),
        (lambda r: r.emmeans("dose", df_method="x"), "df_method"),
        (lambda r: r.emtrends("Variety", "dose"), "factor in the model"),
        (lambda r: r.emtrends("dose", "foo"), "var: 'foo' is not a column"),
        (lambda r: r.joint_tests(by="foo"), "by: 'foo' is not a column"),
        (lambda r: r.emmeans("dose").contrast("x"), "method='x'"),
        (lambda r: r.emmeans("dose").contrast(ref=1), "'treatment' only"),
        (lambda r: r.emmeans("dose").contrast("treatment", ref=9), "ref=9 is none"),
        (lambda r: r.emmeans("dose").contrast({"a": [1, 2]}), "give 4 numbers"),
        (lambda r: r.emmeans("dose").contrast([["a"] * 4]), "give 4 numbers"),
        (lambda r: r.emmeans("dose").contrast([[np.nan] * 4]), "missing"),
        (lambda r: r.emmeans("dose").contrast(adjust="x"), "adjust='x'"),
        (lambda r: r.emmeans("dose").contrast(by="u"), "by: 'u' is none of"),
        (lambda r: r.emmeans("dose").summary_frame("x"), "adjust='x'"),
    ],
)
def test_bad_arguments(split, call, message):
    with pytest.raises(DataError, match=message):
        call(split)


@pytest.mark.parametrize("value", ["a", [np.nan], [], [[1.0]]])
def test_bad_values_of_covariates(orthodont, value):
    res = smm.lmm("distance ~ Sex + age + (1 | Subject)", orthodont).fit()
    with pytest.raises(DataError, match="'age'"):
        res.emmeans("Sex", at={"age": value})


def test_models_from_arrays(oats):
    exog = np.column_stack([np.ones(len(oats)), oats["nitro"]])
    res = smm.LMM(oats["y"], exog, random=[oats["Block"]]).fit()
    with pytest.raises(DataError, match="built from arrays"):
        res.emmeans("nitro")


def test_without_the_data(oats):
    res = smm.lmm("y ~ Variety + (1 | Block)", oats).fit()
    res.remove_data()
    with pytest.raises(DataError, match="remove_data"):
        res.emmeans("Variety")


def test_dates_have_no_mean(oats):
    data = oats.assign(
        day=pd.Timestamp("2020-01-01") + pd.to_timedelta(oats["dose"], "D")
    )
    start = pd.Timestamp("2020-01-01")
    namespace = {"since": lambda d: (pd.Series(d) - start).dt.days.to_numpy()}
    model = smm.LMM.from_formula(
        "y ~ Variety + since(day) + (1 | Block)", data, eval_env=namespace
    )
    with pytest.raises(DataError, match=r"'day'.* has no mean"):
        model.fit().emmeans("Variety")


def test_grids_that_are_too_large(oats, monkeypatch):
    from statsmodels_mixed.inference.means import reference_grid

    monkeypatch.setattr(reference_grid, "LARGEST", 50)
    res = smm.lmm("y ~ Variety * C(dose) + (1 | Block)", oats).fit()
    with pytest.raises(DataError, match="12 combinations"):
        res.emmeans("Variety")
