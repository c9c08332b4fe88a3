"""Responses of families in every form, through both doors."""

import warnings

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed.design.arrays import design_from_arrays
from statsmodels_mixed.design.build import build_design
from statsmodels_mixed.design.table import Table
from statsmodels_mixed.errors import (
    DataError,
    FormulaError,
    IdentifiabilityError,
    MissingColumnError,
    MissingValueError,
    MixedModelWarning,
)
from statsmodels_mixed.families import (
    Binomial,
    Gamma,
    Gaussian,
    InverseGaussian,
    NegativeBinomial,
    Poisson,
)
from statsmodels_mixed.formula import parse_formula, response_columns
from statsmodels_mixed.models.random import RandomEffects

CBPP = smm.datasets.load("cbpp")
CBPP.index = [f"r{i}" for i in range(len(CBPP))]
RIGHT = "period + (1 | herd)"
S, N = CBPP.incidence.to_numpy(float), CBPP["size"].to_numpy(float)
BINARY = pd.DataFrame(
    {
        "y": [0, 1, 1, 0, 1, 0, 1, 1],
        "x": [0.3, 1.0, -2.0, 0.1, 0.9, -0.4, 1.5, 0.7],
        "g": list("aabbccdd"),
    },
    index=list("ijklmnop"),
)
EVENTS = BINARY.y.to_numpy(float)


def formula_door(left, data, family=None, right=RIGHT, **arguments):
    spec = parse_formula(f"{left} ~ {right}", trials=family is not None)
    names = {"np": np}
    return build_design(spec, data, names, family=family, **arguments)


def binary(left, values=None, **arguments):
    data = BINARY if values is None else BINARY.assign(y=values)
    return formula_door(left, data, Binomial(), "x + (1 | g)", **arguments)


def array_door(endog, family=None, data=BINARY, missing="raise", **arguments):
    exog = np.column_stack([np.ones(len(data)), np.arange(len(data))])
    terms = [
        RandomEffects(data.iloc[:, -1].to_numpy() if data is BINARY else data.herd)
    ]
    weights, offset = arguments.pop("weights", None), arguments.pop("offset", None)
    return design_from_arrays(
        endog, exog, terms, weights, offset, missing, family, **arguments
    )


def expect(design, endog, trials=None, weights=None, note=""):
    np.testing.assert_array_equal(design.endog, endog)
    assert design.endog.dtype == float
    for value, expected in ((design.trials, trials), (design.weights, weights)):
        assert (value is None) == (expected is None)
        if expected is not None:
            np.testing.assert_array_equal(value, expected)
    assert design.response_note == note


# ---- successes among trials ----------------------------------------------------------


@pytest.mark.parametrize(
    "left, arguments, note",
    [
        (
            "cbind(incidence, size - incidence)",
            {},
            "successes: incidence; failures: size - incidence",
        ),
        (
            "incidence + I(size - incidence)",
            {},
            "successes: incidence; failures: I(size - incidence)",
        ),
        (
            "(incidence + failures)",
            {},
            "successes: incidence; failures: failures",
        ),
        (
            "incidence / size",
            {"n_trials": "size"},
            "proportions: I(incidence / size); trials: size",
        ),
        (
            "share",
            {"n_trials": N},
            "proportions: share; trials: n_trials=",
        ),
        (
            "np.divide(incidence, size)",
            {"weights": "size"},
            "proportions: np.divide(incidence, size); trials: size",
        ),
        ("share", {"weights": N}, "proportions: share; trials: weights="),
    ],
)
def test_trials_of_a_formula(left, arguments, note):
    data = CBPP.assign(failures=N - S, share=S / N)
    design = formula_door(left, data, Binomial(), **arguments)
    expect(design, S, N, note=note)


