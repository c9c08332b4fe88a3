"""Principal components of random effects: lme4's figures, and what each is worth."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
import reference.loader

import statsmodels_mixed as smm
from statsmodels_mixed.diagnostics.re_pca import components
from statsmodels_mixed.errors import ComparisonError, DataError

PATH = Path(reference.loader.__file__).with_name("re_pca.json")
GOLDS = json.loads(PATH.read_text("utf-8"))
FIGURES = ["sd", "proportion", "cumulative", "cost"]


def fitted(formula, data, **arguments):
    maker = smm.glmm if "cbind" in formula else smm.lmm
    return maker(formula, data).fit(**arguments)


@pytest.fixture
def sleep():
    return smm.datasets.load("sleepstudy")


@pytest.mark.parametrize("gold", GOLDS, ids=lambda g: f"{g['formula'][0]} {g['group']}")
def test_components_are_those_of_lme4(gold):
    (name,), (formula,), (group,) = gold["data"], gold["formula"], gold["group"]
    res = fitted(formula, smm.datasets.load(name))
    tables = {frozenset(k.split(":")): v for k, v in res.re_pca().tables.items()}
    table = tables[frozenset(group.split(":"))]
    # lme4's optimum of a generalized model is rougher
    rtol = 5e-5 if "cbind" in formula else 5e-6
    np.testing.assert_allclose(table.sd, gold["sdev"], rtol=rtol)
    loadings = table.drop(columns=FIGURES).to_numpy().T
    rotation = np.array(gold["rotation"])
    rotation = rotation * np.sign((rotation * loadings).sum(axis=0))
    np.testing.assert_allclose(loadings, rotation, atol=2e-5)
    squares = np.array(gold["sdev"]) ** 2
    share = squares / squares.sum() if squares.any() else squares
    np.testing.assert_allclose(table.proportion, share, atol=1e-5)
    np.testing.assert_allclose(table.cumulative, np.cumsum(share), atol=1e-5)


@pytest.mark.parametrize("scaled", [False, True])
def test_cost_is_the_deviance_without_the_component(sleep, scaled):
    model = smm.lmm("Reaction ~ Days + (Days | Subject)", sleep)
    res = model.fit()
    size = np.diag([1.0, np.sqrt((sleep.Days**2).mean()) if scaled else 1.0])
    values, vectors = np.linalg.eigh(size @ res.relative_covariances[0] @ size)
    table = res.re_pca(scaled=scaled).tables["Subject"]
    np.testing.assert_allclose(table.sd, np.sqrt(values[::-1]))
    inverse = np.linalg.inv(size)
    for cost, i in zip(table.cost, (1, 0), strict=True):
        kept = inverse @ vectors[:, 1 - i]
        rest = values[1 - i] * np.outer(kept, kept)
        assert cost == pytest.approx(model.deviance_at([rest]) - res.deviance)


def test_refitted_cost_is_that_of_the_smaller_model(sleep):
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", sleep).fit()
    table = res.re_pca(scaled=True, refit=True).tables["Subject"]
    size = np.array([1.0, np.sqrt((sleep.Days**2).mean())])
    for i in (0, 1):
        other = table[["Intercept", "Days"]].iloc[1 - i].to_numpy() / size
        sleep["other"] = other[0] + other[1] * sleep.Days
        smaller = smm.lmm("Reaction ~ Days + (0 + other | Subject)", sleep).fit()
        lost = smaller.deviance - res.deviance
        assert table.cost_refit.iloc[i] == pytest.approx(lost, abs=1e-6)
    assert (table.cost >= table.cost_refit).all() and (table.cost_refit > 0).all()
    assert table.df.tolist() == [2, 2]


@pytest.mark.parametrize("ml", [False, True])
def test_an_independent_effect_is_dropped_alone(sleep, ml):
    res = smm.lmm("Reaction ~ Days + (Days || Subject)", sleep).fit(reml=not ml)
    table = res.re_pca(refit=True).tables["Subject"]
    dropped = {"Days": "1", "Intercept": "0 + Days"}
    for effect, rest in dropped.items():
        formula = f"Reaction ~ Days + ({rest} | Subject)"
        smaller = smm.lmm(formula, sleep).fit(reml=not ml)
        row = table[table[effect] == 1.0].iloc[0]
        lost = smaller.deviance - res.deviance
        assert row.cost_refit == pytest.approx(lost, abs=1e-6)
        assert row.df == 1


def test_only_component_is_dropped_with_its_term():
    data = smm.datasets.load("pastes")
    res = smm.lmm("strength ~ 1 + (1 | batch/cask)", data).fit()
    tables = res.re_pca(refit=True).tables
    ranova = res.ranova()
    for group in ("batch", "batch:cask"):
        lrt = ranova.lrt[f"(1 | {group})"]
        assert tables[group].cost_refit.iloc[0] == pytest.approx(lrt, abs=1e-6)


def test_terms_of_one_factor_are_blocks(sleep):
    formula = "Reaction ~ Days + (0 + Days | Subject) + (1 | Subject)"
    blocks = smm.lmm(formula, sleep).fit().re_pca().tables
    one = smm.lmm("Reaction ~ Days + (Days || Subject)", sleep).fit().re_pca().tables
    assert list(blocks) == ["Subject"]
    table = blocks["Subject"][one["Subject"].columns]
    np.testing.assert_allclose(table, one["Subject"], rtol=1e-6, atol=1e-9)


def test_a_singular_component_costs_nothing():
    data = smm.datasets.load("cake")
    res = smm.lmm("angle ~ recipe * temp + (temp | recipe:replicate)", data).fit()
    assert res.singular
    table = res.re_pca(refit=True).tables["recipe:replicate"]
    assert table.sd.iloc[1] == table.cost.iloc[1] == 0.0
    assert table.cost_refit.iloc[1] == pytest.approx(0.0, abs=1e-6)
    assert table.cost.iloc[0] > 1


def test_scaled_components_do_not_depend_on_units(sleep):
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", sleep).fit()
    sleep["Seconds"] = 86400.0 * sleep.Days
    other = smm.lmm("Reaction ~ Seconds + (Seconds | Subject)", sleep).fit()
    scaled = [r.re_pca(scaled=True).tables["Subject"] for r in (res, other)]
    np.testing.assert_allclose(*scaled, rtol=1e-6)
    plain = other.re_pca().tables["Subject"]
    assert plain.proportion.iloc[1] < 1e-10  # though the slope matters as much


def test_effects_of_one_variance_stand_or_fall_together(sleep):
    model = smm.lmm("Reaction ~ Days + homdiag(Days | Subject)", sleep)
    res = model.fit()
    table = res.re_pca(refit=True).tables["Subject"]
    without = model.deviance_at([np.zeros((2, 2))]) - res.deviance
    np.testing.assert_allclose(table.cost, without)
    np.testing.assert_allclose(table.cost_refit, without)
    assert table.df.tolist() == [1, 1]


def test_cost_of_a_generalized_model():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    model = smm.glmm(formula, data)
    res = model.fit()
    table = res.re_pca(refit=True).tables["herd"]
    without = model.loglike(res.params, [np.zeros((1, 1))])
    assert table.cost.iloc[0] == pytest.approx(2 * (res.llf - without))
    smaller = smm.glmm(formula.replace(" + (1 | herd)", ""), data).fit()
    lost = 2 * (res.llf - smaller.llf)
    assert table.cost_refit.iloc[0] == pytest.approx(lost, abs=1e-6)
    assert table.sd.iloc[0] == pytest.approx(np.sqrt(res.cov_re["herd"].iloc[0, 0]))


def test_quasi_likelihood_has_no_cost():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    res = smm.glmm(formula, data).fit(method="pql")
    table = res.re_pca().tables["herd"]
    assert np.isnan(table.cost.iloc[0]) and table.sd.iloc[0] > 0
    with pytest.raises(ComparisonError):
        res.re_pca(refit=True)


def test_components_make_up_the_covariance():
    data = smm.datasets.load("machines")
    fit = smm.lmm("score ~ Machine + (Machine | Worker)", data).fit().fit_record
    cov = fit.relative_covariances[0]
    found = components(fit, 0)
    assert all(c.loadings[np.argmax(np.abs(c.loadings))] > 0 for c in found)
    total = sum(c.sd**2 * np.outer(c.loadings, c.loadings) for c in found)
    np.testing.assert_allclose(total, cov, rtol=1e-10)
    for c in found:
        rest = cov - c.sd**2 * np.outer(c.loadings, c.loadings)
        np.testing.assert_allclose(c.rest, rest, atol=1e-10 * np.abs(cov).max())


def test_what_is_printed(sleep):
    pca = smm.lmm("Reaction ~ Days + (Days | Subject)", sleep).fit().re_pca()
    text = repr(pca)
    assert text.startswith("Random effects of Subject\n") and "PC2" in text
    with pytest.raises(FrozenInstanceError):
        pca.scaled = True
    none = smm.lmm("Reaction ~ Days", sleep).fit().re_pca()
    assert none.tables == {} and repr(none) == "No random effects."


def test_the_rows_are_needed(sleep):
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", sleep).fit()
    res.remove_data()
    with pytest.raises(DataError, match="re_pca"):
        res.re_pca()
