"""Marginal means, contrasts, slopes and joint tests against R's emmeans 1.8.4."""

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm

from .loader import golds, table

METHODS = {"kenward-roger": "kr", "satterthwaite": "satterthwaite", "asymptotic": "z"}
# columns here: what R calls them, and how near (relative) they must be
COLUMNS = {
    "mean": (("emmean",), 1e-6),
    "prob": (("prob",), 1e-6),
    "slope": (("age.trend",), 1e-6),
    "estimate": (("estimate",), 1e-6),
    "odds_ratio": (("odds.ratio",), 1e-6),
    "se": (("SE",), 1e-6),
    "df": (("df", "df2", "den_df"), 1e-4),
    "lower": (("lower.CL", "asymp.LCL"), 2e-6),
    "upper": (("upper.CL", "asymp.UCL"), 2e-6),
    "statistic": (("t.ratio", "z.ratio"), 2e-6),
    "pvalue": (("p.value",), 2e-5),
}


@pytest.fixture(scope="module")
def gold():
    return golds("inference")["emmeans"]


@pytest.fixture(scope="module")
def oats():
    return smm.lmm(
        'Q("yield") ~ Variety * C(nitro) + (1 | Block / Variety)', table("oats")
    ).fit()


@pytest.fixture(scope="module")
def orthodont():
    return smm.lmm("distance ~ Sex * age + (age | Subject)", table("orthodont")).fit()


@pytest.fixture(scope="module")
def cbpp():
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return smm.glmm(formula, table("cbpp"), family="binomial").fit()


def check(found, stored, se=1e-6):
    """Compare every column that both have; there must be some.

    `se` is the accuracy of R's optimum, of which means in balanced data are free.

    P-values below 1e-7 differ by the errors of quadrature, R's too.
    """
    compared = set()
    for name, (theirs, rtol) in COLUMNS.items():
        for key in set(theirs) & set(stored):
            if name not in found:
                continue
            loose = {"mean": 0, "estimate": 0, "slope": 0, "pvalue": 10 * se}
            rtol = max(rtol, loose.get(name, se))
            atol = 1e-10 if name == "pvalue" else 1e-7 * (name == "estimate")
            want = [float(str(v).replace("Inf", "inf")) for v in stored[key]]
            np.testing.assert_allclose(found[name], want, rtol, atol, err_msg=name)
            compared.add(name)
    assert {"se", "df"} <= compared


@pytest.mark.parametrize("r_name", METHODS)
def test_split_plot(gold, oats, r_name):
    stored, how = gold[r_name], METHODS[r_name]
    means = oats.emmeans("nitro", df_method=how)
    check(means.table, stored["emm_Nitro"])
    pairs = means.contrast("pairwise")
    check(pairs.table, stored["pairs_Nitro_tukey"])
    check(pairs.summary_frame("none"), stored["pairs_none"])
    check(means.contrast("poly").table, stored["poly"])
    check(means.contrast("treatment").table, stored["trt_vs_ctrl_dunnettx"])
    both = oats.emmeans("Variety", by="nitro", df_method=how)
    check(both.table, stored["emm_Variety_by_Nitro"])
    assert list(both.table["Variety"]) == stored["emm_Variety_by_Nitro"]["Variety"]
    levels = [name.split(" - ") for name in stored["pairs_Nitro_tukey"]["contrast"]]
    assert list(pairs.table["contrast"]) == [
        " - ".join(str(float(level.removeprefix("Nitro"))) for level in pair)
        for pair in levels
    ]


@pytest.mark.parametrize("r_name", METHODS)
def test_joint_tests(gold, oats, r_name):
    stored = gold[r_name]["joint_tests"]
    found = oats.joint_tests(df_method=METHODS[r_name])
    assert list(found.index) == ["Variety", "nitro", "Variety:nitro"]
    assert found["num_df"].tolist() == stored["df1"]
    df = [float(str(v).replace("Inf", "inf")) for v in stored["df2"]]
    np.testing.assert_allclose(found["den_df"], df, 1e-4)
    np.testing.assert_allclose(found["F"], stored["F.ratio"], atol=5e-4)  # R rounds
    np.testing.assert_allclose(found["pvalue"], stored["p.value"], 1e-6)


