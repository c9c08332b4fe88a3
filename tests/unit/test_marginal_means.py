"""Marginal means: grids, estimability, scales, contrasts, adjustments, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError
from statsmodels_mixed.inference.fixed_effects.wald import WaldTests
from statsmodels_mixed.inference.means.contrasts import CONTRASTS, Method
from statsmodels_mixed.inference.means.marginal_means import marginal_means
from statsmodels_mixed.inference.means.multiplicity import (
    ADJUSTMENTS,
    TestFamily,
    adjusted_pvalues,
    critical_values,
)
from statsmodels_mixed.inference.means.printing import decimals_of, df_text, printed


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
def cbpp():
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return smm.glmm(formula, smm.datasets.load("cbpp"), family="binomial").fit()


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


@pytest.mark.parametrize(
    "text",
    ["Variety | dose", "~Variety|dose", " ~ Variety | dose"],
)
def test_by_in_the_text_of_specs(split, text):
    found = split.emmeans(text)
    assert found.by == ("dose",)
    want = split.emmeans("Variety", by="dose")
    pd.testing.assert_frame_equal(found.table, want.table)


def test_several_columns_in_the_text_of_specs(oats, split):
    want = split.emmeans(["Variety", "dose"]).table
    for text in ("Variety + dose", "Variety * dose", "Variety:dose"):
        pd.testing.assert_frame_equal(split.emmeans(text).table, want)
    assert len(split.emmeans("1").table) == 1
    assert len(split.emmeans("1 | Variety").table) == 3
    data = oats.rename(columns={"dose": "a | b"})
    res = smm.lmm("y ~ C(Q('a | b')) + (1 | Block)", data).fit()
    assert len(res.emmeans("a | b").table) == 4  # a column of that name


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


def test_joint_test_that_means_are_a_number(oats):
    res = smm.lmm(
        "y ~ Variety + offset(my_offset) + (1 | Block)", oats.assign(my_offset=50.0)
    )
    means = res.fit().emmeans("Variety", df_method="z")
    test = means.joint_test(null=0)
    cov = means.functions.matrix @ means.tests.cov @ means.functions.matrix.T
    values = means.table["mean"]
    want = values @ np.linalg.solve(cov, values) / 3
    np.testing.assert_allclose(test["F"], want)
    assert test["null"].tolist() == ["means = 0"]
    test, less = means.joint_test(null=100), values - 100
    np.testing.assert_allclose(test["F"], less @ np.linalg.solve(cov, less) / 3)


def test_joint_test_of_means_is_of_their_equality(split):
    means = split.emmeans("dose", by="Variety")
    test, want = means.joint_test(), means.pairs().joint_test()
    assert (test["null"] == "means equal").all()
    assert (want["null"] == "contrasts = 0").all()
    columns = ["Variety", "num_df", "den_df", "F", "pvalue"]
    pd.testing.assert_frame_equal(test[columns], want[columns])
    with pytest.raises(DataError, match="single estimate"):
        split.emmeans([]).joint_test()


def test_joint_tests_of_slopes_and_ratios_say_what_they_are_of(orthodont, cbpp):
    res = smm.lmm("distance ~ Sex * age + (1 | Subject)", orthodont).fit()
    slopes = res.emtrends("Sex", "age")
    assert slopes.joint_test()["null"].tolist() == ["slopes = 0"]
    equal = slopes.joint_test(null="equal")
    assert equal["null"].tolist() == ["slopes equal"]
    np.testing.assert_allclose(equal["pvalue"], slopes.pairs().table["pvalue"])
    means = cbpp.emmeans("period", scale="response")
    assert means.joint_test(-1)["null"][0] == "means = -1 on the logit scale"
    assert means.pairs().joint_test()["null"][0] == "odds_ratio = 1"


# ---- scales ----------------------------------------------------------------------


def test_offsets_and_ratios_of_counts():
    data = smm.datasets.load("owls")
    formula = "SiblingNegotiation ~ FoodTreatment + offset(logBroodSize) + (1 | Nest)"
    res = smm.glmm(formula, data, family="poisson").fit()
    means = res.emmeans("FoodTreatment", scale="response")
    frame = pd.DataFrame({"FoodTreatment": ["Deprived", "Satiated"]})
    frame["logBroodSize"] = data["logBroodSize"].mean()
    np.testing.assert_allclose(means.table["rate"], res.predict(frame))
    ratio = means.contrast().table
    assert ratio["contrast"].tolist() == ["Deprived / Satiated"]
    np.testing.assert_allclose(ratio["ratio"], np.exp(-res.params.iloc[1]))
    np.testing.assert_allclose(ratio["se"], ratio["ratio"] * res.bse.iloc[1])
    sums = means.contrast({"both": [1, 1]})  # no contrast, so no ratio
    assert "estimate" in sums.table and "scale of the log link" in sums.notes[1]
    unit = res.emmeans("FoodTreatment", scale="response", offset=0.0).table["rate"]
    np.testing.assert_allclose(unit, np.exp(np.cumsum(res.params)))


def test_delta_method_of_probit():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    res = smm.glmm(formula, data, smm.families.Binomial("probit")).fit()
    link, response = (
        res.emmeans("period", scale=s).table for s in ("link", "response")
    )
    np.testing.assert_allclose(response["prob"], stats.norm.cdf(link["mean"]))
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
        found = Method.read(name).coefficients(cells)
        assert found.sum_to_zero and len(found.names) == len(found.matrix)
    poly = Method.read("poly").coefficients(cells).matrix
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
    assert means.contrast(matrix).table["contrast"].tolist() == ["0 - 2", "4 - 6"]
    pd.testing.assert_frame_equal(means.contrast(frame).table, by_name)


@pytest.mark.parametrize("ref", [4, "4", "dose4"])
def test_reference_level(split, ref):
    found = split.emmeans("dose").contrast("treatment", ref=ref).table["contrast"]
    assert found.tolist() == ["0 - 4", "2 - 4", "6 - 4"]


def test_reference_of_two_columns(split):
    means = split.emmeans(["Variety", "dose"], at={"dose": [0, 6]})
    found = means.contrast("treatment", ref=("Victory", 0)).table
    assert found["contrast"][0] == "Golden Rain dose0 - Victory dose0"
    assert len(found) == 5


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ([0, -1, 0, 1], "6 - 2"),
        ([1, -1, -1, 1], "dose0 - dose2 - dose4 + dose6"),
        ([-1, 0, 0, 0], "-dose0"),
        ([0.5, 0.5, -1, 0], "0.5*dose0 + 0.5*dose2 - dose4"),
        ([0, 0, 0, 0], "contrast 1"),
    ],
)
def test_names_of_bare_coefficients(split, row, name):
    at = {"Variety": "Victory"}
    found = split.emmeans("dose", at=at).contrast([row]).table["contrast"]
    assert found.tolist() == [name]


def test_long_names_of_bare_coefficients_are_numbers(split):
    rows = np.vstack([np.full(12, 1 / 12), np.eye(12)[0] - np.eye(12)[1]])
    found = split.emmeans(["dose", "Variety"]).contrast(rows).table["contrast"]
    second = "dose0 Golden Rain - dose2 Golden Rain"
    assert found.tolist() == ["contrast 1", second]


def test_levels_below_zero_are_enclosed():
    cells = pd.DataFrame({"x": [-1.0, 0.0]})
    assert Method.read("pairwise").coefficients(cells).names == ["(-1.0) - 0.0"]
    assert Method.read("Pairwise").coefficients(cells, "/").names == ["x-1 / x0"]


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Pairwise", {"method": "pairwise"}),
        ("tukey", {"method": "pairwise"}),
        ("revpairwise", {"method": "pairwise", "reverse": True}),
        ("trt.vs.ctrl", {"method": "treatment"}),
        ("TRT.vs.ctrlk", {"method": "treatment", "ref": 6}),
        ("dunnett", {"method": "treatment"}),
        ("consec", {"method": "consecutive"}),
    ],
)
def test_names_of_methods_in_r(split, name, same):
    means = split.emmeans("dose")
    found = means.contrast(name, adjust="BH").table
    want = means.contrast(**same, adjust="fdr_bh").table
    pd.testing.assert_frame_equal(found, want)


@pytest.mark.parametrize("method", ["pairwise", "treatment", "consecutive"])
def test_reversed_contrasts(split, method):
    means = split.emmeans("dose", by="Variety")
    plain = means.contrast(method).table
    other = means.contrast(method, reverse=True).table
    turned = [" - ".join(n.split(" - ")[::-1]) for n in plain["contrast"]]
    plain["contrast"], plain["estimate"] = turned, -plain["estimate"]
    keys = ["Variety", "contrast"]
    both = [t.set_index(keys)[["estimate", "pvalue"]] for t in (plain, other)]
    pd.testing.assert_frame_equal(both[0], both[1].loc[both[0].index])


def test_upper_case_options(split):
    want = split.emmeans("dose", weights="cells").pairs(adjust="holm").table
    found = split.emmeans("dose", weights="Cells", scale="Link").pairs(adjust="Holm")
    pd.testing.assert_frame_equal(found.table, want)


def test_intervals_alone(split):
    means = split.emmeans("dose", by="Variety")
    found = means.conf_int(level=0.9)
    want = means.summary_frame(level=0.9)[["dose", "Variety", "lower", "upper"]]
    pd.testing.assert_frame_equal(found, want)
    holm = means.pairs().conf_int(adjust="Holm")
    assert (holm["lower"] < means.pairs().conf_int()["lower"]).all()


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
    assert pair.adjust == "tukey" and "Tukey" not in " ".join(pair.notes)


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


# ---- what is printed -------------------------------------------------------------


def test_what_is_shown(split):
    means = split.emmeans("dose", df_method="kr", level=0.9)
    text = repr(means).splitlines()
    assert text[0].split() == ["dose", "mean", "se", "df", "lower", "upper"]
    assert text[1].split() == ["0", "79.389", "7.175", "6.79", "65.733", "93.045"]
    assert text[5] == "Averaged over Variety (equal weights)."
    assert text[6].startswith("There are interactions with Variety")
    assert text[7:] == [
        "Degrees-of-freedom method: kenward-roger.",
        "Confidence level used: 0.9.",
    ]
    pairs = means.pairs()
    assert pairs.notes[:4] == means.notes and "Tukey" in pairs.notes[4]
    text = repr(pairs).splitlines()
    shown = ["0", "-", "2", "-19.500", "4.436", "45", "-29.964", "-9.036"]
    assert text[1].split() == [*shown, "-4.396", "0.0004"]
    assert text[2].split()[-1] == "<0.0001"
    assert pairs.table["df"][0] != 45  # all figures there


@pytest.mark.parametrize(
    ("df", "text"),
    [(45.00001, "45"), (45.001, "45.00"), (6.792, "6.79"), (np.inf, "inf")],
)
def test_degrees_of_freedom_as_text(df, text):
    assert df_text(df) == text


@pytest.mark.parametrize(
    ("se", "decimals", "text"),
    [
        (7.17471, 3, "1234.568"),
        (0.0369, 5, "1234.56789"),
        (81234.0, -1, "1235"),
        (1e-9, 12, "1234.6"),
        (np.nan, 4, "1234.5679"),
    ],
)
def test_decimals_follow_the_standard_error(se, decimals, text):
    assert decimals_of(np.array([se, 1e3 * se])) == decimals
    table = pd.DataFrame({"mean": [1234.56789], "se": se, "df": np.nan})
    shown = printed(table, [], ["mean", "se"]).split()
    assert shown[3] == text and shown[5] == "NaN"


def test_where_covariates_are_held_is_told(orthodont):
    data = orthodont.assign(
        cage=orthodont["age"] - orthodont["age"].mean(), w=np.arange(108) * 1000.0
    )
    formula = "distance ~ Sex + cage + w + I(w**2) + (1 | Subject)"
    res = smm.lmm(formula, data.assign(w=data["w"] / 1000)).fit()
    assert "Held: cage at 0.00 (mean), w at 53.5 (mean)." in res.emmeans("Sex").notes
    res = smm.lmm("distance ~ Sex * age + (1 | Subject)", data).fit()
    at = {"age": 12.5, "Sex": "Male"}
    held = "Held: Sex at Male (given), age at 12.5 (given)."
    assert res.emmeans([], at=at).notes[0] == held
    assert "Held" not in repr(res.emmeans("Sex", by="age", at={"age": 9}))
    for found in (res.emtrends("Sex", "age"), res.emmeans("Sex").pairs()):
        assert found.notes[0] == "Held: age at 11.00 (mean)."


def test_where_offsets_are_held_is_told(orthodont):
    offset = np.linspace(1.0, 2.0, 108)
    res = smm.lmm("distance ~ Sex + (1 | Subject)", orthodont, offset=offset).fit()
    assert res.emmeans("Sex").notes[0] == "Held: offset at 1.5 (mean)."
    assert res.emmeans("Sex", offset=3).notes[0] == "Held: offset at 3 (given)."


def test_covariance_that_is_robust_is_told(orthodont):
    model = smm.lmm("distance ~ Sex + (1 | Subject)", orthodont)
    note = model.fit(cov_type="cluster").emmeans("Sex").notes[0]
    assert note.startswith("Degrees-of-freedom method: satterthwaite, with cluster")


def test_scale_is_told(cbpp, oats):
    link = cbpp.emmeans("period")
    note = "Results are on the logit scale, not that of the response."
    assert note in link.notes and note in link.pairs().notes
    response = cbpp.emmeans("period", scale="response")
    assert "at random effects of zero" in response.notes[0]
    pairs = response.pairs()
    assert "odds_ratio = 1" in pairs.notes[0]
    sums = pairs.contrast({"both": [1, 1, 0, 0, 0, 0]})
    assert sums.notes[0] == "Estimates are of the logarithm of odds_ratio."
    assert "not" not in repr(smm.lmm("y ~ late + (1 | Block)", oats).fit().emmeans([]))
    log = smm.lmm("np.log(y) ~ late + (1 | Block)", oats).fit().emmeans("late")
    assert "np.log(y) scale" in log.notes[0]


# ---- means over the random effects -----------------------------------------------


def test_means_over_the_random_effects(cbpp):
    found = cbpp.emmeans("period", scale="response", random="marginal")
    frame = pd.DataFrame({"period": list("1234"), "herd": "1"})
    want = cbpp.get_prediction(frame, random="marginal").summary_frame()
    for name, theirs in [("prob", "predicted"), ("se", "se"), ("lower", "ci_lower")]:
        np.testing.assert_allclose(found.table[name], want[theirs])
    assert "over the random effects" in found.notes[0]
    contrasts = found.pairs()
    assert "at random effects of zero" in contrasts.notes[0]
    pd.testing.assert_frame_equal(contrasts.table, cbpp.emmeans("period").pairs().table)


def test_means_over_effects_that_vary():
    rng = np.random.default_rng(8)
    data = pd.DataFrame(
        {"g": np.repeat(np.arange(30), 12), "x": np.tile(range(12), 30)}
    )
    data["f"] = np.where(rng.random(360) < 0.5, "a", "b")
    slopes = 0.15 * rng.normal(size=30)[data["g"]]
    data["n"] = rng.poisson(np.exp(0.3 + 0.1 * data["x"] + slopes * data["x"]))
    res = smm.glmm("n ~ f + x + (0 + x | g)", data, family="poisson").fit()
    means = res.emmeans("f", at={"x": [2, 8]}, scale="response", random="marginal")
    x, beta = 5.0, res.params  # the mean of 2 and 8, as in the fixed effects
    variance = x**2 * res.cov_re["g"].iloc[0, 0]
    want = np.exp(beta["Intercept"] + beta["x"] * x + variance / 2)
    np.testing.assert_allclose(means.table["rate"][0], want, 1e-8)
    without = smm.glmm("n ~ f + (0 + x | g)", data, family="poisson").fit()
    with pytest.raises(DataError, match="varies along 'x'"):
        without.emmeans("f", scale="response", random="marginal")


# ---- pictures --------------------------------------------------------------------


def test_pictures(split, cbpp):
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot as plt

    figure = split.emmeans("Variety | dose").pairs().plot(level=0.9)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == [f"dose = {d}" for d in (0, 2, 4, 6)]
    first = figure.axes[0]
    names = [text.get_text() for text in first.get_yticklabels()]
    assert names[::-1][0] == "Golden Rain - Marvellous"
    pairs = split.emmeans("Variety | dose").pairs()
    np.testing.assert_allclose(first.lines[-1].get_xdata(), pairs.table["estimate"][:3])
    assert figure.axes[-1].get_xlabel() == "estimate, 90% interval"
    ratios = cbpp.emmeans("period", scale="response").pairs().plot().axes[0]
    assert ratios.get_xscale() == "log" and "odds ratio" in ratios.get_xlabel()
    assert ratios.lines[0].get_xdata()[0] == 1.0
    ratios.figure.canvas.draw()
    ticks = [text.get_text() for text in ratios.get_xticklabels()]
    assert {"0.5", "1", "2", "5", "10"} <= set(ticks)  # no powers of ten
    own = plt.subplots()[1]
    assert cbpp.emmeans("period").plot(axes=own) is own.figure
    assert "logit scale" in own.get_xlabel() and own.get_ylabel() == "period"
    with pytest.raises(smm.errors.MixedModelError, match="4 panels"):
        pairs.plot(axes=own)
    plt.close("all")


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
        (lambda r: r.emmeans("dose + foo"), "specs: 'foo' is not a column"),
        (lambda r: r.emmeans("dose | foo"), "by: 'foo' is not a column"),
        (lambda r: r.emmeans("dose | Variety", by="Variety"), "by= was given"),
        (lambda r: r.emmeans("dose", random="x"), "random='x'"),
        (lambda r: r.emmeans("dose", random="marginal"), "generalized model"),
        (lambda r: r.emmeans("dose").joint_test("x"), "null='x'"),
        (lambda r: r.emmeans("dose").joint_test(np.nan), "null=nan"),
        (lambda r: r.emmeans("dose").contrast("poly", reverse=True), "reverse= turns"),
        (lambda r: r.emmeans("dose").contrast([[1] * 4], reverse=True), "reverse="),
        (lambda r: r.emmeans("dose").contrast("trt.vs.ctrlk", ref=7), "ref=7"),
        (lambda r: r.emmeans("dose").conf_int(level=2), "level=2"),
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


def test_results_that_do_not_hold_their_data(split):
    """Repeated fits have the formula, so it would be wrong to speak of arrays."""
    tests, fit = split.fixed_tests(), split.fit_record
    with pytest.raises(DataError, match="do not hold the data frame"):
        marginal_means(fit, tests, None, "dose")


def test_a_refit_holds_the_data(oats, split):
    again = split.refit(oats["y"] + 1.0).emmeans("dose").table
    np.testing.assert_allclose(again["mean"], split.emmeans("dose").table["mean"] + 1)


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
