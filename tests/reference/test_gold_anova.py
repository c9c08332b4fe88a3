"""Analysis of variance, deletions and likelihood ratios against lmerTest and lme4."""

import re
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

import statsmodels_mixed as smm

from .loader import coefficient_key, golds, group_key, table

CASES = [name for name in golds("inference") if name.startswith("infer_")]
ANOVA = {
    "sum_sq": "Sum Sq",
    "mean_sq": "Mean Sq",
    "num_df": "NumDF",
    "den_df": "DenDF",
    "F": "F value",
}
METHODS = {"satt": "satterthwaite", "kr": "kenward-roger"}
# lme4's REML optima in these files are good to about 1e-5 of a variance
CLOSE = 1e-4


def rows_of(gold, data):
    """Leave out the rows that R left out: ``d[-c(1:6, 40), ]``."""
    found = re.search(r"-c\((.*?)\), \]", gold.get("note") or "")
    dropped = []
    for part in found[1].split(",") if found else ():
        first, _, last = part.partition(":")
        dropped += range(int(first) - 1, int(last or first))
    return data.drop(index=data.index[dropped])


@cache
def case(name):
    gold = golds("inference")[name]
    data = table(gold["data"].removeprefix("data/").removesuffix(".csv").lower())
    formula = gold.get("formula_py", gold["formula"])
    formula = re.sub(r"^yield\b", "Q('yield')", formula)
    return SimpleNamespace(gold=gold, res=smm.lmm(formula, rows_of(gold, data)).fit())


def by_key(table):
    return table.set_axis([coefficient_key(name) for name in table.index])


@pytest.mark.parametrize("kind", ["I", "II", "III"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_one_row_per_term(name, method, kind):
    gold, res = case(name).gold, case(name).res
    stored = gold[f"anova_{method}_{kind}"]
    found = by_key(res.anova(kind, METHODS[method]))
    terms = [coefficient_key(term) for term in stored.get(".rownames", ())]
    assert list(found.index) == terms
    for ours, theirs in ANOVA.items():
        assert found[ours].to_numpy() == pytest.approx(stored[theirs], rel=CLOSE)
    # a p-value of 1e-20 moves with the optimum; its logarithm does not
    with np.errstate(divide="ignore"):
        ours, theirs = np.log(found["pvalue"]), np.log(stored["Pr(>F)"])
    assert ours.to_numpy() == pytest.approx(theirs, rel=CLOSE, abs=CLOSE)


@pytest.mark.parametrize("name", [n for n in CASES if n != "infer_penicillin"])
def test_drop1_by_f(name):
    stored, res = case(name).gold["drop1_satt"], case(name).res
    found = by_key(res.drop1()).sort_index()
    order = np.argsort([coefficient_key(term) for term in stored[".rownames"]])
    assert list(found.index) == sorted(map(coefficient_key, stored[".rownames"]))
    for ours, theirs in ANOVA.items():
        expected = np.array(stored[theirs])[order]
        assert found[ours].to_numpy() == pytest.approx(expected, rel=CLOSE)


@pytest.mark.parametrize("name", [n for n in CASES if n != "infer_penicillin"])
def test_drop1_by_likelihood_ratio(name):
    stored, res = case(name).gold["drop1_lrt"], case(name).res
    found = by_key(res.drop1("lrt"))
    terms = [coefficient_key(term) for term in stored[".rownames"]]
    assert sorted(found.index) == sorted(terms)
    found = found.loc[terms]
    assert found["aic"].to_numpy() == pytest.approx(stored["AIC"], abs=1e-5)
    assert found["df"][1:].tolist() == stored["npar"][1:]
    assert found["lrt"][1:].to_numpy() == pytest.approx(stored["LRT"][1:], abs=1e-5)
    pvalues = stored["Pr(Chi)"][1:]
    assert found["pvalue"][1:].to_numpy() == pytest.approx(pvalues, rel=1e-4)


def deletion_key(label):
    """``Days in (Days | Subject)`` and ``Days in (1 + Days | Subject)`` agree."""
    if label == "<none>":
        return label
    effect, _, term = label.rpartition(" in ")
    inside, group = term.strip("()").split(" | ")
    inside = "+".join(sorted(set(inside.split(" + ")) - {"0", "1"}))
    # of independent effects R says "Days in (0 + Days | Subject)"
    return "" if effect == inside and "(0" in term else effect, inside, group_key(group)


@pytest.mark.parametrize("reduce_terms", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_ranova(name, reduce_terms):
    gold, res = case(name).gold, case(name).res
    stored = gold["ranova" if reduce_terms else "ranova_noreduce"]
    found = res.ranova(reduce_terms)
    found.index = [deletion_key(label) for label in found.index]
    keys = [deletion_key(label) for label in stored[".rownames"]]
    assert set(found.index) == set(keys)
    found = found.loc[keys]
    assert found["npar"].tolist() == stored["npar"]
    assert found["df"][1:].tolist() == stored["Df"][1:]
    assert found["lrt"][1:].to_numpy() == pytest.approx(stored["LRT"][1:], rel=1e-8)
    naive = stored["Pr(>Chisq)"][1:]
    assert found["pvalue_naive"][1:].to_numpy() == pytest.approx(naive, rel=1e-7)
    # R codes the ordered factor by polynomials, which shifts every REML criterion
    if name != "infer_cake_rr":
        loglik = found["loglik"].to_numpy()
        assert loglik == pytest.approx(stored["logLik"], abs=1e-6)
        assert found["aic"].to_numpy() == pytest.approx(stored["AIC"], abs=1e-5)


@cache
def sleep_fit(random, reml):
    formula = f"Reaction ~ Days + {random}"
    return smm.lmm(formula, table("sleepstudy")).fit(reml=reml)


SLEEP = "(1 | Subject)", "(Days || Subject)", "(Days | Subject)"
COMPARED = {
    "sleep_ml": (False, True),
    "sleep_reml_refit": (True, True),
    "sleep_reml_norefit": (True, False),
}


def assert_same_table(found, stored):
    names = {"npar": "npar", "aic": "AIC", "bic": "BIC", "loglik": "logLik"}
    for ours, theirs in (names | {"deviance": "deviance"}).items():
        assert found[ours].to_numpy() == pytest.approx(stored[theirs], abs=1e-6)
    assert found["chi2"][1:].to_numpy() == pytest.approx(stored["Chisq"][1:], abs=1e-6)
    assert found["df"][1:].tolist() == stored["Df"][1:]
    expected = stored["Pr(>Chisq)"][1:]
    assert found["pvalue"][1:].to_numpy() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", COMPARED)
def test_likelihood_ratio_table(name):
    reml, refit = COMPARED[name]
    fits = [sleep_fit(random, reml) for random in SLEEP]
    found = smm.anova(*reversed(fits), refit=refit, names=["r2", "r1", "r0"])
    assert list(found.table.index) == ["r0", "r1", "r2"]
    assert_same_table(found.table, golds("inference")["anova_lrt"][name])
    assert any("Refitted" in note for note in found.notes) == (reml and refit)


def test_likelihood_ratio_table_of_a_boundary():
    data = table("pastes")
    fits = [
        smm.lmm(f"strength ~ 1 + {random}", data).fit(reml=False)
        for random in ("(1 | sample)", "(1 | sample) + (1 | batch)")
    ]
    found = smm.anova(*fits).table
    assert_same_table(found, golds("inference")["anova_lrt"]["pastes"])
    assert found["pvalue_mixture"].iloc[1] == pytest.approx(found["pvalue"].iloc[1] / 2)
