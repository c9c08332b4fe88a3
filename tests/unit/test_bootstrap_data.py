"""Data of the results that a bootstrap statistic is called with."""

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"

NITRO = "yield ~ C(nitro) + Variety + (1 | Block/Variety)"


class Seen:
    """A statistic that keeps the results it is called with."""

    def __init__(self):
        self.results = []

    def __call__(self, results):
        self.results.append(results)
        return 0.0

    @property
    def draw(self):
        return self.results[-1]


def drawn_results(res, kind, n=1, **arguments):
    seen = Seen()
    boot = res.bootstrap(n, kind, rng=1, statistic=seen, **arguments)
    assert boot.n_failed == 0
    return seen.draw


@pytest.fixture(scope="module")
def oats():
    return smm.lmm(NITRO, smm.datasets.load("oats")).fit()


@pytest.mark.parametrize("kind", ["parametric", "residual", "case"])
def test_statistics_of_results_that_need_the_data(oats, kind):
    data = smm.datasets.load("oats")

    def figures(r):
        return {
            "mean": r.emmeans("Variety").table["mean"].iloc[0],
            "anova": r.anova().iloc[0, 0],
            "r2": r.r2().marginal,
            "predict": r.predict(data.head(1)).iloc[0],
        }

    boot = oats.bootstrap(3, kind, rng=1, statistic=figures)
    assert boot.n_failed == 0
    # means of balanced data, and the fit of the same data by the formula
    draw = drawn_results(oats, kind, 3)
    again = smm.lmm(NITRO, draw.model.data.frame).fit()
    expected = pd.Series(figures(again))
    np.testing.assert_allclose(boot.draws.iloc[2], expected, rtol=1e-4)


@pytest.mark.parametrize("kind", ["parametric", "residual"])
def test_draws_have_the_data_with_their_response(kind):
    data = smm.datasets.load("sleepstudy").rename(index=lambda i: f"r{i}")
    data.loc["r5", "Reaction"] = np.nan
    before = data.copy()
    for arguments in ({}, {"subset": data.Days > 0}):
        res = smm.lmm("Reaction ~ Days + (1 | Subject)", data, **arguments).fit()
        draw = drawn_results(res, kind)
        frame, design = draw.model.data.frame, draw.model.design
        used = frame.loc[design.row_labels, "Reaction"]
        np.testing.assert_array_equal(used, design.endog)
        assert not np.isclose(used, before.loc[used.index, "Reaction"]).any()
        rest = frame.drop(columns="Reaction")
        pd.testing.assert_frame_equal(rest, before.loc[frame.index, rest.columns])
        assert np.isnan(frame.loc["r5", "Reaction"])
    pd.testing.assert_frame_equal(data, before)


def test_rows_that_cannot_be_told_apart_keep_the_data():
    data = smm.datasets.load("sleepstudy")
    data.index = np.zeros(180, dtype=int)
    res = smm.lmm(
        "Reaction ~ Days + (1 | Subject)", data, subset=data.Days.to_numpy() > 0
    ).fit()
    assert drawn_results(res, "parametric").model.data.frame is res.model.data.frame
    assert drawn_results(res, "case").model.data.frame is None
    # repeated labels alone do not matter
    res = smm.lmm("Reaction ~ Days + (1 | Subject)", data).fit()
    draw = drawn_results(res, "parametric")
    np.testing.assert_array_equal(draw.model.data.frame.Reaction, draw.model.endog)
    draw = drawn_results(res, "case")
    np.testing.assert_array_equal(draw.model.data.frame.Reaction, draw.model.endog)


def test_responses_are_as_the_user_gave_them():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"g": np.repeat(np.arange(12), 8), "x": rng.normal(size=96)})
    hit = rng.random(96) < 1 / (1 + np.exp(-frame.x))
    frame["text"], frame["flag"] = np.where(hit, "yes", "no"), hit
    frame["kind"] = frame.text.astype("category")
    frame["share"], frame["of"] = rng.binomial(4, 0.5, 96) / 4, 4
    for name in ("text", "flag", "kind", "share"):
        trials = {"n_trials": "of"} if name == "share" else {}
        res = smm.glmm(f"{name} ~ x + (1 | g)", frame, "binomial", **trials).fit()
        draw = drawn_results(res, "parametric")
        own = draw.model.data.frame
        assert own[name].dtype == frame[name].dtype
        again = smm.glmm(f"{name} ~ x + (1 | g)", own, "binomial", **trials)
        np.testing.assert_allclose(again.endog, draw.model.endog)
    # of two columns nothing can be replaced
    herds = smm.glmm(CBPP, smm.datasets.load("cbpp"), "binomial").fit()
    pair = drawn_results(herds, "parametric").model.data.frame
    assert pair is herds.model.data.frame


def test_cases_have_the_rows_that_were_drawn():
    data = smm.datasets.load("sleepstudy")
    data = data[(data.index % 7 != 0).tolist()].assign(w=1.0 + data.Days % 2)
    res = smm.lmm("Reaction ~ Days + (1 | Subject)", data, weights="w").fit()
    draw = drawn_results(res, "case")
    frame, design = draw.model.data.frame, draw.model.design
    assert len(frame) == design.nobs == design.nobs_given
    np.testing.assert_array_equal(frame.index, design.row_labels)
    np.testing.assert_array_equal(frame.Reaction, design.endog)
    np.testing.assert_array_equal(frame.w, design.weights)
    grouping = design.terms[0].grouping
    np.testing.assert_array_equal(frame.Subject, grouping.levels[grouping.codes])
    assert frame.Subject.str.contains("#2").any()
    # known levels are found again
    np.testing.assert_allclose(
        draw.predict(frame, random="conditional"), draw.fittedvalues, rtol=1e-9
    )


@pytest.mark.parametrize(
    ("name", "formula", "cluster"),
    [
        ("pastes", "strength ~ 1 + (1 | batch / cask)", None),
        ("pastes", "strength ~ 1 + (1 | batch) + (1 | sample)", None),
        ("oats", NITRO, None),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "sample"),
    ],
)
def test_levels_of_drawn_rows_are_known(name, formula, cluster):
    res = smm.lmm(formula, smm.datasets.load(name)).fit()
    draw = drawn_results(res, "case", cluster=cluster)
    found = draw.predict(draw.model.data.frame, random="conditional")
    np.testing.assert_allclose(found, draw.fittedvalues, rtol=1e-9)


def test_intervals_by_the_jackknife_of_means(oats):
    boot = oats.bootstrap(
        40, rng=1, statistic=lambda r: r.emmeans("Variety").table["mean"].values
    )
    table = boot.conf_int(method="BCa")
    assert (table.lower < boot.estimates).all() and (boot.estimates < table.upper).all()


def test_factors_of_the_fixed_effects_keep_their_levels(oats):
    frame = drawn_results(oats, "case").model.data.frame
    assert set(frame.Variety) == set(smm.datasets.load("oats").Variety)
    assert frame.Block.str.contains("#").any()


def test_models_from_arrays_have_no_data():
    data = smm.datasets.load("sleepstudy")
    exog = np.column_stack([np.ones(180), data.Days])
    model = smm.LMM(data.Reaction.to_numpy(), exog, random=[data.Subject.to_numpy()])
    assert drawn_results(model.fit(), "case").model.data.frame is None
