"""Equations of models, and formulas in words."""

import re

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed.diagnostics.equation import equation
from statsmodels_mixed.diagnostics.formula_words import describe_formula
from statsmodels_mixed.errors import DataError, FormulaError
from statsmodels_mixed.results.equations import EquationMethods, ModelEquation

SLEEP = smm.datasets.load("sleepstudy")


def of(model):
    return ModelEquation.equation(model)


def of_results(results, **arguments):
    return EquationMethods.equation(results, **arguments)


@pytest.fixture(scope="module")
def items():
    rng = np.random.default_rng(2)
    data = pd.DataFrame(
        {"Subject": np.repeat(range(8), 12), "Item": np.tile(range(6), 16)}
    )
    return data.assign(X=rng.normal(size=96), y=rng.normal(size=96))


# ---- the table of equations and formulas of the slides -------------------------------

INTERCEPTS = r"(\beta_{0} + b_{S,0s})"
SLOPES = r"(\beta_{1} + b_{S,1s})\,\text{X}_{j}"
TABLE = [
    ("(1 | Subject)", rf"{INTERCEPTS} + \beta_{{1}}\,\text{{X}}_{{i}}"),
    ("(1 + X | Subject)", rf"{INTERCEPTS} + {SLOPES.replace('j', 'i')}"),
    (
        "(1 + X | Subject) + (1 | Item)",
        rf"(\beta_{{0}} + b_{{S,0s}} + b_{{I,0i}}) + {SLOPES}",
    ),
    (
        "(1 + X || Subject) + (1 | Item)",
        rf"(\beta_{{0}} + b_{{S,0s}} + b_{{I,0i}}) + {SLOPES}",
    ),
    (
        "(1 | Subject) + (1 | Item)",
        r"(\beta_{0} + b_{S,0s} + b_{I,0i}) + \beta_{1}\,\text{X}_{j}",
    ),
    ("(0 + X | Subject) + (1 | Item)", rf"(\beta_{{0}} + b_{{I,0i}}) + {SLOPES}"),
]


@pytest.mark.parametrize(("random", "right"), TABLE)
def test_table_of_formulas_and_equations(items, random, right):
    latex = of(smm.lmm(f"y ~ X + {random}", items)).latex
    row = "j" if "Item" in random else "i"
    first = latex.removeprefix(r"\begin{aligned} ").split(r" \\ ")[0]
    assert first == rf"\text{{y}}_{{{row}}} &= {right} + e_{{{row}}}"
    together = r"\begin{pmatrix} b_{S,0s} \\ b_{S,1s} \end{pmatrix}"
    assert (together in latex) == ("(1 + X | " in random)


# ---- plain text ----------------------------------------------------------------------


def test_symbols():
    model = smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP)
    assert repr(of(model)) == (
        "Reaction = (β0 + b_S0[s]) + (β1 + b_S1[s]) Days + e\n"
        "(b_S0, b_S1)[s] ~ N(0, Σ_S)\n"
        "e ~ N(0, σ²)\n"
        "s = 1, ..., 18: Subject"
    )


def test_estimates_are_those_of_the_fit():
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP).fit()
    text = of_results(res, estimates=True).text
    assert "(251.4 + b_S0[s]) + (10.47 + b_S1[s]) Days + e" in text
    numbers = [float(v) for v in re.findall(r"\d+\.\d+", text)]
    cov = res.fit_record.covariances[0]
    expected = [*res.params, cov[0, 0], cov[1, 0], cov[1, 1], res.scale]
    np.testing.assert_allclose(numbers, expected, rtol=1e-3)
    assert of_results(res).text == of(res.model).text


def test_structures_say_what_is_independent(items):
    assert "b_S0[s] ~ N(0, σ²_S0)\nb_S1[s] ~ N(0, σ²_S1)\n" in repr(
        of(smm.lmm("y ~ X + (X || Subject)", items))
    )
    assert "b_S0[s], b_S1[s] ~ N(0, σ²_S)\n" in repr(
        of(smm.lmm("y ~ X + homdiag(1 + X | Subject)", items))
    )


