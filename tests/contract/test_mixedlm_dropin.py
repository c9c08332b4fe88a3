"""`smm.mixedlm` takes the calls people wrote for `smf.mixedlm`, unchanged.

Each call is a function of the shortcut; it is run with statsmodels' and with ours.
The criteria are compared at the covariances where statsmodels stopped, to 1e-8, so
that its optimiser, which fails on a third of these calls, does not matter.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import statsmodels_mixed as smm
from statsmodels_mixed.errors import (
    DataError,
    MissingColumnError,
    MissingValueError,
)


def growth(n_pigs=24, seed=11):
    """Weights of pigs in litters over weeks, as in dietox."""
    rng = np.random.default_rng(seed)
    pig = np.repeat(np.arange(n_pigs), 8)
    time = np.tile(np.arange(1.0, 9.0), n_pigs)
    litter = pig // 3
    pen = (np.arange(len(pig)) // 4) % 6
    diet = np.where(pig % 2, "a", "b")
    b = rng.multivariate_normal([0, 0], [[9.0, 0.6], [0.6, 0.25]], n_pigs)
    weight = 20.0 + 6.0 * time + b[pig, 0] + b[pig, 1] * time
    weight += 2.0 * rng.normal(size=n_pigs)[litter] + 1.5 * rng.normal(size=6)[pen]
    weight += 0.5 * (diet == "a") + rng.normal(scale=1.2, size=len(pig))
    return pd.DataFrame(
        {
            "Weight": weight,
            "Time": time,
            "Pig": pig + 4000,
            "Litter": litter,
            "Pen": pen,
            "Diet": diet,
        }
    )


DATA = growth()
ONE = np.ones(len(DATA))

CALLS = {
    "groups by name": lambda f, **k: f("Weight ~ Time", DATA, groups="Pig").fit(**k),
    "groups as a column": lambda f, **k: f(
        "Weight ~ Time", DATA, groups=DATA["Pig"]
    ).fit(**k),
    "groups as an array": lambda f, **k: f(
        "Weight ~ Time", data=DATA, groups=DATA.Pig.to_numpy()
    ).fit(**k),
    "method as a list": lambda f, **k: f("Weight ~ Time", DATA, groups="Pig").fit(
        method=["lbfgs"], **k
    ),
    "method and more": lambda f, **k: f("Weight ~ Time", DATA, groups="Pig").fit(
        method="lbfgs", maxiter=500, full_output=True, disp=False, **k
    ),
    "factor": lambda f, **k: f("Weight ~ Time * C(Diet)", DATA, groups="Pig").fit(
        method=["lbfgs"], **k
    ),
    "slope": lambda f, **k: f(
        "Weight ~ Time", DATA, groups=DATA["Pig"], re_formula="~Time"
    ).fit(method=["lbfgs"], **k),
    "slope without a tilde": lambda f, **k: f(
        "Weight ~ Time", DATA, groups="Pig", re_formula="1 + Time"
    ).fit(method=["lbfgs"], **k),
    "intercept by formula": lambda f, **k: f(
        "Weight ~ Time", DATA, groups="Pig", re_formula="1"
    ).fit(method=["lbfgs"], **k),
    "nested by vc_formula": lambda f, **k: f(
        "Weight ~ Time",
        DATA,
        groups="Litter",
        re_formula="1",
        vc_formula={"pig": "0 + C(Pig)"},
    ).fit(method=["lbfgs"], **k),
    "uncorrelated slope by vc_formula": lambda f, **k: f(
        "Weight ~ Time",
        DATA,
        groups="Pig",
        re_formula="1",
        vc_formula={"slope": "0 + Time"},
    ).fit(method=["lbfgs"], **k),
    "slope of a nested factor": lambda f, **k: f(
        "Weight ~ Time",
        DATA,
        groups="Litter",
        vc_formula={"pig": "0 + C(Pig)", "slope": "0 + C(Pig):Time"},
    ).fit(method=["lbfgs"], **k),
    "components alone": lambda f, **k: f(
        "Weight ~ Time", DATA, groups="Litter", vc_formula={"pig": "0 + C(Pig)"}
    ).fit(method=["lbfgs"], **k),
    "crossed in one group": lambda f, **k: f(
        "Weight ~ Time",
        DATA,
        groups=ONE,
        vc_formula={"pig": "0 + C(Pig)", "pen": "0 + C(Pen)"},
    ).fit(method=["lbfgs"], **k),
}


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", CALLS)
def test_calls_run_unchanged_and_agree(name, reml):
    call = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels' own, about convergence
        theirs = call(smf.mixedlm, reml=reml)
    ours = call(smm.mixedlm, reml=reml)
    assert ours.converged and ours.reml == reml
    relative = _relative_covariances(theirs)
    assert [c.shape for c in relative] == [(t.k, t.k) for t in ours.model.terms]
    at_theirs = ours.model.deviance_at(relative, reml=reml)
    np.testing.assert_allclose(-0.5 * at_theirs, theirs.llf, rtol=1e-8)
    assert ours.llf >= theirs.llf - 1e-7
    assert list(ours.params.index) == list(theirs.fe_params.index)
    if name in REACHED:
        assert ours.llf - theirs.llf < 1e-4
        np.testing.assert_allclose(ours.params, theirs.fe_params, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(ours.scale, theirs.scale, rtol=5e-3)
        # theirs are from the inverse of the whole observed information
        np.testing.assert_allclose(ours.bse, theirs.bse_fe, rtol=5e-2)
        for got, expected in zip(ours.fit_record.covariances, relative, strict=True):
            np.testing.assert_allclose(got, expected * theirs.scale, rtol=2e-2)


def _relative_covariances(theirs):
    """Of statsmodels' estimates, in the order of our terms: as written."""
    cov_re = np.asarray(theirs.cov_re)
    names = theirs.model.exog_vc.names  # sorted
    order = {"pig": 0, "slope": 1, "pen": 1}
    components = sorted(
        zip(names, theirs.vcomp, strict=True), key=lambda c: order[c[0]]
    )
    terms = [cov_re] if len(cov_re) else []
    return [
        m / theirs.scale for m in [*terms, *(np.array([[v]]) for _, v in components)]
    ]


