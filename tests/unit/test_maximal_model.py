"""The maximal random-effects structure of designs whose structure is known."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import statsmodels_mixed as smm
from statsmodels_mixed.diagnostics.ladder import Effect, ladder
from statsmodels_mixed.diagnostics.maximal import maximal_model
from statsmodels_mixed.diagnostics.within import WithinGroups, determines_covariance
from statsmodels_mixed.errors import (
    ConvergenceWarning,
    DataError,
    FormulaError,
    MissingColumnError,
)


def cross(**levels):
    """One row per combination; the response is noise."""
    rows = list(itertools.product(*(range(n) for n in levels.values())))
    data = pd.DataFrame(rows, columns=list(levels))
    return data.assign(y=np.random.default_rng(3).normal(size=len(data)))


def in_maximal(found, group=None):
    table = found.effects
    if group is not None:
        table = table[table.group == group]
    return table.effect[table.in_maximal].tolist()


def reasons(found):
    return dict(zip(found.effects.effect, found.effects.reason, strict=True))


FACTORIAL = cross(individual=10, a=5, b=4, c=4, d=2)


# ---- the within-subject factorial of the slides --------------------------------------


@pytest.mark.parametrize(
    ("fixed", "n_effects", "n_par"),
    [
        ("a * b * c * d", 16, 136),
        ("C(a) + C(b) + C(c) + C(d)", 12, 78),
        ("a + b + c + d", 5, 15),
    ],
)
def test_within_subject_factorial(fixed, n_effects, n_par):
    found = maximal_model(f"y ~ {fixed}", FACTORIAL, "individual")
    assert found.n_par == n_par
    assert found.terms.n_effects.tolist() == [n_effects]
    assert found.formula == f"y ~ {fixed} + ({fixed} | individual)"
    assert (found.effects.share == 1).all() and (found.effects.share_full == 1).all()
    assert not found.terms.practical[0]
    assert found.findings[0].figure == n_par / 10


def test_full_factorial_of_factors_lacks_replication():
    fixed = "C(a) * C(b) * C(c) * C(d)"
    found = maximal_model(f"y ~ {fixed}", FACTORIAL, "individual")
    dropped = reasons(found)
    assert "C(a):C(b):C(c):C(d)" not in in_maximal(found)
    assert dropped.pop("C(a):C(b):C(c):C(d)") == (
        "no replication: as many effects as rows"
    )
    assert set(dropped.values()) == {""}
    # 160 cells but for the 4 * 3 * 3 * 1 of the highest interaction
    assert found.terms.n_effects[0] == 124 and found.n_par == 124 * 125 // 2
    twice = maximal_model(
        f"y ~ {fixed}", pd.concat([FACTORIAL, FACTORIAL]), "individual"
    )
    assert twice.terms.n_effects[0] == 160 and "reason" in twice.effects
    assert twice.formula == f"y ~ {fixed} + ({fixed} | individual)"


# ---- what varies within what ---------------------------------------------------------


def test_subjects_and_items():
    """Condition within both; group between subjects, length between items."""
    data = cross(subject=12, item=8)
    data["cond"] = np.where((data.subject + data.item) % 2, "new", "old")
    data["group"] = np.where(data.subject % 3, "young", "aged")
    data["length"] = 3.0 + data.item**2
    found = maximal_model("y ~ cond * group * length", data, ["subject", "item"])
    by_subject, by_item = in_maximal(found, "subject"), in_maximal(found, "item")
    assert set(by_subject) == {"cond", "length", "cond:length"}
    assert set(by_item) == {"cond", "group", "cond:group"}
    assert found.formula == (
        "y ~ cond * group * length + (cond * length | subject) + (cond * group | item)"
    )
    assert found.n_par == 10 + 10
    assert smm.lmm(found.formula, data).k_re == 8  # it is a model


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_shares_of_main_effects_are_those_of_values_within_groups(seed):
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 12, 60)
    x = np.where(rng.random(12) < 0.5, 0.0, 1.0)[g] * rng.normal(size=60) + 1e4 * g
    f = np.where(rng.random(60) < 0.85, "u", rng.choice(list("vw"), 60))
    data = pd.DataFrame({"g": g, "x": x, "f": f})
    found = maximal_model("~ x + f", data, "g").effects.set_index("effect")
    sizes = data.groupby("g").agg(x=("x", "nunique"), f=("f", "nunique"))
    for name in "xf":
        assert found.varies_in[name] == (sizes[name] > 1).sum()
        assert found.share[name] == (sizes[name] > 1).mean()
    assert found.share_full["f"] == (sizes.f == data.f.nunique()).mean()


def test_an_interaction_with_a_factor_between_groups_does_not_vary():
    data = smm.datasets.load("orthodont")
    found = maximal_model("distance ~ age * Sex", data, "Subject")
    assert in_maximal(found) == ["age"]
    constant = "constant within each group"
    assert reasons(found) == {"Sex": constant, "age": "", "age:Sex": constant}


def test_replication_decides_on_the_slope_of_a_factor():
    once = smm.datasets.load("ergostool")  # one row per subject and type
    found = maximal_model("effort ~ Type", once, "Subject")
    assert found.formula == "effort ~ Type + (1 | Subject)"
    assert "no replication" in reasons(found)["Type"]
    counts = maximal_model("effort ~ Type", once, "Subject", residual=False)
    assert counts.formula == "effort ~ Type + (Type | Subject)"
    thrice = smm.datasets.load("machines")
    found = maximal_model("score ~ Machine", thrice, "Worker")
    assert found.formula == "score ~ Machine + (Machine | Worker)"


def test_effects_must_differ_within_groups():
    data = cross(g=8, t=6)
    data["u"] = 2.0 * data.t + data.g  # within each g a multiple of t
    data["late"] = (data.g == 3) * data.t  # varies within one group
    found = maximal_model("y ~ t + u + late", data, "g")
    assert reasons(found) == {
        "t": "",
        "u": "within groups a combination of other effects",
        "late": "varies within one group only",
    }
    assert found.effects.varies_in.tolist() == [8, 8, 1]


def test_effects_that_vary_in_few_groups_are_a_finding():
    data = cross(g=40, t=6)
    data["x"] = (data.g < 3) * data.t**2
    found = maximal_model("y ~ t + x", data, "g")
    assert in_maximal(found) == ["t", "x"]
    assert [f.topic for f in found.findings] == ["few groups"]
    assert found.findings[0].message == "x varies within 3 of 40 levels of g only."


def test_offsets_of_a_covariate_do_not_hide_its_variation():
    data = cross(g=8, t=6)
    data["year"] = 2e6 + data.g * 1e4 + 0.01 * data.t
    assert in_maximal(maximal_model("y ~ year", data, "g")) == ["year"]


# ---- factors nested in each other ----------------------------------------------------


def test_plots_within_blocks_are_replicates_of_blocks():
    data = smm.datasets.load("oats")
    found = maximal_model("Q('yield') ~ nitro * Variety", data, "Block/Variety")
    assert in_maximal(found, "Block") == ["nitro"]
    assert in_maximal(found, "Block:Variety") == ["nitro"]
    left_out = set(found.effects.reason[found.effects.group == "Block"]) - {""}
    assert left_out == {"no replication: as many effects as levels of Block:Variety"}
    # the likelihood agrees: the variance of plots is in the covariance already
    both = "Q('yield') ~ nitro + (0 + Variety | Block) + (1 | Block:Variety)"
    one = "Q('yield') ~ nitro + (0 + Variety | Block)"
    with pytest.warns(ConvergenceWarning, match="cannot tell them apart"):
        fits = [smm.lmm(f, data).fit(reml=False) for f in (both, one)]
    assert abs(fits[0].llf - fits[1].llf) < 1e-6
    # with several plots of a variety in a block they differ
    data = pd.concat([data.assign(plot=k) for k in range(2)])
    formula = "Q('yield') ~ nitro * Variety"
    found = maximal_model(formula, data, ["Block", "Block:Variety:plot"])
    assert "Variety" in in_maximal(found, "Block")


def test_incomplete_blocks_determine_a_covariance_together():
    """Each group sees two of three levels, twice; all pairs of levels occur."""
    pairs = list(itertools.combinations("uvw", 2)) * 4
    data = pd.DataFrame(
        [(g, f) for g, pair in enumerate(pairs) for f in pair * 2], columns=["g", "f"]
    )
    found = maximal_model("~ f", data, "g")
    assert in_maximal(found) == ["f"] and found.n_par == 6
    assert found.effects.share[0] == 1 and found.effects.share_full[0] == 0
    # without the pair of v and w their covariance is not there
    lacking = data[data.g % 3 != 2]
    found = maximal_model("~ f", lacking, "g")
    assert reasons(found)["f"] == "too few groups show it together with other effects"


def test_determination_of_a_covariance_is_that_of_its_linear_map():
    rng = np.random.default_rng(1)
    k = 3
    for trial in range(30):
        g = np.repeat(np.arange(5), 2)
        z = rng.integers(-1, 2, (10, k)).astype(float)
        groups = WithinGroups(g)
        ranks = np.array([np.linalg.matrix_rank(z[g == j]) for j in range(5)])
        basis = [np.eye(k)[[a, b]] for a in range(k) for b in range(a, k)]
        maps = []
        for a, b in basis:
            s = np.outer(a, b) + np.outer(b, a)
            maps.append(
                np.concatenate(
                    [(z[g == j] @ s @ z[g == j].T).ravel() for j in range(5)]
                )
            )
        determined = np.linalg.matrix_rank(np.array(maps)) == len(basis)
        assert determines_covariance(groups, z, ranks) == determined, trial


# ---- the ladder ----------------------------------------------------------------------


def test_counts_of_the_ladder_are_those_of_fitted_models():
    data = pd.concat([cross(g=14, a=3, b=2)] * 3, ignore_index=True)
    rng = np.random.default_rng(5)
    data["a"], data["b"] = data.a.map("ijk".__getitem__), data.b.astype(float)
    data["y"] = rng.normal(size=len(data)) + rng.normal(size=14)[data.g]
    found = maximal_model("y ~ a * b", data, "g")
    assert in_maximal(found) == ["a", "b", "a:b"]
    fitted = found.ladder[found.ladder.available]
    assert len(fitted) == 5
    for rung in fitted.itertuples():
        model = smm.lmm(f"y ~ a * b + {rung.term}", data)
        assert sum(t.structure.n_par for t in model.terms) == rung.n_par, rung.step
        if "1 |" not in rung.term:
            assert model.k_re == rung.n_effects


def test_structures_to_come_are_named_with_their_counts():
    effects = [Effect("A", ("A",), 3, 4)]
    rungs = {r.step: r for r in ladder(effects, "g")}
    rr, cs = rungs["reduced rank 2"], rungs["compound symmetry"]
    assert (rr.term, rr.n_par, rr.available) == ("rr(A | g, d=2)", 7, False)
    # four variances and one correlation
    assert (cs.term, cs.n_par, cs.available) == ("cs(0 + A | g)", 5, False)
    cells = rungs["intercepts of cells"]
    assert (cells.term, cells.n_par) == ("(1 | g) + (1 | g:A)", 2)


def test_the_first_practical_structure_is_chosen():
    numbers = maximal_model("y ~ a * b * c * d", FACTORIAL, "individual")
    assert numbers.practical_formula.endswith("+ (a + b + c + d || individual)")
    factors = maximal_model("y ~ C(a) + C(d)", FACTORIAL, "individual")
    cells = "(1 | individual) + (1 | individual:C(a)) + (1 | individual:C(d))"
    assert factors.practical_formula.endswith(cells)
    smm.lmm(factors.practical_formula, FACTORIAL)
    data = smm.datasets.load("sleepstudy")
    easy = maximal_model("Reaction ~ Days", data, "Subject")
    assert easy.practical_formula == easy.formula and easy.findings == ()


def test_the_report_can_be_read():
    data = smm.datasets.load("machines")
    text = repr(maximal_model("score ~ Machine", data, "Worker"))
    assert "Maximal: 6 variances and covariances" in text
    assert "compound symmetry, not in this version" in text
    assert "6 variances and covariances from 6 levels." in text
    assert max(map(len, text.splitlines())) < 100
    bare = repr(maximal_model("score ~ 1", data, "Worker"))
    assert bare.startswith("Maximal: 1 variances")


# ---- input ---------------------------------------------------------------------------


def test_groups_come_from_the_formula_unless_given():
    data = smm.datasets.load("sleepstudy")
    found = maximal_model("Reaction ~ Days + (1 | Subject)", data)
    assert found.formula == "Reaction ~ Days + (Days | Subject)"
    renamed = data.rename(columns={"Subject": "the subject"})
    found = maximal_model("Reaction ~ Days + offset(Days)", renamed, "the subject")
    assert found.formula == ("Reaction ~ Days + offset(Days) + (Days | `the subject`)")
    smm.lmm(found.formula, renamed)


def test_fixed_effects_without_intercept_give_the_same_slopes():
    data = smm.datasets.load("machines")
    found = maximal_model("score ~ 0 + Machine", data, "Worker")
    assert found.formula == "score ~ 0 + Machine + (Machine | Worker)"


def test_a_factor_with_one_row_per_level_is_left_out():
    data = smm.datasets.load("grouseticks")
    found = maximal_model("TICKS ~ cHEIGHT", data, ["BROOD", "INDEX"])
    assert found.formula == "TICKS ~ cHEIGHT + (1 | BROOD)"
    assert [f.topic for f in found.findings] == ["replication"]
    counts = maximal_model("TICKS ~ cHEIGHT", data, ["BROOD", "INDEX"], residual=False)
    assert counts.formula == "TICKS ~ cHEIGHT + (1 | BROOD) + (1 | INDEX)"
    alone = maximal_model("TICKS ~ cHEIGHT", data, "INDEX")
    assert alone.formula == "TICKS ~ cHEIGHT" and "INDEX has one row" in repr(alone)


def test_bad_input():
    data = smm.datasets.load("sleepstudy")
    with pytest.raises(DataError, match="No grouping factor"):
        maximal_model("Reaction ~ Days", data)
    with pytest.raises(MissingColumnError, match=r"'Days'\?(.|\n)*\^"):
        maximal_model("Reaction ~ Day", data, "Subject")
    with pytest.raises(FormulaError):
        maximal_model("Reaction ~ Days +", data, "Subject")
    with pytest.raises(DataError, match="groups"):
        maximal_model("Reaction ~ Days", data, 3)