def test_nested_factors_and_symbols_that_would_be_the_same(items):
    text = repr(of(smm.lmm("y ~ 1 + (1 | Subject/Item)", items)))
    assert text.startswith("y = (β0 + b_S0[s] + b_SI0[si]) + e")
    assert "si = 1, ..., 48: Subject:Item" in text
    same = items.rename(columns={"Item": "Sentence"})
    text = repr(of(smm.lmm("y ~ 1 + (1 | Subject) + (1 | Sentence)", same)))
    assert text.startswith("y = (β0 + b_Su0[su] + b_Se0[se]) + e")


def test_effects_without_a_fixed_one_are_numbered_on(items):
    text = repr(of(smm.lmm("y ~ 1 + (0 + X | Subject)", items)))
    assert text.startswith("y = β0 + b_S1[s] X + e")
    text = repr(of(smm.lmm("y ~ 0 + X + (1 | Subject)", items)))
    assert text.startswith("y = β0 X + b_S1[s] + e")


def test_negative_estimates_are_subtracted():
    data = SLEEP.assign(less=-SLEEP.Days, low=SLEEP.Reaction - 1000)
    res = smm.lmm("low ~ less + (1 | Subject)", data).fit()
    text = of_results(res, estimates=True).text
    assert text.startswith("low = (-748.6 + b_S0[s]) - 10.47 less + e\n")


def test_weights_and_offsets(items):
    data = items.assign(w=np.linspace(1, 2, 96))
    text = repr(of(smm.lmm("y ~ X + offset(w) + (1 | Item)", data, weights="w")))
    assert "+ β1 X + offset + e" in text and "e ~ N(0, σ²/w)" in text


@pytest.mark.parametrize(
    ("family", "response", "first", "link"),
    [
        ("poisson", "TICKS", "TICKS ~ Poisson(μ)", "log(μ) = "),
        (
            "negative_binomial",
            "TICKS",
            "TICKS ~ Negative Binomial(μ, φ)",
            "log(μ) = ",
        ),
        (smm.families.Gamma("inverse"), "TICKS", "TICKS ~ Gamma(μ, φ)", "1/μ = "),
        ("gaussian", "TICKS", "TICKS ~ Gaussian(μ, φ)", "μ = "),
    ],
)
def test_families_have_a_link_and_no_error(family, response, first, link):
    data = smm.datasets.load("grouseticks")
    data["TICKS"] += 1
    model = smm.glmm(f"{response} ~ cHEIGHT + (1 | BROOD)", data, family=family)
    lines = repr(of(model)).splitlines()
    assert lines[0] == first
    assert lines[1] == f"{link}(β0 + b_B0[b]) + β1 cHEIGHT"
    assert not any(line.startswith("e ~") for line in lines)


def test_numbers_of_trials():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    res = smm.glmm(formula, data).fit()
    latex = of_results(res, estimates=True).latex
    assert (
        r"\text{Binomial}(n_{i}, \mu_{i}) \\ \operatorname{logit}(\mu_{i}) &= " in latex
    )
    assert r"(-1.399 + b_{H,0h}) - 0.9923\,\text{period[T.2]}_{i}" in latex


def test_latex_escapes_names_and_is_balanced(items):
    data = items.rename(columns={"X": "x_1", "y": "100% y"})
    model = smm.lmm("`100% y` ~ x_1 + (x_1 | Subject)", data)
    latex = of(model).latex
    assert r"\text{x\_1}" in latex and r"100\%" in latex
    assert latex.count("{") - latex.count(r"\{") == latex.count("}") - latex.count(
        r"\}"
    )
    assert of(model)._repr_latex_().startswith(r"$\displaystyle \begin{aligned}")


def test_long_sums_are_folded_before_a_sign():
    data = smm.datasets.load("machines")
    text = repr(of(smm.lmm("score ~ Machine + (0 + Machine | Worker)", data)))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 88
    assert lines[1].startswith("        + b_W4[w] Machine[B]")