@pytest.mark.parametrize(
    "endog, arguments, note",
    [
        (
            np.column_stack([S, N - S]),
            {},
            "successes: endog[:, 0]; failures: endog[:, 1]",
        ),
        (
            pd.DataFrame({"hit": S, "miss": N - S}).astype(int),
            {},
            "successes: hit; failures: miss",
        ),
        (S / N, {"n_trials": N}, "proportions: y; trials: n_trials="),
        (
            pd.Series(S / N, name="p"),
            {"weights": N},
            "proportions: p; trials: weights=",
        ),
        ((S / N)[:, None], {"n_trials": N}, "proportions: y; trials: n_trials="),
    ],
)
def test_trials_of_arrays(endog, arguments, note):
    design = array_door(endog, Binomial(), CBPP.reset_index(), **arguments)
    expect(design, S, N, note=note)


def test_the_name_is_the_response_as_written():
    left = "cbind(incidence, size-incidence)"
    design = formula_door(left, CBPP, Binomial())
    assert design.endog_name == "cbind(incidence, size - incidence)"
    assert formula_door("share", CBPP.assign(share=S / N), Binomial(), n_trials=N)
    assert list(design.row_labels) == list(CBPP.index)


def test_columns_with_names_to_quote():
    data = CBPP.assign(**{"my hits": S, "my misses": N - S})
    for left in ("cbind(`my hits`, `my misses`)", "`my hits` + `my misses`"):
        design = formula_door(left, data, Binomial())
        note = "successes: my hits; failures: my misses"
        expect(design, S, N, note=note)


def test_weights_stay_weights_beside_given_trials():
    w = np.linspace(1, 2, len(CBPP))
    share = CBPP.assign(share=S / N)
    design = formula_door("share", share, Binomial(), n_trials="size", weights=w)
    expect(design, S, N, w, "proportions: share; trials: size")
    left = "cbind(incidence, size - incidence)"
    assert formula_door(left, CBPP, Binomial(), weights=w).weights is not None


def test_one_number_of_trials_for_all_rows():
    share = np.array([0.1, 0.3, 0.5, 0.0, 1.0, 0.2, 0.7, 0.9])
    note = "proportions: y; trials: n_trials="
    for n_trials in (10, np.array(10)):
        for design in (
            binary("y", share, n_trials=n_trials),
            array_door(share, Binomial(), n_trials=n_trials),
        ):
            expect(design, np.rint(10 * share), np.full(8, 10.0), note=note)


def test_proportions_are_rounded_to_successes():
    n = np.array([3.0, 7.0, 3.0, 49.0, 1e6, 3.0, 2.0, 2.0])
    s = np.array([1.0, 2.0, 2.0, 13.0, 333333.0, 1.0, 1.0, 0.0])
    float32 = (s / n).astype(np.float32)
    with pytest.raises(DataError, match="times n_trials= is no whole number"):
        binary("y", np.round(s / n, 3), n_trials=n)
    n[4], s[4] = 1000.0, 333.0
    float32[4] = np.float32(0.333)
    expect(
        array_door(s / n, Binomial(), n_trials=n),
        s,
        n,
        None,
        "proportions: y; trials: n_trials=",
    )
    np.testing.assert_array_equal(array_door(float32, Binomial(), n_trials=n).endog, s)


def test_rows_without_trials_are_left_out():
    data = CBPP.assign(failures=N - S, n=N)
    data.loc["r3", ["incidence", "failures", "n"]] = 0
    data["share"] = data.incidence / data.n.where(data.n > 0, 1)
    data = data.assign(exposed=1.0)
    kept = np.delete(np.arange(len(data)), 3)
    for left, arguments in (
        ("cbind(incidence, failures)", {}),
        ("share", {"n_trials": "n"}),
        ("share", {"weights": "n"}),
        ("incidence / n", {"n_trials": "n"}),  # 0 / 0 is not looked at
    ):
        with np.errstate(all="ignore"):
            design = formula_door(left, data, Binomial(), **arguments)
        np.testing.assert_array_equal(design.rows, kept)
        assert "r3" not in design.row_labels
        assert len(design.mean.exog) == len(kept) == len(design.trials)
        assert design.nobs_given == len(data)
    pair = data[["incidence", "failures"]].to_numpy(float)
    design = array_door(pair, Binomial(), CBPP.reset_index())
    np.testing.assert_array_equal(design.rows, kept)
    with pytest.raises(MissingValueError, match="no trials"):
        array_door(0 * pair, Binomial(), CBPP.reset_index())
    with pytest.raises(DataError, match="No rows are left"):
        formula_door("cbind(a, a)", data.assign(a=0), Binomial())