# calls where statsmodels' optimiser gets to the optimum, by REML and by ML
REACHED = {
    "groups by name",
    "groups as a column",
    "groups as an array",
    "method as a list",
    "method and more",
    "factor",
    "intercept by formula",
    "nested by vc_formula",
    "components alone",
    "crossed in one group",
}


def test_slope_without_intercept():
    """statsmodels fails with "Singular matrix" here."""
    fit = smm.mixedlm("Weight ~ Time", DATA, groups="Pig", re_formula="0 + Time").fit(
        method=["lbfgs"]
    )
    own = smm.lmm("Weight ~ Time + (0 + Time | Pig)", DATA).fit()
    np.testing.assert_allclose(fit.deviance, own.deviance, rtol=1e-12)


def test_lme4_bars_in_the_formula():
    bars = smm.mixedlm("Weight ~ Time + (Time | Pig) + (1 | Pen)", DATA).fit()
    own = smm.lmm("Weight ~ Time + (Time | Pig) + (1 | Pen)", DATA).fit()
    assert bars.deviance == own.deviance
    both = smm.mixedlm(
        "Weight ~ Time + (1 | Pen)", DATA, groups="Pig", re_formula="~Time"
    ).fit()
    np.testing.assert_allclose(both.deviance, own.deviance, rtol=1e-10)


def test_sleepstudy_is_lme4s():
    data = smm.datasets.load("sleepstudy")
    fit = smm.mixedlm(
        "Reaction ~ Days", data, groups=data["Subject"], re_formula="~Days"
    ).fit(method=["lbfgs"])
    np.testing.assert_allclose(fit.deviance, 1743.628272, atol=1e-5)
    assert list(fit.random_effects) == ["Subject"]


def test_subset_is_honoured():
    """statsmodels 0.15 ignores it silently."""
    keep = (DATA.Time > 2).to_numpy()
    fit = smm.mixedlm("Weight ~ Time", DATA, groups="Pig", subset=keep).fit()
    same = smm.mixedlm("Weight ~ Time", DATA[keep], groups="Pig").fit()
    assert fit.nobs == keep.sum()
    np.testing.assert_allclose(fit.params, same.params, rtol=1e-10)
    with_array = smm.mixedlm(
        "Weight ~ Time", DATA, groups=DATA.Pig.to_numpy(), subset=keep
    ).fit()
    np.testing.assert_allclose(with_array.params, same.params, rtol=1e-10)


