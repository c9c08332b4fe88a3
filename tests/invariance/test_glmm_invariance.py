"""The same responses in another dress give the same fit, up to what must change."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

import statsmodels_mixed as smm
from statsmodels_mixed.families import Binomial

MODELS = {
    "cbpp": ("cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial"),
    "contraception": ("use ~ age + I(age**2) + urban + (urban | district)", "binomial"),
    "grouseticks": ("TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX)", "poisson"),
}


@cache
def data(name):
    return smm.datasets.load(name)


def fit(formula, frame, family, **kwargs):
    return smm.glmm(formula, frame, family=family, **kwargs).fit()


@cache
def expected(name):
    formula, family = MODELS[name]
    return fit(formula, data(name), family)


@cache
def counts():
    """Counts, successes and groups of a moderate size."""
    rng = np.random.default_rng(3)
    n, m = 300, 25
    g, x = rng.integers(0, m, n), rng.normal(size=n)
    eta = 0.3 + 0.4 * x + rng.normal(size=(m, 2))[g] @ [0.6, 0.0]
    eta += 0.4 * x * rng.normal(size=m)[g]
    return pd.DataFrame(
        {
            "g": g,
            "c": rng.integers(0, 8, n),
            "x": x,
            "y": rng.poisson(np.exp(eta)).astype(float),
            "e": rng.uniform(0.5, 3.0, n),
            "b": rng.binomial(1, 1 / (1 + np.exp(-eta))).astype(float),
            "p": rng.gamma(3.0, np.exp(eta) / 3.0),
            "w": rng.integers(1, 4, n),
        }
    )


def assert_same(a, b, slopes=None, llf=0.0):
    """Deviances to 1e-9; estimates to 1e-4 standard errors (1e-6 seen)."""
    np.testing.assert_allclose(a.llf, b.llf + llf, rtol=1e-9)
    assert a.converged and b.converged and bool(a.singular) == bool(b.singular)
    factor = np.ones(len(b.params)) if slopes is None else np.asarray(slopes)
    beta, bse = factor * b.params.to_numpy(), np.abs(factor) * b.bse.to_numpy()
    np.testing.assert_allclose(a.params.to_numpy() / bse, beta / bse, atol=1e-4)
    np.testing.assert_allclose(a.bse, bse, rtol=1e-5)
    np.testing.assert_allclose(a.dispersion, b.dispersion, rtol=1e-5)


# ---- rows, labels, terms --------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_permuted_rows(name):
    formula, family = MODELS[name]
    order = np.random.default_rng(0).permutation(len(data(name)))
    got = fit(formula, data(name).iloc[order], family)
    assert_same(got, expected(name))
    np.testing.assert_allclose(
        got.fittedvalues.sort_index(), expected(name).fittedvalues, rtol=1e-4
    )


@pytest.mark.parametrize("name", MODELS)
def test_relabelled_groups(name):
    formula, family = MODELS[name]
    frame = data(name).copy()
    for group in expected(name).ngroups:
        codes = pd.factorize(frame[group])[0]
        frame[group] = [f"level {(c * 7919) % 100_003}" for c in codes]
    got = fit(formula, frame, family)
    assert_same(got, expected(name))
    for group, modes in expected(name).random_effects.items():
        np.testing.assert_allclose(
            np.sort(got.random_effects[group], axis=0),
            np.sort(modes, axis=0),
            atol=1e-4,
        )


def test_order_of_the_levels_of_a_fixed_factor():
    formula, family = MODELS["cbpp"]
    frame = data("cbpp").copy()
    frame["period"] = frame.period.cat.reorder_categories(list("3124"))
    got, before = fit(formula, frame, family), expected("cbpp")
    np.testing.assert_allclose(got.llf, before.llf, rtol=1e-10)
    np.testing.assert_allclose(got.fittedvalues, before.fittedvalues, rtol=1e-5)
    np.testing.assert_allclose(
        got.params["period[T.1]"], -before.params["period[T.3]"], rtol=1e-5
    )


def test_order_of_terms():
    frame, texts = counts(), ["x", "(x | g)", "(1 | c)"]
    fits = [
        fit("y ~ " + " + ".join(texts[i] for i in order), frame, "poisson")
        for order in [(0, 1, 2), (2, 0, 1), (1, 2, 0)]
    ]
    for other in fits[1:]:
        assert_same(other, fits[0])
        for group, modes in fits[0].random_effects.items():
            np.testing.assert_allclose(other.random_effects[group], modes, atol=1e-4)


@pytest.mark.parametrize("family,left", [("poisson", "y"), ("gamma", "p")])
def test_separate_terms_are_the_double_bar(family, left):
    a = fit(f"{left} ~ x + (1 | g) + (0 + x | g)", counts(), family)
    b = fit(f"{left} ~ x + (x || g)", counts(), family)
    assert_same(a, b)
    np.testing.assert_allclose(a.varcorr().vcov, b.varcorr().vcov, rtol=1e-4)


# ---- ways to say the same -------------------------------------------------------


def test_trials_are_repeated_rows():
    """Up to the number of ways to order successes and failures."""
    frame = data("cbpp")
    n, s = frame["size"].to_numpy(), frame.incidence.to_numpy()
    rows = np.repeat(np.arange(len(frame)), n)
    single = frame.iloc[rows].reset_index(drop=True)
    first = np.concatenate([[0], np.cumsum(n)[:-1]])
    single["ill"] = (np.arange(len(rows)) - first[rows] < s[rows]) * 1.0
    got = fit("ill ~ period + (1 | herd)", single, "binomial")
    ways = (gammaln(n + 1) - gammaln(s + 1) - gammaln(n - s + 1)).sum()
    assert_same(expected("cbpp"), got, llf=ways)
    np.testing.assert_allclose(
        got.cov_re["herd"], expected("cbpp").cov_re["herd"], 1e-4
    )
    rates = frame.assign(rate=s / n)
    for trials in ({"n_trials": "size"}, {"weights": "size"}):
        again = fit("rate ~ period + (1 | herd)", rates, "binomial", **trials)
        assert_same(again, expected("cbpp"))


@pytest.mark.parametrize("family,left", [("binomial", "b"), ("poisson", "y")])
def test_weight_two_is_a_repeated_row(family, left):
    frame = counts()
    rows = np.repeat(np.arange(len(frame)), frame.w)
    formula = f"{left} ~ x + (x | g)"
    weighted = fit(formula, frame, family, weights="w")
    repeated = fit(formula, frame.iloc[rows].reset_index(drop=True), family)
    assert_same(weighted, repeated)


def test_equal_weights_scale_a_dispersion():
    a = fit("p ~ x + (1 | g)", counts(), "gamma", weights=np.full(300, 4.0))
    b = fit("p ~ x + (1 | g)", counts(), "gamma")
    np.testing.assert_allclose(a.dispersion, 4.0 * b.dispersion, rtol=1e-5)
    np.testing.assert_allclose(a.params, b.params, rtol=1e-5)
    np.testing.assert_allclose(a.llf, b.llf, rtol=1e-10)


def test_an_exposure_is_the_offset_of_its_logarithm():
    frame = counts().assign(log_e=np.log(counts().e))
    ways = [
        fit("y ~ x + (1 | g)", frame, "poisson", exposure="e"),
        fit("y ~ x + (1 | g)", frame, "poisson", offset="log_e"),
        fit("y ~ x + (1 | g) + offset(np.log(e))", frame, "poisson"),
        fit("y ~ x + (1 | g)", frame, "poisson", exposure=frame.e.to_numpy()),
    ]
    for other in ways[1:]:
        assert_same(other, ways[0])
    # a constant exposure moves the intercept alone
    hundred = fit("y ~ x + (1 | g)", frame, "poisson", exposure=np.full(300, 100.0))
    plain = fit("y ~ x + (1 | g)", frame, "poisson")
    moved = hundred.params["Intercept"] + np.log(100.0)
    np.testing.assert_allclose(moved, plain.params["Intercept"], rtol=1e-5)
    np.testing.assert_allclose(hundred.llf, plain.llf, rtol=1e-10)


@pytest.mark.parametrize("link", ["logit", "probit", "cauchit"])
def test_the_other_event_turns_the_signs(link):
    frame = counts().assign(other=1.0 - counts().b)
    a = fit("b ~ x + (x | g)", frame, Binomial(link))
    b = fit("other ~ x + (x | g)", frame, Binomial(link))
    assert_same(a, b, slopes=-np.ones(2))
    np.testing.assert_allclose(a.cov_re["g"], b.cov_re["g"], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(a.fittedvalues, 1.0 - b.fittedvalues, atol=1e-5)


def test_cloglog_of_one_event_is_loglog_of_the_other():
    frame = counts().assign(other=1.0 - counts().b)
    a = fit("b ~ x + (1 | g)", frame, Binomial("cloglog"))
    b = fit("other ~ x + (1 | g)", frame, Binomial("loglog"))
    assert_same(a, b, slopes=-np.ones(2))


def test_classes_are_zero_and_one():
    frame = counts()
    words = np.where(frame.b == 1, "yes", "no")
    expected = fit("b ~ x + (1 | g)", frame, "binomial")
    kinds = [words, pd.Categorical(words, ["no", "yes"]), frame.b == 1]
    for values in kinds:
        assert_same(
            fit("v ~ x + (1 | g)", frame.assign(v=values), "binomial"), expected
        )
    turned = frame.assign(v=pd.Categorical(words, ["yes", "no"]))
    other = fit("v ~ x + (1 | g)", turned, "binomial")
    assert_same(other, expected, slopes=-np.ones(2))


# ---- units ----------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e-6, 1e6, -3.0])
@pytest.mark.parametrize("family,left", [("binomial", "b"), ("negative_binomial", "y")])
def test_scaled_covariate(unit, family, left):
    formula = f"{left} ~ x + (x | g)"
    got = fit(formula, counts().assign(x=counts().x * unit), family)
    before = fit(formula, counts(), family)
    assert_same(got, before, slopes=[1.0, 1.0 / unit])
    sd = np.sqrt(np.diag(got.cov_re["g"])) * [1.0, abs(unit)]
    np.testing.assert_allclose(sd, np.sqrt(np.diag(before.cov_re["g"])), rtol=1e-3)


@pytest.mark.parametrize("shift", [50.0, 1e6])
@pytest.mark.parametrize("family,left", [("binomial", "b"), ("poisson", "y")])
def test_shifted_covariate(shift, family, left):
    formula = f"{left} ~ x + (x | g)"
    before = fit(formula, counts(), family)
    got = fit(formula, counts().assign(x=counts().x + shift), family)
    np.testing.assert_allclose(got.llf, before.llf, rtol=1e-9)
    np.testing.assert_allclose(got.params["x"], before.params["x"], rtol=1e-4)
    np.testing.assert_allclose(got.bse["x"], before.bse["x"], rtol=1e-4)
    np.testing.assert_allclose(got.fittedvalues, before.fittedvalues, rtol=1e-4)
    assert got.converged


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("family", ["gamma", "inverse_gaussian"])
def test_scaled_positive_response(family, scale):
    """Under a log link the intercept moves; a dispersion without unit stays."""
    before = fit("p ~ x + (1 | g)", counts(), family)
    got = fit("p ~ x + (1 | g)", counts().assign(p=counts().p * scale), family)
    np.testing.assert_allclose(got.llf, before.llf - 300 * np.log(scale), rtol=1e-8)
    shift = [np.log(scale), 0.0]
    np.testing.assert_allclose(got.params - shift, before.params, atol=1e-4)
    np.testing.assert_allclose(got.bse, before.bse, rtol=1e-4)
    unit = 1.0 if family == "gamma" else 1.0 / scale
    np.testing.assert_allclose(got.dispersion, before.dispersion * unit, rtol=1e-4)


# ---- arrays and optimisers ------------------------------------------------------


def test_arrays_are_the_formula():
    frame = counts()
    x = np.column_stack([np.ones(300), frame.x])
    arrays = smm.GLMM(frame.y, x, [(frame.g, x), frame.c], family="poisson").fit()
    assert_same(arrays, fit("y ~ x + (x | g) + (1 | c)", frame, "poisson"))


@pytest.mark.parametrize("nagq", [0, 1])
@pytest.mark.parametrize("family,left", [("binomial", "b"), ("negative_binomial", "y")])
def test_optimiser_and_start_do_not_matter(family, left, nagq):
    model = smm.glmm(f"{left} ~ x + (x | g)", counts(), family=family)
    first = model.fit(nagq=nagq)
    others = [model.fit(nagq=nagq, start=[s * np.eye(2)]) for s in (0.01, 4.0)]
    others.append(model.fit(nagq=nagq, optimizer="lbfgs"))
    for other in others:
        np.testing.assert_allclose(other.llf, first.llf, rtol=1e-8)
        np.testing.assert_allclose(other.params, first.params, atol=2e-3)


@pytest.mark.parametrize("unit", [1e-8, 1e7])
@pytest.mark.parametrize(
    "family",
    [
        smm.families.Gaussian(),
        smm.families.Gaussian("log"),
        smm.families.Gamma("identity"),
        smm.families.Gamma("inverse"),
        smm.families.InverseGaussian("log"),
    ],
    ids=lambda f: f"{f.name}-{f.link.name}",
)
def test_units_of_the_response(family, unit):
    """Thresholds and floors must not know in which unit the response came."""
    data = smm.datasets.load("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    one = smm.glmm(formula, data, family=family).fit()
    scaled = data.assign(Reaction=data.Reaction * unit)
    other = smm.glmm(formula, scaled, family=family).fit()
    assert one.converged and other.converged and not other.singular
    assert other.llf + len(data) * np.log(unit) == pytest.approx(one.llf, abs=1e-6)
    # under a log link the unit shifts the intercept
    np.testing.assert_allclose(other.tvalues["Days"], one.tvalues["Days"], rtol=1e-4)


def test_no_more_evaluations_than_allowed():
    data = smm.datasets.load("contraception")
    model = smm.glmm("use ~ age + urban + (urban | district)", data, family="binomial")
    with pytest.warns(smm.errors.ConvergenceWarning, match="max_iter"):
        res = model.fit(max_iter=3)
    # one more than allowed: each of the two stages needs one at least
    assert res.convergence.n_evaluations <= 3 + 2
    assert not res.converged