def test_rows_without_trials_in_a_subset():
    data = CBPP.assign(failures=N - S)
    data.loc["r3", ["incidence", "failures"]] = 0
    rows = np.arange(2, 30)
    offset = np.arange(len(data)) / 100
    design = formula_door(
        "incidence + failures", data, Binomial(), subset=rows, offset=offset
    )
    np.testing.assert_array_equal(design.rows, np.delete(rows, 1))
    np.testing.assert_array_equal(design.mean.offset, offset[design.rows])


# ---- two classes ---------------------------------------------------------------------

TEXT = np.where(EVENTS == 1, "yes", "no")


@pytest.mark.parametrize(
    "values, note",
    [
        (EVENTS, ""),
        (EVENTS.astype(int), ""),
        (EVENTS == 1, "event: y = True (not False)"),
        (pd.array(EVENTS == 1, dtype="boolean"), "event: y = True (not False)"),
        (TEXT, "event: y = 'yes' (not 'no')"),
        (TEXT.astype(object), "event: y = 'yes' (not 'no')"),
        (pd.array(TEXT, dtype="string"), "event: y = 'yes' (not 'no')"),
        (pd.Categorical(TEXT), "event: y = 'yes' (not 'no')"),
        (
            pd.Categorical(TEXT, categories=["never", "no", "yes"], ordered=True),
            "event: y = 'yes' (not 'no')",
        ),
        (pd.Categorical(EVENTS.astype(int) + 1), "event: y = 2 (not 1)"),
    ],
)
def test_two_classes(values, note):
    expect(binary("y", values), EVENTS, note=note)
    series = pd.Series(values, name="y")
    expect(array_door(series, Binomial()), EVENTS, note=note)
    expect(array_door(values, Binomial()), EVENTS, note=note)
    if note != "event: y = 2 (not 1)":  # numbers in a list are no classes
        expect(array_door(list(values), Binomial()), EVENTS, note=note)


def test_the_order_of_categories_says_which_is_the_event():
    values = pd.Categorical(TEXT, categories=["yes", "no"])
    for design in (binary("y", values), array_door(pd.Series(values), Binomial())):
        assert design.response_note.endswith("= 'no' (not 'yes')")
        np.testing.assert_array_equal(design.endog, 1 - EVENTS)


@pytest.mark.parametrize(
    "left, note",
    [
        ("y == 'yes'", "event: y == 'yes' = True (not False)"),
        ("I(y == 'yes')", "event: I(y == 'yes') = True (not False)"),
        ("np.where(y == 'yes', 1, 0)", ""),
        ("C(y)", "event: C(y) = 'yes' (not 'no')"),
        ("y.astype(str)", "event: y.astype(str) = 'yes' (not 'no')"),
    ],
)
def test_classes_of_an_expression(left, note):
    frame = pd.Categorical(TEXT)
    expect(binary(left, frame), EVENTS, note=note)


def test_classes_coded_as_numbers():
    expect(binary("C(y)", EVENTS + 1), EVENTS, note="event: C(y) = 2.0 (not 1.0)")
    expect(binary("y > 1", EVENTS + 1), EVENTS, note="event: y > 1 = True (not False)")


def test_only_levels_that_are_used_count():
    values = pd.Categorical([*TEXT[:-1], "perhaps"])
    with pytest.raises(DataError, match=r"has 3: 'no', 'perhaps', 'yes'"):
        binary("y", values)
    design = binary("y", values, subset=np.arange(7))
    np.testing.assert_array_equal(design.endog, EVENTS[:7])
    x = np.array([*range(7), np.nan])
    exog = np.column_stack([np.ones(8), x])
    terms = [RandomEffects(BINARY.g)]
    arrays = pd.Series(values, BINARY.index), exog, terms, None, None
    with pytest.raises(DataError, match="has 3"):
        design_from_arrays(arrays[0], np.ones(8), *arrays[2:], "drop", Binomial())
    design = design_from_arrays(*arrays, "drop", Binomial())
    np.testing.assert_array_equal(design.endog, EVENTS[:7])