def test_covariate(gold, orthodont):
    stored = gold["ortho"]
    kr = {"df_method": "kenward-roger"}
    check(orthodont.emmeans("Sex", **kr).table, stored["emm_Sex"])
    at = orthodont.emmeans("Sex", by="age", at={"age": [8, 14]})
    check(at.table, stored["emm_at"], se=3e-6)
    trends = orthodont.emtrends("Sex", "age", **kr)
    check(trends.table, stored["emtrends"])
    check(trends.contrast().table, stored["emtrends_pairs"])


def test_logit(gold, cbpp):
    stored = gold["cbpp"]
    # standard errors of glmer come from a Hessian by differences
    check(cbpp.emmeans("period").table, stored["link"], se=1e-5)
    response = cbpp.emmeans("period", scale="response")
    check(response.table, stored["response"], se=1e-5)
    check(cbpp.emmeans("period").contrast().table, stored["pairs"], se=1e-5)
    check(response.contrast().table, stored["pairs_response"], se=1e-5)
    names = response.contrast().table["contrast"].tolist()
    assert names == stored["pairs_response"]["contrast"]


# ---- calls beyond the stored ones, from a session with R ---------------------------
# m <- lmer(mAch ~ sector*sx + minrty + ses + (1|school), hsb82)
# emmeans(m, "sector", weights = ..., lmer.df = "asymptotic")

HSB = {
    "equal": ([10.96723535, 13.269221418], [0.198234734, 0.213539815]),
    "proportional": ([11.617440294, 13.922192434], [0.191389525, 0.210313466]),
    "outer": ([11.617440294, 13.922192434], [0.191389525, 0.210313466]),
    "cells": ([11.688191351, 13.849787001], [0.191283141, 0.210206272]),
}


@pytest.fixture(scope="module")
def hsb():
    formula = "mAch ~ sector * sx + minrty + ses + (1 | school)"
    return smm.lmm(formula, table("hsb82")).fit()


@pytest.mark.parametrize("weights", HSB)
def test_weights(hsb, weights):
    found = hsb.emmeans("sector", weights=weights, df_method="normal").table
    assert found["sector"].tolist() == ["Public", "Catholic"]
    np.testing.assert_allclose(found[["mean", "se"]].T, HSB[weights], 1e-6)


# e <- emmeans(f, "nitro_f", lmer.df = "satterthwaite"); lower ends and p-values of
# summary(contrast(e, ...), infer = TRUE, adjust = ...)
ADJUSTED = {
    ("pairwise", "tukey"): (
        [-31.333253052, -46.666586385, -55.833253052, -27.166586385, -36.333253052],
        [3.76426e-04, np.nan, np.nan, 6.39016e-03, 9.245e-06, 0.179718947],
    ),
    ("pairwise", "holm"): (
        [-31.742361837, -47.07569517, -56.242361837, -27.57569517, -36.742361837],
        [1.99702e-04, np.nan, np.nan, 2.410094e-03, 6.333e-06, 0.044560718],
    ),
    ("pairwise", "sidak"): (
        [-31.70619268, -47.039526013, -56.20619268, -27.539526013, -36.70619268],
        [3.99337e-04, np.nan, np.nan, 7.208536e-03, 9.5e-06, 0.239290993],
    ),
    ("pairwise", "bonferroni"): (
        [-31.742361837, -47.07569517, -56.242361837, -27.57569517, -36.742361837],
        [3.99403e-04, np.nan, np.nan, 7.230283e-03, 9.5e-06, 0.267364306],
    ),
    ("pairwise", "fdr_by"): (
        [-31.742361837, -47.07569517, -56.242361837, -27.57569517, -36.742361837],
        [2.44634e-04, np.nan, np.nan, 3.542839e-03, 7.758e-06, 0.109173758],
    ),
    ("eff", None): (
        [-31.651455878, -12.151455878, 3.181877455, 12.348544122],
        [np.nan, 0.067799774, 6.24409e-04, np.nan],
    ),
    ("consecutive", None): (
        [8.499899555, 4.333232888, -1.833433779],
        [1.99688e-04, 3.610787e-03, 0.127813663],
    ),
}