def test_results_without_data_keep_their_equation():
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP).fit()
    before = of_results(res, estimates=True)
    res.remove_data()
    assert of_results(res, estimates=True) == before


def test_arrays_and_aliased_columns():
    exog = np.column_stack([np.ones(180), SLEEP.Days])
    model = smm.LMM(SLEEP.Reaction, exog, random=[SLEEP.Subject])
    text = equation(model.design, model.exog_names).text
    assert text.startswith("Reaction = (β0 + b_S0[s]) + β1 x1 + e")
    with pytest.warns(smm.errors.RankDeficiencyWarning):
        model = smm.lmm("Reaction ~ Days + I(2 * Days) + (1 | Subject)", SLEEP)
    assert repr(of(model)).startswith("Reaction = (β0 + b_S0[s]) + β1 Days + e")


# ---- words ---------------------------------------------------------------------------


def words(formula, part):
    table = describe_formula(formula).table
    return table.words[table.part == part].tolist()


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("(1 | g)", "the intercept varies among levels of g"),
        (
            "(x | g)",
            "the intercept and the effect of x vary among levels of g, with "
            "correlations",
        ),
        (
            "(x || g)",
            "the intercept and the effect of x vary among levels of g, independently",
        ),
        (
            "(0 + x | g)",
            "the effect of x varies among levels of g, with correlations where it is "
            "that of a factor",
        ),
        (
            "homdiag(0 + x + z | g)",
            "the effect of x and the effect of z vary among levels of g, independently "
            "and with one variance",
        ),
        (
            "(1 | f/g)",
            "the intercept varies among levels of f and levels of g within f",
        ),
        (
            "(1 | f*g)",
            "the intercept varies among levels of f, levels of g and combinations of f "
            "and g",
        ),
        ("(1 | f:g)", "the intercept varies among combinations of f and g"),
        ("(1 | C(k))", "the intercept varies among levels of C(k)"),
    ],
)
def test_random_terms_in_words(term, said):
    description = describe_formula(f"y ~ 1 + {term}")
    assert description.terms[-1] == ("random", term, said)


def test_terms_of_one_factor_are_independent():
    said = words("y ~ x + (1 | g) + (0 + x | g) + (1 | h)", "random")
    assert [s.endswith("; independent of the other terms of g") for s in said] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        ("x", ["an intercept (implied)", "the effect of x"]),
        ("0 + x", ["no intercept", "the effect of x"]),
        ("1 + a*b", ["an intercept", "the effects of a and b and their interaction"]),
        (
            "a*b*c",
            [
                "an intercept (implied)",
                "the effects of a, b and c and all their interactions",
            ],
        ),
        ("a/b", ["an intercept (implied)", "the effects of a and of b within each a"]),
        (
            "C(k):x - x",
            [
                "an intercept (implied)",
                "the interaction of k (as a factor) and x",
                "without the effect of x",
            ],
        ),
        (
            "(a + b)**2",
            [
                "an intercept (implied)",
                "the terms of a + b and their interactions of up to 2",
            ],
        ),
        (
            "bs(t, df=4) + `my x`",
            [
                "an intercept (implied)",
                "the effect of t (as a smooth curve, a spline)",
                "the effect of my x",
            ],
        ),
    ],
)
def test_fixed_effects_in_words(effects, said):
    assert words(f"y ~ {effects} + (1 | g)", "fixed") == said


def test_responses_offsets_and_the_whole():
    formula = "cbind(s, n - s) ~ x + offset(log(z)) + (1 | g)"
    assert words(formula, "response") == ["successes s and failures n - s"]
    assert words(formula, "offset") == ["log(z), known"]
    assert repr(describe_formula(formula)).splitlines()[0] == formula
    assert not words("~ (1 | g)", "response")


def test_bad_formulas():
    with pytest.raises(FormulaError):
        describe_formula("y ~ x + (1 | g")
    with pytest.raises(DataError, match="must be text, not int"):
        describe_formula(3)
