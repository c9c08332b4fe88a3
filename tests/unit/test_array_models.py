"""A model built from arrays is the model of the formula, in new rows too."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.iolib.smpickle import load_pickle

import statsmodels_mixed as smm
from statsmodels_mixed.errors import (
    DataError,
    MissingColumnError,
    MissingValueError,
    NewLevelError,
    RankDeficiencyWarning,
)
from statsmodels_mixed.models.random import as_terms

pytestmark = pytest.mark.filterwarnings(
    "ignore::statsmodels_mixed.errors.RankDeficiencyWarning"
)

SLEEP = smm.datasets.load("sleepstudy")
PENICILLIN = smm.datasets.load("penicillin")
KNOWN = 1e-12


def ones(data):
    return np.ones(len(data))


def columns(*names):
    """Fixed-effects matrix: a constant and columns of the data."""
    return lambda data: np.column_stack([ones(data), *(data[n] for n in names)])


class Twin:
    """A model from a formula and from arrays, with the new rows of both."""

    def __init__(self, formula, data, exog, random, extra=None, fresh=None, **options):
        self.exog, self.random = exog, random
        self.formula = smm.lmm(formula, data, **options).fit()
        y = data[formula.split()[0]].to_numpy()
        self.arrays = smm.LMM(y, exog(data), random(data), **options).fit()
        self.seen = data.iloc[[3, 50, 77, 20, 111]].assign(**(extra or {}))
        self.new = self.seen.assign(**fresh)

    def both(self, method, data, **options):
        """What the two models say of the same new rows."""
        given = {"random_data": self.random(data)}
        expected = getattr(self.formula, method)(data, **options)
        got = getattr(self.arrays, method)(self.exog(data), **given, **options)
        return got, expected


def sleep():
    def random(data):
        return [(data.Subject.to_numpy(), columns("Days")(data))]

    return Twin(
        "Reaction ~ Days + (Days | Subject)",
        SLEEP,
        columns("Days"),
        random,
        {"Days": [1.5, 0.0, -2.0, 12.0, 3.0]},
        {"Subject": ["new", "308", "309", "other", "new"]},
    )


def penicillin():
    data = PENICILLIN.assign(x=np.sin(np.arange(144.0)))

    def random(data):
        return [data.plate.to_numpy(), smm.RandomEffects(data["sample"].to_numpy())]

    return Twin(
        "diameter ~ x + (1 | plate) + (1 | sample)",
        data,
        columns("x"),
        random,
        fresh={"plate": ["a", "b", "zz", "c", "d"]},
    )


def aliased():
    data = SLEEP.assign(
        twice=2.0 * SLEEP.Days, z=np.cos(np.arange(180.0)), w=SLEEP.Days + 1.0
    )

    def random(data):
        z = np.column_stack([data.z, data.Days])
        return [smm.RandomEffects(data.Subject.to_numpy(), z, structure="diag")]

    return Twin(
        "Reaction ~ Days + twice + z + (0 + z + Days || Subject)",
        data,
        columns("Days", "twice", "z"),
        random,
        fresh={"Subject": ["new", "308", "309", "other", "new"]},
        weights=data.w.to_numpy(),
    )


TWINS = {"sleepstudy": sleep, "penicillin": penicillin, "rank-deficient": aliased}


@pytest.fixture(scope="module", params=TWINS)
def twin(request):
    return TWINS[request.param]()


# ---- the same model -------------------------------------------------------------


def test_estimates(twin):
    got, expected = twin.arrays, twin.formula
    for name in ("params", "bse", "fittedvalues", "fitted_marginal", "resid_pearson"):
        assert_allclose(getattr(got, name), getattr(expected, name), rtol=KNOWN)
    assert_allclose(got.llf, expected.llf, rtol=KNOWN)
    assert_allclose(got.varcorr().vcov, expected.varcorr().vcov, rtol=KNOWN)
    assert_allclose(got.simulate(3, rng=1), expected.simulate(3, rng=1), rtol=KNOWN)
    test = got.wald_test_terms(scalar=True).table
    assert_allclose(
        test.statistic, expected.wald_test_terms(scalar=True).table.statistic
    )


@pytest.mark.parametrize("what", ["random_effects", "coef"])
def test_modes_and_coefficients(twin, what):
    got, expected = getattr(twin.arrays, what), getattr(twin.formula, what)
    if what == "coef":
        got, expected = got(), expected()
    for ours, theirs in zip(got.values(), expected.values(), strict=True):
        assert list(ours.index) == list(theirs.index)
        scale = np.abs(theirs.to_numpy()).max()
        assert ours.shape == theirs.shape
        assert_allclose(ours, theirs, rtol=KNOWN, atol=KNOWN * scale)


# ---- new rows -------------------------------------------------------------------


@pytest.mark.parametrize("random", ["none", "conditional"])
def test_predict(twin, random):
    got, expected = twin.both("predict", twin.seen, random=random)
    assert isinstance(got, np.ndarray)
    assert_allclose(got, expected, rtol=KNOWN)


def test_new_levels(twin):
    options = {"random": "conditional", "new_levels": "population"}
    got, expected = twin.both("predict", twin.new, **options)
    assert_allclose(got, expected, rtol=KNOWN)
    with pytest.raises(NewLevelError, match="new_levels='population'"):
        twin.arrays.predict(
            twin.exog(twin.new),
            random="conditional",
            random_data=twin.random(twin.new),
        )


def test_summary_frame(twin):
    got, expected = twin.both("get_prediction", twin.new)
    frame = got.summary_frame(alpha=0.1)
    assert_allclose(frame, expected.summary_frame(alpha=0.1), rtol=KNOWN)
    assert np.isfinite(frame).all(axis=None)
    own = twin.arrays.get_prediction().summary_frame()
    assert_allclose(own, twin.formula.get_prediction().summary_frame(), rtol=KNOWN)


def test_effects_that_repeat_fixed_columns_need_not_be_given(twin):
    exog, given = twin.exog(twin.seen), twin.random(twin.seen)
    plain = [item.groups for item in as_terms(given)]
    expected = twin.arrays.predict(exog, random="conditional", random_data=given)
    got = twin.arrays.predict(exog, random="conditional", random_data=plain)
    assert_array_equal(got, expected)
    frame = twin.arrays.get_prediction(exog, random_data=given).summary_frame()
    assert_array_equal(twin.arrays.get_prediction(exog).summary_frame(), frame)


def test_saved_and_without_data(twin, tmp_path):
    exog = twin.exog(twin.seen)
    options = {"random": "conditional", "random_data": twin.random(twin.seen)}
    expected = twin.arrays.predict(exog, **options)
    fit = pickle.loads(pickle.dumps(twin.arrays))
    fit.save(tmp_path / "fit.pickle")
    loaded = load_pickle(tmp_path / "fit.pickle")
    assert_array_equal(loaded.predict(exog, **options), expected)
    frame = fit.get_prediction(exog).summary_frame()
    loaded.remove_data()
    loaded = pickle.loads(pickle.dumps(loaded))
    assert_array_equal(loaded.predict(exog, **options), expected)
    pd.testing.assert_frame_equal(loaded.get_prediction(exog).summary_frame(), frame)


def test_offset_of_new_rows():
    offset = np.cos(np.arange(180.0)) * 30.0
    x = columns("Days")(SLEEP)
    fit = smm.LMM(SLEEP.Reaction, x, [(SLEEP.Subject, x)], offset=offset).fit()
    for random, own in (
        ("none", fit.fitted_marginal),
        ("conditional", fit.fittedvalues),
    ):
        options = {"random": random, "random_data": [SLEEP.Subject.to_numpy()]}
        got = fit.predict(x, offset=offset, **options)
        assert_allclose(got, own, rtol=KNOWN)
    for wrong, word in ((None, "give offset="), ("o", "'o'"), ([1.0], "length 1")):
        with pytest.raises(DataError, match=word):
            fit.predict(x, offset=wrong)


def test_fewer_rows_than_given_and_other_kinds_of_labels():
    data = SLEEP.assign(Subject=SLEEP.Subject.astype(float))
    y = data.Reaction.to_numpy(copy=True)
    y[7] = np.nan
    x = columns("Days")(data)
    fit = smm.LMM(y, x, [(data.Subject, x)], missing="drop").fit()
    expected = fit.fittedvalues.iloc[:3]
    for groups in (data.Subject[:3], [308, 308, 308], data.Subject[:3].astype(int)):
        given = {"random": "conditional", "random_data": [groups]}
        assert_allclose(fit.predict(x[:3], **given), expected, rtol=KNOWN)


def test_effects_that_are_no_fixed_columns():
    x, z = columns()(SLEEP), SLEEP[["Days"]].to_numpy()
    fit = smm.LMM(SLEEP.Reaction, x, [(SLEEP.Subject, z)]).fit()
    same = smm.lmm("Reaction ~ 1 + (0 + Days | Subject)", SLEEP).fit()
    assert list(fit.random_effects["Subject"]) == ["z1"]
    new = SLEEP.iloc[[4, 90]].assign(Days=[2.5, 11.0])
    given = [smm.RandomEffects(new.Subject.to_numpy(), new.Days.to_numpy())]
    got = fit.predict(np.ones((2, 1)), random="conditional", random_data=given)
    assert_allclose(got, same.predict(new, random="conditional"), rtol=KNOWN)
    intervals = fit.get_prediction(np.ones((2, 1)), random_data=[(None, new.Days)])
    expected = same.get_prediction(new)
    assert_allclose(intervals.se_obs, expected.se_obs, rtol=KNOWN)


def test_model_without_fixed_effects():
    groups = SLEEP.Subject.to_numpy()
    fit = smm.LMM(SLEEP.Reaction, None, [groups]).fit()
    given = {"random": "conditional", "random_data": [groups[:2]]}
    got = fit.predict(np.empty((2, 0)), **given)
    assert_allclose(got, fit.fittedvalues.iloc[:2], rtol=KNOWN)
    with pytest.raises(DataError, match=r"np\.empty"):
        fit.predict(**given)


def test_an_effect_has_the_name_of_the_coefficient_it_varies_about():
    x = np.column_stack([SLEEP.Days**2, SLEEP.Days, ones(SLEEP)])
    fit = smm.LMM(SLEEP.Reaction, x, [SLEEP.Subject, (SLEEP.Subject, x[:, 1])]).fit()
    assert list(fit.params.index) == ["x1", "x2", "const"]
    assert list(fit.random_effects["Subject"]) == ["const", "x2"]
    same = smm.lmm("Reaction ~ I(Days**2) + Days + (Days || Subject)", SLEEP).fit()
    ours, theirs = fit.coef()["Subject"], same.coef()["Subject"]
    assert_allclose(ours[["const", "x2"]], theirs[["Intercept", "Days"]], rtol=1e-6)


# ---- columns of the matrix ------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "const": 1.0,
        "twice": 2.0 * SLEEP.Days,
        "Days": SLEEP.Days,
        "late": SLEEP.Days > 5,
    }
)


@pytest.fixture(scope="module")
def named():
    with pytest.warns(RankDeficiencyWarning, match="Days"):
        model = smm.LMM(SLEEP.Reaction, FRAME, [SLEEP.Subject])
    return model.fit()


def test_columns_that_were_dropped_may_be_there_or_not(named):
    assert list(named.params.index) == ["const", "twice", "late"]
    expected = named.fitted_marginal.iloc[:3]
    new = FRAME.iloc[:3]
    kept = ["const", "twice", "late"]
    for given in (
        new,
        new[kept],
        new[["late", "Days", "twice", "const"]],
        new[["late", "twice", "const"]].assign(other="not read"),
        new.astype(float).to_numpy(),
        new[kept].astype(float).to_numpy(),
    ):
        got = named.predict(given)
        assert_allclose(got, expected, rtol=KNOWN)
        assert_allclose(
            named.get_prediction(given).predicted_mean, expected, rtol=KNOWN
        )
        assert_allclose(named.model.predict(named.params, given), expected, rtol=KNOWN)
    assert list(named.predict(new).index) == [0, 1, 2]
    assert_allclose(named.predict(new.iloc[1]), expected[1:2], rtol=KNOWN)
    assert_allclose(named.predict([1.0, 2.0, 0.0]), expected[1:2], rtol=KNOWN)


def test_coded_columns_of_a_formula():
    data = SLEEP.assign(twice=2.0 * SLEEP.Days)
    fit = smm.lmm("Reaction ~ Days + twice + (1 | Subject)", data).fit()
    full = columns("Days", "twice")(data)
    for matrix in (full, full[:, :2], pd.DataFrame(full[:, :2])):
        got = fit.predict(matrix, transform=False)
        assert_allclose(got, fit.fitted_marginal, rtol=KNOWN)
    with pytest.raises(DataError, match="transform=False"):
        fit.predict(full, transform=False, random="conditional")


# ---- what is refused ------------------------------------------------------------

X = columns("Days")(SLEEP)[:3]
G = SLEEP.Subject.to_numpy()[:3]
Z = np.column_stack([ones(SLEEP), np.sin(SLEEP.Days)])[:3]


@pytest.fixture(scope="module")
def fit():
    z = np.column_stack([ones(SLEEP), np.sin(SLEEP.Days)])
    terms = [(SLEEP.Subject, z), smm.RandomEffects(SLEEP.Days % 3, name="day")]
    return smm.LMM(SLEEP.Reaction, columns("Days")(SLEEP), terms).fit()


DAY = np.zeros(3)
BAD = {
    "no random data": (DataError, ("random_data=", "groups"), None),
    "too few terms": (DataError, ("1 terms", "model 2", "| day"), [(G, Z)]),
    "too many": (DataError, ("3 terms", "| Subject"), [(G, Z), DAY, DAY]),
    "no list": (DataError, ("random_data=", "list"), DAY),
    "groups of another length": (
        DataError,
        ("random_data[1]", "length 2", "3 rows"),
        [(G, Z), DAY[:2]],
    ),
    "effects of another length": (
        DataError,
        ("random_data[0]: exog", "2 rows", "3"),
        [(G, Z[:2]), DAY],
    ),
    "effects of another width": (
        DataError,
        ("random_data[0]: exog", "(3, 1)", "const, z1"),
        [(G, Z[:, :1]), DAY],
    ),
    "no effects": (DataError, ("const, z1", "entry 0"), [G, DAY]),
    "no groups": (DataError, ("term 1",), [(G, Z), (None, None)]),
    "other order": (
        DataError,
        ("random_data[0]", "'day'", "'Subject'"),
        [(pd.Series(G, name="day"), Z), DAY],
    ),
    "text": (DataError, ("random_data[0]", "numeric"), [(G, Z.astype(str) + "a"), DAY]),
    "missing effects": (MissingValueError, ("random_data[0]",), [(G, Z * np.nan), DAY]),
    "unseen level": (NewLevelError, ("'day'", "7"), [(G, Z), DAY + 7.0]),
    "missing label": (NewLevelError, ("'Subject'",), [(np.array([None] * 3), Z), DAY]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_random_data_are_refused(fit, case):
    kind, words, given = BAD[case]
    good = [(G, Z), DAY]
    fit.predict(X, random="conditional", random_data=good)
    with pytest.raises(kind) as caught:
        fit.predict(X, random="conditional", random_data=given)
    text = str(caught.value)
    assert [word for word in words if word not in text] == [], text


def test_rows_in_another_order_are_refused(fit):
    exog = pd.DataFrame(X, columns=["const", "x1"])
    groups = pd.Series(G)
    given = {"random": "conditional", "random_data": [(groups, Z), DAY]}
    assert list(fit.predict(exog, **given).index) == [0, 1, 2]
    given["random_data"] = [(groups[::-1], Z), DAY]
    with pytest.raises(DataError, match=r"random_data\[0\]: groups.*another order"):
        fit.predict(exog, **given)


def test_intervals_need_the_effects(fit):
    with pytest.raises(DataError, match="random_data="):
        fit.get_prediction(X)
    frame = fit.get_prediction(X, random_data=[(None, Z), None]).summary_frame()
    assert np.isfinite(frame).all(axis=None)


def test_random_data_where_there_is_no_place_for_them(fit):
    with pytest.raises(DataError, match="give their exog"):
        fit.predict(random="conditional", random_data=[(G, Z), DAY])
    formula = smm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP).fit()
    with pytest.raises(DataError, match="built from arrays"):
        formula.predict(SLEEP, random="conditional", random_data=[SLEEP.Subject])


def test_wrong_matrices(named):
    new = FRAME.iloc[:3].astype(float)
    with pytest.raises(DataError, match=r"\(3, 2\).*const, twice, Days, late.*or for"):
        named.predict(new.to_numpy()[:, :2])
    with pytest.raises(MissingColumnError, match="'late'"):
        named.predict(new.drop(columns="late"))
    with pytest.raises(MissingColumnError, match="'twice'"):
        named.predict(new.rename(columns={"twice": "Twice"}))
    with pytest.raises(DataError, match="numeric"):
        named.predict(new.astype(str) + "a")
    with pytest.raises(MissingValueError, match="late in exog"):
        named.predict(new.assign(late=np.nan))
    assert_allclose(  # of a column that is not needed nothing is asked
        named.predict(new.assign(Days=np.nan)), named.predict(new), rtol=KNOWN
    )