def test_prior_weights_of_classes_stay():
    w = np.arange(1.0, 9.0)
    expect(binary("y", weights=w), EVENTS, None, w)


@pytest.mark.parametrize(
    "values, message",
    [
        (np.full(8, "no"), "one level only, 'no'"),
        (list("abcdefgh"), r"has 8: 'a', 'b'.* y == 'h'"),
        ([0, 1, "a", 1, 0, 1, 0, 1], "holds values of type int, str"),
        (pd.date_range("2020", periods=8), "holds values of type datetime64"),
        (np.zeros(8), r"'y' is constant \(0\)"),
        (np.ones(8, bool), r"'y' is constant \(1\)"),
    ],
)
def test_what_is_no_pair_of_classes(values, message):
    with pytest.raises(DataError, match=message):
        binary("y", values)
    with pytest.raises(DataError, match=message):
        array_door(values, Binomial())


# ---- errors that name rows -----------------------------------------------------------


def changed(**cells):
    data = CBPP.assign(failures=N - S, share=S / N, n=N)
    for column, (row, value) in cells.items():
        data[column] = data[column].astype(float)
        data.loc[row, column] = value
    return data


PAIR = "cbind(incidence, failures)"


@pytest.mark.parametrize(
    "left, cells, arguments, message",
    [
        (
            PAIR,
            {"failures": ("r5", -1)},
            {},
            "more successes than trials.*-1 in row r5",
        ),
        (PAIR, {"incidence": ("r5", -2)}, {}, "successes, incidence, are neg.*row r5"),
        (PAIR, {"incidence": ("r5", 0.5)}, {}, "not whole: 0.5 in row r5. .*n_trials="),
        (PAIR, {"failures": ("r5", 0.5)}, {}, "failures, .*not whole: 0.5 in row r5"),
        (
            "cbind(incidence, n - incidence)",
            {"n": ("r5", 1), "incidence": ("r5", 3)},
            {},
            "failures, n - incidence, are negative .*-2 in row r5",
        ),
        ("share", {}, {}, r"unknown numbers of trials: .*row r0.*n_trials=.*cbind\("),
        ("incidence", {}, {}, r"above 1: 2 in row r0.*more\. .*cbind\("),
        (
            "incidence",
            {},
            {"n_trials": "n"},
            r"above 1: 2 in row r0.*cbind\(s, n - s\)",
        ),
        (
            "share",
            {"share": ("r2", -0.5)},
            {"n_trials": "n"},
            "negative: -0.5 in row r2",
        ),
        (
            "share",
            {"n": ("r2", 2.5)},
            {"n_trials": "n"},
            "n_trials= has values that are no numbers of trials: 2.5 in row r2",
        ),
        ("share", {"n": ("r2", -3)}, {"n_trials": "n"}, "no numbers of.*-3 in row r2"),
        (
            "share",
            {"n": ("r2", 2.5)},
            {"weights": "n"},
            "weights=, read as trials of the proportions, has .*2.5 in row r2",
        ),
        (
            "share",
            {"n": ("r0", 13)},
            {"n_trials": "n"},
            "share times n_trials= is no whole.* 1.857.* in row r0.*Correct the trials",
        ),
        (PAIR, {}, {"n_trials": "n"}, "has its trials already"),
        ("cbind(incidence)", {}, {}, "must have two columns"),
        ("cbind()", {}, {}, "must have two columns"),
        ("cbind(incidence, failures, n)", {}, {}, "must have two columns"),
        ("cbind(herd, n)", {}, {}, "must be numeric"),
        ("cbind(incidence, nowhere)", {}, {}, "'nowhere', asked for by"),
        ("share", {}, {"n_trials": "nowhere"}, "'nowhere', asked for by n_trials="),
        ("share", {}, {"n_trials": N[:3]}, "n_trials= has length 3"),
        (
            "share",
            {"n": ("r2", np.inf)},
            {"n_trials": "n"},
            "'n_trials=' has .*infinite",
        ),
        (PAIR, {"failures": ("r2", np.inf)}, {}, "'failures' has .*infinite"),
    ],
)
def test_errors_of_trials(left, cells, arguments, message):
    with pytest.raises(DataError, match=message):
        formula_door(left, changed(**cells), Binomial(), **arguments)