@pytest.mark.parametrize(("method", "adjust"), ADJUSTED)
def test_adjusted_pvalues_and_intervals(oats, method, adjust):
    lower, pvalues = ADJUSTED[method, adjust]
    found = oats.emmeans("nitro").contrast(method, adjust=adjust).table
    np.testing.assert_allclose(found["lower"][: len(lower)], lower, 1e-5)
    shown = ~np.isnan(pvalues)  # the others are too small to be told in R's figures
    want = np.array(pvalues)[shown]
    np.testing.assert_allclose(found["pvalue"][shown], want, 2e-4)


def test_names_and_order_of_reversed_pairs(oats):
    # pairs(e, reverse = TRUE), contrast(e, "trt.vs.ctrlk", adjust = "BH")
    means = oats.emmeans("nitro", df_method="kenward-roger")
    found = means.pairs(reverse=True).table
    pd.testing.assert_frame_equal(found, means.contrast("revpairwise").table)
    np.testing.assert_allclose(
        found["estimate"], [19.5, 209 / 6, 46 / 3, 44, 24.5, 55 / 6], 1e-8
    )
    found = means.contrast("trt.vs.ctrlk").table
    assert found["contrast"].tolist() == ["0.0 - 0.6", "0.2 - 0.6", "0.4 - 0.6"]
    np.testing.assert_allclose(found["pvalue"][2], 0.1149, atol=5e-5)  # R rounds


def test_approximate_dunnett(oats):
    found = oats.emmeans("nitro").contrast("treatment", ref=0.2).table
    want = [-30.340060013, 4.49327332, 13.659939987]
    # R finds the quantile to 5e-4 only
    np.testing.assert_allclose(found["lower"], want, atol=3e-3)
    np.testing.assert_allclose(
        found["pvalue"], [1.95676e-4, 3.463267e-3, 4.706e-6], 2e-4
    )


def test_contrasts_of_contrasts(oats):
    means = oats.emmeans(["Variety", "nitro"], at={"nitro": [0.0, 0.6]})
    found = means.contrast(by="nitro").contrast(by="contrast").table
    np.testing.assert_allclose(found["estimate"], [-14 / 3, 13 / 6, 41 / 6], 1e-8)
    np.testing.assert_allclose(found["se"], 10.865329142, 1e-6)
    np.testing.assert_allclose(
        found["lower"], [-26.550562431, -19.717229098, -15.050562431], 1e-5
    )
    np.testing.assert_allclose(
        found["pvalue"], [0.669608434, 0.84283956, 0.532586513], 1e-5
    )


def test_empty_cell_is_not_estimable():
    data = table("oats")
    data = data[~((data["Variety"] == "Victory") & (data["nitro"] == 0.6))]
    with pytest.warns(smm.errors.RankDeficiencyWarning):
        model = smm.lmm('Q("yield") ~ Variety * C(nitro) + (1 | Block / Variety)', data)
    res = model.fit()
    cells = res.emmeans(["Variety", "nitro"], df_method="z").table
    assert np.isnan(cells.iloc[-1, 2:].astype(float)).all()
    np.testing.assert_allclose(cells["se"][:-1], 8.801462947, 1e-5)
    means = res.emmeans("nitro", df_method="z")
    np.testing.assert_allclose(
        means.table["mean"], [79.388888889, 98.888888889, 114.222222222, np.nan], 1e-8
    )
    np.testing.assert_allclose(means.table["se"][:3], 6.972728251, 1e-5)
    assert "1 of 4 are not estimable" in means.notes[-1]
    # of the hypotheses, what can be told is tested: R's note "e"
    found = res.joint_tests(df_method="z")
    assert found["num_df"].tolist() == [1, 2, 5]
    np.testing.assert_allclose(found["F"], [0.673, 30.512, 0.330], atol=6e-4)
    np.testing.assert_allclose(
        found["pvalue"].iloc[[0, 2]], [0.411908662, 0.895443597], 1e-5
    )
    assert (found["note"] == "partly not estimable").all()