def test_missing_values():
    data = DATA.copy()
    data.loc[3, "Time"] = np.nan
    data["Pig"] = data.Pig.where(data.index != 50)
    with pytest.raises(MissingValueError, match="missing='drop'"):
        smm.mixedlm("Weight ~ Time", data, groups="Pig")
    fit = smm.mixedlm("Weight ~ Time", data, groups="Pig", missing="drop").fit()
    theirs = smf.mixedlm("Weight ~ Time", data, groups="Pig", missing="drop").fit()
    assert fit.nobs == theirs.nobs == 190
    np.testing.assert_allclose(fit.params, theirs.fe_params, rtol=1e-5)
    by_array = smm.mixedlm(
        "Weight ~ Time", data, groups=data.Pig.to_numpy(), missing="drop"
    ).fit()
    np.testing.assert_allclose(by_array.params, fit.params, rtol=1e-10)


def test_weights_and_offset_work_here():
    data = DATA.assign(w=np.linspace(1, 2, len(DATA)), o=np.sin(DATA.Time))
    fit = smm.mixedlm(
        "Weight ~ Time", data, groups="Pig", weights="w", offset="o"
    ).fit()
    own = smm.lmm("Weight ~ Time + (1 | Pig)", data, weights="w", offset="o").fit()
    assert fit.deviance == own.deviance


def test_names_of_the_caller_are_found():
    power = 2

    def call(f):
        assert power == 2
        return f("Weight ~ I(Time ** power)", DATA, groups="Pig").fit()

    np.testing.assert_allclose(
        call(smm.mixedlm).params, call(smf.mixedlm).fe_params, rtol=1e-5
    )


def test_dict_and_polars_data():
    pl = pytest.importorskip("polars")
    expected = smm.mixedlm("Weight ~ Time", DATA, groups="Pig").fit().deviance
    columns = {c: DATA[c].to_numpy() for c in ("Weight", "Time", "Pig")}
    for data in (columns, pl.DataFrame(columns)):
        for groups in ("Pig", columns["Pig"]):
            fit = smm.mixedlm("Weight ~ Time", data, groups=groups).fit()
            np.testing.assert_allclose(fit.deviance, expected, rtol=1e-12)


def test_column_called_like_an_unnamed_array():
    data = DATA.assign(Group=1.0)
    fit = smm.mixedlm("Weight ~ Time", data, groups=DATA.Pig.to_numpy()).fit()
    assert list(fit.ngroups.values()) == [24]


def test_what_would_change_the_estimates_is_refused():
    model = smm.mixedlm("Weight ~ Time", DATA, groups="Pig")
    for name in ("free", "cov_pen", "fe_pen", "start_params"):
        with pytest.raises(DataError, match=name):
            model.fit(**{name: object()})


def test_bad_calls():
    with pytest.raises(DataError, match="groups="):
        smm.mixedlm("Weight ~ Time", DATA)
    with pytest.raises(MissingColumnError, match="'Pig'"):
        smm.mixedlm("Weight ~ Time", DATA, groups="pig")
    with pytest.raises(DataError, match="length 3"):
        smm.mixedlm("Weight ~ Time", DATA, groups=[1, 2, 3])
    with pytest.raises(DataError, match=r"vc_formula\['a'\]"):
        smm.mixedlm("Weight ~ Time", DATA, groups="Pig", vc_formula={"a": "(1 | Pen)"})


def test_summary_and_pickle_of_the_dropin():
    import pickle

    fit = smm.mixedlm("Weight ~ Time", DATA, groups="Pig", re_formula="~Time").fit()
    again = pickle.loads(pickle.dumps(fit))
    assert again.summary().as_text() == fit.summary().as_text()
    new = DATA.iloc[:5]
    np.testing.assert_array_equal(
        again.predict(new, random="conditional"), fit.predict(new, random="conditional")
    )