@pytest.mark.parametrize(
    "endog, arguments, message",
    [
        (
            np.column_stack([S, N - S - 20]),
            {},
            r"failures, endog\[:, 1\], are negative",
        ),
        (np.column_stack([S, N, N]), {}, r"endog has shape \(56, 3\)"),
        (np.column_stack([S, N - S]), {"n_trials": N}, "has its trials already"),
        (S / N, {}, "unknown numbers of trials"),
        (S, {}, "above 1: 2 in row 0"),
        (S / N, {"n_trials": N + 0.5}, "no numbers of trials: 14.5 in row 0"),
        (S / N, {"n_trials": N + 1}, "no whole number of successes"),
        (S / N, {"n_trials": N[1:]}, "n_trials has length 55"),
        (S / N, {"n_trials": "size"}, "n_trials must be numeric"),
        ([[1, 2], [1]], {}, "one column, or two"),
    ],
)
def test_errors_of_trials_in_arrays(endog, arguments, message):
    with pytest.raises(DataError, match=message):
        array_door(endog, Binomial(), CBPP.reset_index(), **arguments)


def test_classes_have_one_trial():
    with pytest.raises(DataError, match="one trial each; leave n_trials= out"):
        binary("y", TEXT, n_trials=np.ones(8))
    expect(
        binary("y", n_trials=1),
        EVENTS,
        np.ones(8),
        note="proportions: y; trials: n_trials=",
    )
    with pytest.raises(DataError, match="proportions or numbers of successes"):
        binary("y", n_trials=5)
    with pytest.raises(DataError, match="proportions or numbers of successes"):
        array_door(EVENTS, Binomial(), n_trials=5)


@pytest.mark.parametrize(
    "pair", [(0 * N, N), (N, 0 * N), (N, N), (np.ones(56), np.ones(56))]
)
def test_constant_among_trials(pair):
    pair = np.column_stack(pair)
    data = CBPP.assign(s=pair[:, 0], f=pair[:, 1])
    with pytest.raises(DataError, match=r"is constant .* of the trials are successes"):
        formula_door("cbind(s, f)", data, Binomial())
    with pytest.raises(DataError, match="is constant"):
        array_door(pair, Binomial(), CBPP.reset_index())


def test_the_same_successes_of_other_trials_are_no_constant():
    data = CBPP.assign(s=1, f=N)
    np.testing.assert_array_equal(
        formula_door("cbind(s, f)", data, Binomial()).endog, np.ones(56)
    )


# ---- the left side as text -----------------------------------------------------------


@pytest.mark.parametrize(
    "left, response, columns",
    [
        ("s + f", "s + f", ("s", "f")),
        ("(s + I(n - s))", "s + I(n - s)", ("s", "I(n - s)")),
        ("s/n", "I(s / n)", ("I(s / n)",)),
        ("I(a + b)", "I(a + b)", ("I(a + b)",)),
        ("cbind(s, f(n, 2) - s)", "cbind(s, f(n, 2) - s)", ("s", "f(n, 2) - s")),
    ],
)
def test_left_sides(left, response, columns):
    spec = parse_formula(f"{left} ~ x", trials=True)
    assert spec.response == response
    assert response_columns(spec.response) == columns