def test_logarithm_of_the_response():
    data = table("oats").rename(columns={"yield": "y"})
    res = smm.lmm("np.log(y) ~ Variety + C(nitro) + (1 | Block / Variety)", data).fit()
    means = res.emmeans("nitro", scale="response")
    found = means.table
    np.testing.assert_allclose(
        found["response"],
        [77.260319416, 96.625917273, 112.234735979, 121.40706532],
        1e-8,
    )
    np.testing.assert_allclose(
        found["lower"], [66.053011907, 82.609454793, 95.954073294, 103.795873376], 1e-5
    )
    ratios = means.contrast().table
    np.testing.assert_allclose(ratios["ratio"][:2], [0.799581744, 0.688381531], 1e-8)
    np.testing.assert_allclose(ratios["se"][:2], [0.035118478, 0.030234446], 1e-5)
    np.testing.assert_allclose(ratios["lower"][:2], [0.711548005, 0.612590906], 1e-5)


def test_offsets():
    data = table("orthodont").copy()
    data["w"] = np.tile([1.0, 2.0, 3.0], 36)
    data["x2"] = np.tile([0.0, 1.0], 54)
    data["off"] = data["age"] / 3
    formula = "distance ~ Sex + x2 + age + offset(off) + (1 | Subject)"
    res = smm.lmm(formula, data, weights="w").fit()
    found = res.emmeans("Sex", df_method="z").table
    np.testing.assert_allclose(found["mean"], [25.06536391, 22.707133508], 1e-7)
    np.testing.assert_allclose(found["se"], [0.48300692, 0.581840476], 1e-6)
    found = res.emmeans("Sex", df_method="z", offset=2.0).table
    np.testing.assert_allclose(found["mean"], [23.398697243, 21.040466842], 1e-7)
    for offset in ("off", data["off"].to_numpy()):  # an array: at its mean
        res = smm.lmm("distance ~ Sex + age + (1 | Subject)", data, offset=offset).fit()
        found = res.emmeans("Sex").table
        np.testing.assert_allclose(found["mean"], [24.96875, 22.647727273], 1e-7)


@pytest.mark.parametrize(
    ("weights", "mean", "se"),
    [
        ("proportional", [-2.274543395, -2.312309346], [0.317926669, 0.285673992]),
        ("cells", [-2.236964283, -2.34049368], [0.315428194, 0.287413519]),
    ],
)
def test_rows_not_trials_are_counted(weights, mean, se):
    data = table("cbpp").copy()
    data["big"] = np.where(data["herd"].astype(int) % 2 == 0, "even", "odd")
    formula = "cbind(incidence, size - incidence) ~ period + big + (1 | herd)"
    res = smm.glmm(formula, data, family="binomial").fit()
    found = res.emmeans("big", weights=weights).table
    np.testing.assert_allclose(found["mean"], mean, 1e-6)
    np.testing.assert_allclose(found["se"], se, 1e-5)


def test_covariates_in_joint_tests():
    formula = "distance ~ Sex * (age + I(age**2)) + (1 | Subject)"
    res = smm.lmm(formula, table("orthodont")).fit()
    found = res.joint_tests()
    want = pd.DataFrame(
        {
            "den_df": [31.65, 77.0, 77.0],
            "F": [6.784, 107.486, 6.252],
            "pvalue": [0.01388904, 2.890930e-16, 0.014529958],
        },
        index=["Sex", "age", "Sex:age"],
    )
    pd.testing.assert_frame_equal(
        found[["den_df", "F"]], want[["den_df", "F"]], rtol=1e-3, check_names=False
    )
    np.testing.assert_allclose(found["pvalue"], want["pvalue"], 1e-5)