@pytest.mark.parametrize(
    "left",
    [
        "a + b + c",
        "a - b",
        "a + 1",
        "a + b * c",
        "(y > a + b)",
        "a +",
        "a / 2 / b",
        "cbind(a, b) + c",
    ],
)
def test_other_arithmetic_on_the_left_is_refused(left):
    with pytest.raises(FormulaError):
        parse_formula(f"{left} ~ x", trials=True)
    with pytest.raises(FormulaError):
        parse_formula("a + b ~ x")


def test_two_columns_are_binomial():
    with pytest.raises(DataError, match=r"has 2 columns.*family='binomial'.*I\("):
        formula_door("incidence + size", CBPP, Poisson())
    for family in (None, Poisson()):
        with pytest.raises(FormulaError, match=r"cbind.*family='binomial' only"):
            formula_door("cbind(incidence, size)", CBPP, family)
    with pytest.raises(DataError, match="must be one-dimensional"):
        array_door(np.column_stack([S, N]), Poisson(), CBPP.reset_index())


# ---- other families ------------------------------------------------------------------


@pytest.mark.parametrize(
    "family, value, message",
    [
        (Poisson(), 1.5, "'incidence': .*poisson.*: 1.5 in row r4"),
        (NegativeBinomial(), -1, "'incidence': .*negative_binomial.*: -1 in row r4"),
        (Gamma("log"), 0, "'incidence': .*gamma.* is positive: .*0 in row r4"),
        (InverseGaussian("log"), -2, "is positive: .*-2 in row r4"),
    ],
)
def test_domains_name_the_rows_of_the_user(family, value, message):
    data = CBPP.assign(incidence=S + 1)
    data.loc["r4", "incidence"] = value
    with pytest.raises(DataError, match=message) as caught:
        formula_door("incidence", data, family, subset=np.arange(2, 50))
    assert "counted from 0" not in str(caught.value)
    endog = data.incidence
    with pytest.raises(DataError, match=message):
        design_from_arrays(
            endog, None, [RandomEffects(data.herd)], None, None, "raise", family
        )


@pytest.mark.parametrize(
    "family", [None, Gaussian(), Gamma("log"), Poisson(), NegativeBinomial()]
)
def test_numbers(family):
    expect(formula_door("I(incidence + 1)", CBPP, family), S + 1)
    expect(array_door(S + 1, family, CBPP.reset_index()), S + 1)
    with pytest.raises(DataError, match=r"constant \(2\)"):
        formula_door("two", CBPP.assign(two=2), family)
    with pytest.raises(DataError, match="n_trials= goes with family='binomial' only"):
        formula_door("incidence", CBPP, family, n_trials="size")
    with pytest.raises(DataError, match="n_trials= goes with family='binomial' only"):
        array_door(S, family, CBPP.reset_index(), n_trials=N)
    with pytest.raises(DataError, match="must be numeric"):
        formula_door("herd", CBPP, family)


# ---- exposure ------------------------------------------------------------------------


def test_exposure_is_a_logarithm_in_the_offset():
    o = np.linspace(0, 1, len(CBPP))
    total = np.log(N) + o
    by_name = formula_door("incidence", CBPP, Poisson(), exposure="size", offset=o)
    by_array = formula_door("incidence", CBPP, Poisson(), exposure=N, offset=o)
    both = formula_door(
        "incidence", CBPP.assign(o=o), Poisson(), exposure="size", offset="o"
    )
    arrays = array_door(S, Poisson(), CBPP.reset_index(), exposure=N, offset=o)
    for design in (by_name, by_array, both, arrays):
        np.testing.assert_allclose(design.mean.offset, total, rtol=1e-15)
    flags = [
        (d.mean.offset_argument, d.mean.exposure_argument)
        for d in (by_name, by_array, both, arrays)
    ]
    assert flags == [(True, False), (True, True), (False, False), (True, True)]
    new = Table.from_data({"size": [1.0, np.e], "o": [2.0, 3.0]})
    again = sum(part.values(new) for part in both.mean.offsets)
    np.testing.assert_allclose(again, [2.0, 4.0])
    assert len(by_name.mean.offsets) == 1 and not by_array.mean.offsets


def test_exposure_of_new_data_is_checked():
    design = formula_door("incidence", CBPP, Poisson(), exposure="size")
    (part,) = design.mean.offsets
    with pytest.raises(DataError, match="must be positive, but it is 0 in row 1"):
        part.values(Table.from_data({"size": [1.0, 0.0]}))
    with pytest.raises(MissingColumnError, match="asked for by exposure="):
        part.values(Table.from_data({"n": [1.0, 0.0]}))
    with pytest.raises(MissingValueError, match="exposure="):
        part.values(Table.from_data({"size": [1.0, np.nan]}))


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_exposure_must_be_positive(bad):
    data = changed(n=("r7", bad))
    message = f"exposure= must be positive, but it is {bad:g} in row r7; leave"
    for exposure in ("n", data.n):
        with pytest.raises(DataError, match=message):
            formula_door("incidence", data, Poisson(), exposure=exposure)
    with pytest.raises(DataError, match=r"but it is .* in row 7"):
        array_door(S, Poisson(), CBPP.reset_index(), exposure=data.n.to_numpy())


@pytest.mark.parametrize(
    "family, what",
    [
        (None, "a linear model"),
        (Poisson("sqrt"), "the sqrt link"),
        (Binomial(), "the logit link"),
    ],
)
def test_exposure_needs_a_log_link(family, what):
    message = f"log link only, not with {what}; .* offset="
    with pytest.raises(DataError, match=message):
        formula_door("incidence", CBPP, family, exposure="size")
    with pytest.raises(DataError, match=message):
        array_door(S, family, CBPP.reset_index(), exposure=N)


@pytest.mark.parametrize(
    "right, arguments",
    [("1 + (1 | herd)", {"offset": "size"}), ("offset(size) + (1 | herd)", {})],
)
def test_a_raw_offset_is_warned_of(right, arguments):
    with pytest.warns(MixedModelWarning, match="from 2 to 34.*exposure=.*np.log"):
        formula_door("incidence", CBPP, Poisson(), right, **arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        formula_door("incidence", CBPP, Poisson("sqrt"), right, **arguments)
        formula_door("incidence", CBPP, None, right, **arguments)
        formula_door("incidence", CBPP, Poisson(), offset=np.log(N))
        formula_door("incidence", CBPP, Poisson(), exposure=N)
        formula_door("incidence", CBPP, Poisson(), offset=N - 20)


def test_a_raw_offset_of_arrays_is_warned_of():
    with pytest.warns(MixedModelWarning, match="exposure="):
        array_door(S, Poisson(), CBPP.reset_index(), offset=N)


# ---- missing values ------------------------------------------------------------------


def test_one_mask_for_everything():
    data = changed(
        incidence=("r1", np.nan), failures=("r2", np.nan), n=("r3", np.nan)
    ).assign(share=lambda d: d.incidence / (d.incidence + d.failures))
    exposure = np.where(np.arange(56) == 4, np.nan, 1.0)
    design = formula_door(PAIR, data, Binomial("log"), exposure=exposure)
    kept = np.delete(np.arange(56), [1, 2, 4])
    np.testing.assert_array_equal(design.rows, kept)
    np.testing.assert_array_equal(design.trials, N[kept])
    design = formula_door("share", data, Binomial(), n_trials="n")
    np.testing.assert_array_equal(design.rows, np.delete(np.arange(56), [1, 2, 3]))
    design = formula_door("incidence", data, Poisson(), exposure="n")
    np.testing.assert_array_equal(design.rows, np.delete(np.arange(56), [1, 3]))
    with pytest.raises(MissingValueError, match="incidence, exposure="):
        formula_door("incidence", data, Poisson(), exposure="n", missing="raise")
    with pytest.raises(MissingValueError, match="share, n_trials="):
        formula_door("share", data, Binomial(), n_trials="n", missing="raise")


def test_one_mask_for_arrays():
    n, pair = N.copy(), np.column_stack([S, N - S])
    n[3], pair[1, 0], pair[2, 1] = np.nan, np.nan, np.nan
    frame = CBPP.reset_index()
    design = array_door(pair, Binomial("log"), frame, "drop", exposure=n)
    np.testing.assert_array_equal(design.rows, np.delete(np.arange(56), [1, 2, 3]))
    design = array_door(S / N, Binomial(), frame, "drop", n_trials=n)
    np.testing.assert_array_equal(design.rows, np.delete(np.arange(56), 3))
    with pytest.raises(MissingValueError, match="endog, exposure"):
        array_door(pair, Binomial("log"), frame, exposure=n)
    classes = [None, *TEXT[1:]]
    design = array_door(classes, Binomial(), missing="drop")
    np.testing.assert_array_equal(design.endog, EVENTS[1:])
    with pytest.raises(MissingValueError, match="1 rows have missing values in endog"):
        array_door(classes, Binomial())
    np.testing.assert_array_equal(binary("y", classes).endog, EVENTS[1:])


def test_rows_in_another_order_are_refused():
    frame = CBPP.reset_index(drop=True)
    endog, turned = frame.incidence, frame["size"][::-1]
    for family, name in ((Poisson(), "exposure"), (Binomial(), "n_trials")):
        response = endog if name == "exposure" else endog / frame["size"]
        with pytest.raises(DataError, match=f"{name} has the rows .* another order"):
            array_door(response, family, frame, **{name: turned})
        with pytest.raises(DataError, match=f"{name}= has the rows .*another order"):
            formula_door("incidence", frame, family, **{name: turned})


def test_arrays_do_not_follow_the_user():
    pair, n = np.column_stack([S, N - S]), N.copy()
    design = array_door(pair, Binomial(), CBPP.reset_index())
    events = EVENTS == 1
    other = array_door(events, Binomial())
    third = array_door(S / N, Binomial(), CBPP.reset_index(), n_trials=n)
    pair[:], events[:], n[:] = 0, False, 0
    np.testing.assert_array_equal(design.endog, S)
    np.testing.assert_array_equal(other.endog, EVENTS)
    np.testing.assert_array_equal(third.trials, N)


# ---- identifiability -----------------------------------------------------------------


@pytest.mark.parametrize(
    "family", [Binomial("log"), Poisson(), NegativeBinomial(), Gamma("log")]
)
def test_an_effect_for_each_row_is_overdispersion(family):
    data = CBPP.assign(obs=np.arange(56), s=S + 1, f=N)
    left = "cbind(s, f)" if family.name == "binomial" else "s"
    design = formula_door(left, data, family, RIGHT + " + (1 | obs)")
    assert design.terms[1].grouping.n_levels == design.nobs
    endog = data[["s", "f"]] if family.name == "binomial" else data.s
    terms = [RandomEffects(data.obs)]
    design = design_from_arrays(endog, None, terms, None, None, "raise", family)
    assert design.terms[0].grouping.n_levels == design.nobs


@pytest.mark.parametrize("family", [None, Gaussian(), Gaussian("log")])
def test_an_effect_for_each_row_is_the_residual(family):
    data = CBPP.assign(obs=np.arange(56))
    with pytest.raises(IdentifiabilityError, match="as many levels as there are rows"):
        formula_door("incidence", data, family, RIGHT + " + (1 | obs)")


@pytest.mark.parametrize("family", [None, Gaussian(), Binomial(), Poisson()])
def test_as_many_fixed_effects_as_rows(family):
    right = "C(x) + (1 | g)"
    with pytest.raises(IdentifiabilityError, match="8 fixed effects for 8 rows"):
        formula_door("y", BINARY, family, right)


def test_empty_levels_of_a_grouping_factor_are_dropped():
    levels = [*"abcdefg"]
    data = BINARY.assign(g=pd.Categorical(BINARY.g, categories=levels))
    design = formula_door("y", data, Binomial(), "x + (1 | g)")
    assert list(design.terms[0].grouping.levels) == [*"abcd"]


def test_negative_weights():
    with pytest.raises(DataError, match=r"weights= has 8 negative .* 0 or more"):
        binary("y", weights=-np.ones(8))
