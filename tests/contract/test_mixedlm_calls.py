"""Calls of statsmodels' documentation, examples and tests, run with both.

`test_mixedlm_dropin` compares criteria at statsmodels' estimates; here the end counts:
our log-likelihood is never the lower one, and where statsmodels arrives it is the same.
"""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from statsmodels.regression.mixed_linear_model import MixedLMParams, VCSpec

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError, FormulaError, MixedModelWarning

THEIRS = SimpleNamespace(mixedlm=smf.mixedlm, MixedLM=sm.MixedLM)


def growth(seed=5, n=30):
    rng = np.random.default_rng(seed)
    pig, time = np.repeat(np.arange(n), 8), np.tile(np.arange(1.0, 9.0), n)
    b = rng.multivariate_normal([0, 0], [[6.0, 0.3], [0.3, 0.3]], n)
    early = np.where(time < 4, "e", "l")
    bump = 2.0 * rng.normal(size=(n, 2))[pig, (time < 4).astype(int)]
    z = rng.normal(size=len(pig))
    part = np.tile([0, 1], len(pig) // 2)
    y = 20 + 6 * time + b[pig, 0] + b[pig, 1] * time + bump
    y += (
        0.8 * z * rng.normal(size=n)[pig]
        + 1.5 * rng.normal(size=(n // 3, 2))[pig // 3, part]
    )
    y += rng.normal(scale=1.2, size=len(pig))
    columns = {"Weight": y, "Time": time, "Pig": pig + 4000, "Litter": pig // 3}
    columns |= {
        "Early": early,
        "z": z,
        "Part": part,
        "Diet": np.where(pig % 2, "a", "b"),
    }
    return pd.DataFrame(columns)


def pupils(seed=3):
    """Schools, classrooms in them, pupils: the example of vc_formula's docstring."""
    rng = np.random.default_rng(seed)
    school, room = np.repeat(np.arange(16), 20), np.tile(np.repeat(np.arange(4), 5), 16)
    pretest, age = rng.normal(size=320), rng.uniform(8, 12, 320)
    score = (
        2 * rng.normal(size=16)[school] + 1.5 * rng.normal(size=(16, 4))[school, room]
    )
    score += (1 + rng.normal(size=16)[school]) * pretest + age + rng.normal(size=320)
    columns = {"test_score": score, "age": age, "pretest": pretest}
    return pd.DataFrame({**columns, "school": school, "classroom": room})


PIGS, PUPILS = growth(), pupils()
PASTES = smm.datasets.load("pastes")
SLEEP = smm.datasets.load("sleepstudy")
EXOG = sm.add_constant(PIGS.Time.to_numpy())
RE = PIGS[["Time", "z"]].to_numpy()
ROOM = {"classroom": "0 + C(classroom)"}


def component(columns):
    """A component as statsmodels' deprecated dict of dicts has it."""
    rows = PIGS.groupby("Pig").indices
    return {g: np.asarray(columns)[at] for g, at in rows.items()}


def vc_spec():
    mats = component(PIGS[["Time", "z"]])
    names = [["Time", "z"]] * len(mats)
    return VCSpec(["a"], [names], [[mats[g] for g in sorted(mats)]])


def independent(k):
    return MixedLMParams.from_components(fe_params=np.ones(2), cov_re=np.eye(k))


def by_formula(formula, data, **given):
    """A call of mixedlm with these arguments; `fit=` holds those of fit."""
    options = given.pop("fit", {})
    return lambda m: m.mixedlm(formula, data, **given).fit(**options)


def pigs(**given):
    return by_formula("Weight ~ Time", PIGS, **{"groups": "Pig", **given})


def vc(text, **given):
    return pigs(vc_formula={"a": text}, **given)


def arrays(fit=None, **given):
    return lambda m: m.MixedLM(PIGS.Weight, EXOG, PIGS.Pig, **given).fit(**(fit or {}))


CALLS = {
    "plain": pigs(groups=PIGS["Pig"]),
    "data first by name": lambda m: m.mixedlm(
        formula="Weight ~ Time", data=PIGS, groups=PIGS["Pig"]
    ).fit(),
    "positional re_formula": lambda m: m.mixedlm(
        "Weight ~ Time", PIGS, "~Time", groups="Pig"
    ).fit(method=["lbfgs"]),
    "intercept": pigs(re_formula="1", fit={"method": "nm", "maxiter": 2000}),
    "slope": pigs(re_formula="~Time", fit={"method": ["powell", "lbfgs"]}),
    "1 + slope": pigs(re_formula="1 + Time", fit={"method": "cg", "reml": False}),
    "slope alone": by_formula(
        "test_score ~ age + pretest", PUPILS, groups="school", re_formula="0 + pretest"
    ),
    "two slopes": pigs(re_formula="0 + Time + z", fit={"method": "bfgs"}),
    "use_sqrt": pigs(use_sqrt=False, fit={"method": "lbfgs"}),
    "use_sparse": vc("0 + Early", use_sparse=True),
    "missing": by_formula(
        "Weight ~ Time",
        PIGS.assign(Time=PIGS.Time.where(PIGS.index % 17 > 0)),
        groups="Pig",
        re_formula="1",
        vc_formula={"a": "0 + z"},
        missing="drop",
    ),
    "tolerances": pigs(fit={"gtol": 1e-8, "maxiter": 300, "method": "bfgs"}),
    "lbfgs options": pigs(
        fit={"ftol": 1e-12, "eps": 1e-9, "maxcor": 20, "maxls": 30, "method": "lbfgs"}
    ),
    "history": pigs(fit={"full_output": True, "niter_sa": 0, "do_cg": True}),
    "start array": pigs(re_formula="~z", fit={"start_params": [1.0, 0.1, 1.0]}),
    "start with fixed effects": pigs(fit={"start_params": [1.0, 6.0, 2.0]}),
    "start object": pigs(
        re_formula="1",
        vc_formula={"b": "0 + z", "a": "0 + Early"},
        fit={
            "start_params": MixedLMParams.from_components(
                np.zeros(2), np.eye(1), vcomp=np.array([2.0, 0.5])
            )
        },
    ),
    "classrooms": by_formula(
        "test_score ~ age", PUPILS, vc_formula=ROOM, re_formula="1", groups="school"
    ),
    "pretest component": by_formula(
        "test_score ~ age + pretest",
        PUPILS,
        vc_formula={**ROOM, "pretest": "0 + pretest"},
        re_formula="1",
        groups="school",
    ),
    "pretest slope": by_formula(
        "test_score ~ age + pretest",
        PUPILS,
        vc_formula=ROOM,
        re_formula="1 + pretest",
        groups="school",
        fit={"method": "lbfgs"},
    ),
    "crossed": by_formula(
        "test_score ~ age + pretest",
        PUPILS,
        vc_formula={**ROOM, "school": "0 + C(school)"},
        groups=np.ones(len(PUPILS)),
    ),
    "pastes": by_formula(
        "strength ~ 1",
        PASTES,
        groups="batch",
        re_formula="1",
        vc_formula={"cask": "0 + cask"},
        fit={"reml": False},
    ),
    "pastes by name": by_formula(
        "strength ~ 1", PASTES, groups="batch", vc_formula={"s": "0 + C(sample)"}
    ),
    "component 1": vc("1"),
    "component ~1": vc("~1"),
    "factor": vc("C(Time)"),
    "text": vc("0 + Early"),
    "text without 0": vc("Early"),
    "condition": vc("0 + I(Time > 4)"),
    "interaction": vc("Early:z"),
    "crossed text": vc("0 + Early:C(Part)"),
    "minus one": vc("z - 1"),
    "two columns": vc("0 + Time + z"),
    "column and intercept": vc("Time + z"),
    "spline": vc("0 + bs(Time, df=4)"),
    "spline by factor": vc("0 + Early:bs(Time, df=3)"),
    "powers": vc("0 + Time + I(Time**2)"),
    "collinear": vc("0 + Time + I(2 * Time)"),
    "two factors": pigs(groups="Litter", vc_formula={"a": "0 + C(Early) + C(Part)"}),
    "factor and column": pigs(
        vc_formula={"b": "0 + z", "a": "1 + Early"}, re_formula="1"
    ),
    "arrays": arrays(),
    "arrays: exog_re": arrays(exog_re=EXOG, fit={"method": "lbfgs"}),
    "arrays: one column": arrays(exog_re=PIGS.z),
    "arrays: free": arrays(exog_re=RE, fit={"free": independent(2)}),
    "arrays: free of one": arrays(fit={"free": independent(1)}),
    "arrays: components": arrays(
        exog_vc={"b": component(RE[:, 1:]), "a": component(RE[:, :1])}
    ),
    "arrays: wide component": arrays(exog_re=EXOG[:, :1], exog_vc=vc_spec()),
    "arrays: indicators": arrays(
        exog_vc={"a": component(pd.get_dummies(PIGS.Early).to_numpy(float))}
    ),
}
# where no method of statsmodels' gets to the maximum
NOT_REACHED = {
    "two slopes",
    "column and intercept",
    "arrays: free",
    "arrays: components",
}


def their_covariances(theirs, model):
    """statsmodels' estimates relative to the residual variance, for our terms."""
    cov_re = np.asarray(theirs.cov_re) / theirs.scale
    named = dict(
        zip(theirs.model.exog_vc.names, theirs.vcomp / theirs.scale, strict=True)
    )
    blocks = [cov_re] if len(cov_re) else []
    terms = model.terms[len(blocks) :]
    pairs = zip(model._components, terms, strict=True)
    return blocks + [named[name] * np.eye(term.k) for name, term in pairs]


@pytest.mark.parametrize("name", CALLS)
def test_our_likelihood_is_theirs_or_higher(name):
    call = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, about convergence and old formats
        theirs = call(THEIRS)
    ours = call(smm)
    assert ours.converged
    assert ours.llf >= theirs.llf - 1e-6
    at_theirs = ours.model.deviance_at(their_covariances(theirs, ours.model))
    if ours.reml:
        assert_allclose(-0.5 * at_theirs, theirs.llf, rtol=1e-8)
    if name not in NOT_REACHED:
        assert_allclose(ours.llf, theirs.llf, rtol=0, atol=1e-4)
        assert_allclose(ours.params, theirs.fe_params, rtol=1e-3, atol=1e-3)


def test_a_mask_of_ones_changes_nothing():
    free = MixedLMParams.from_components(np.ones(2), np.ones((2, 2)))
    model = smm.MixedLM(PIGS.Weight, EXOG, PIGS.Pig, exog_re=RE)
    assert model.fit(free=free).deviance == model.fit().deviance


def test_independent_effects_are_those_of_two_bars():
    free = independent(2)
    fit = smm.mixedlm("Weight ~ Time", PIGS, "~z", groups="Pig").fit(free=free)
    own = smm.lmm("Weight ~ Time + (z || Pig)", PIGS).fit()
    assert_allclose(fit.deviance, own.deviance, rtol=1e-12)
    new = PIGS.iloc[:9]
    got, expected = (f.predict(new, random="conditional") for f in (fit, own))
    assert_allclose(got, expected, rtol=1e-9)


def test_start_params_are_where_we_start():
    model = smm.mixedlm("Weight ~ Time", PIGS, "~z", groups="Pig")
    fit = model.fit()
    relative = fit.fit_record.relative_covariances[0]
    lower = np.linalg.cholesky(relative)[np.tril_indices(2)]
    again = model.fit(start_params=lower)
    assert again.convergence.n_evaluations < fit.convergence.n_evaluations
    same = model.fit(start_params=fit.params)  # ours: fixed effects, which say nothing
    assert same.deviance == fit.deviance


def test_start_params_with_bars_in_the_formula():
    model = smm.mixedlm("Weight ~ Time + (1 | Litter)", PIGS, groups="Pig")
    assert model.fit(start_params=[1.0]).deviance == model.fit().deviance


REFUSED = {
    "fixed penalty": ({"fe_pen": object()}, "Use MixedLM of statsmodels"),
    "covariance penalty": ({"cov_pen": object()}, "Use MixedLM of statsmodels"),
    "variance held": (
        {"free": MixedLMParams.from_components(np.ones(2), np.diag([1, 0]))},
        r"free=.*\(x \|\| g\)",
    ),
    "no mask": ({"free": object()}, "free="),
    "covariance held": (
        {
            "free": independent(2),
            "start_params": MixedLMParams.from_components(
                np.zeros(2), np.array([[1.0, 0.5], [0.5, 1.0]])
            ),
        },
        "free=",
    ),
    "start too long": ({"start_params": np.ones(9)}, "has 9 values; .* 2 fixed .* 3"),
    "start of another model": (
        {"start_params": MixedLMParams.from_components(np.ones(2), np.eye(3))},
        r"shape \(3, 3\)",
    ),
    "start of words": ({"start_params": "best"}, "start_params is a str"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_fit_refuses(name):
    given, text = REFUSED[name]
    model = smm.mixedlm("Weight ~ Time", PIGS, "~z", groups="Pig")
    with pytest.raises(DataError, match=text):
        model.fit(**given)


def test_arguments_nobody_knows_are_named():
    model = smm.mixedlm("Weight ~ Time", PIGS, groups="Pig")
    with pytest.warns(MixedModelWarning, match="ignores skip_hessian"):
        model.fit(skip_hessian=True)


@pytest.mark.parametrize("text", ["Diet", "0 + center(z)", "0 + Early + Diet"])
def test_coding_that_depends_on_the_group_is_refused(text):
    with pytest.raises(DataError, match=r"vc_formula\['a'\].*group 4000.*0 \+ C"):
        smm.mixedlm("Weight ~ Time", PIGS, groups="Pig", vc_formula={"a": text})


def test_declared_levels_do_not_depend_on_the_group():
    data = PIGS.assign(Diet=PIGS.Diet.astype("category"))
    call = by_formula("Weight ~ Time", data, groups="Pig", vc_formula={"a": "Diet"})
    assert_allclose(call(smm).llf, call(THEIRS).llf, atol=1e-4)


def test_declared_levels_that_never_occur_shift_the_coding():
    """statsmodels' baseline is then a level without rows."""
    data = PIGS.assign(Early=pd.Categorical(PIGS.Early, categories=["0", "e", "l"]))
    with pytest.raises(DataError, match=r"vc_formula\['a'\]"):
        smm.mixedlm("Weight ~ Time", data, groups="Pig", vc_formula={"a": "Early"})


def test_components_that_are_no_formula():
    def call(text, groups="Pig"):
        smm.mixedlm("Weight ~ Time", PIGS, groups=groups, vc_formula={"a": text})

    with pytest.raises(DataError, match="random terms and offsets"):
        call("(1 | Litter)")
    with pytest.raises(FormulaError, match=r"\n +0 \+ C\(z\n|\^"):
        call("0 + C(z")
    with pytest.raises(DataError, match="has one level"):
        call("0 + Time + z", np.ones(len(PIGS)))
    with pytest.raises(DataError, match="has no column"):
        call("0")


def test_components_of_arrays_must_fit_their_groups():
    mats = component(PIGS[["Time", "z"]])
    mats[4000] = mats[4000][1:]
    with pytest.raises(DataError, match="7 rows for group 4000, which has 8"):
        smm.MixedLM(PIGS.Weight, EXOG, PIGS.Pig, exog_vc={"a": mats})


def test_a_component_without_variance():
    noise, rng = PIGS.copy(), np.random.default_rng(0)
    noise["Weight"] = 3.0 * rng.normal(size=30)[noise.Pig - 4000] + rng.normal(size=240)
    for seed in range(10):
        w = np.random.default_rng(seed).normal(size=(240, 2))
        data = noise.assign(u=w[:, 0], v=w[:, 1])
        fit = smm.lmm("Weight ~ 1 + (1 | Pig) + homdiag(0 + u + v | Pig)", data).fit()
        assert fit.converged
        if fit.singular:
            break
    assert fit.theta.iloc[1] == 0.0
    assert "no variance of u, v" in fit.summary().as_text().replace("\n", " ")


def test_names_of_the_caller_and_an_empty_namespace():
    def twice(x):
        return 2 * x

    text = {"a": "0 + twice(z)"}
    fit = smm.mixedlm("Weight ~ Time", PIGS, groups="Pig", vc_formula=text).fit()
    same = smm.mixedlm("Weight ~ Time", PIGS, groups="Pig", vc_formula={"a": "0 + z"})
    assert_allclose(fit.llf, same.fit().llf, rtol=1e-9)
    with pytest.raises(FormulaError, match="no function 'twice'"):
        smm.mixedlm("Weight ~ twice(Time)", PIGS, groups="Pig", eval_env=-1)


def test_prediction_with_components():
    fit = vc("Time + z", re_formula="1")(smm)
    new = PIGS.iloc[[3, 9, 100]]
    expected = fit.fittedvalues.iloc[[3, 9, 100]]
    assert_allclose(fit.predict(new, random="conditional"), expected, rtol=1e-9)


def test_sleepstudy_by_class():
    fit = smm.MixedLM(
        SLEEP.Reaction, sm.add_constant(SLEEP.Days), SLEEP.Subject, missing="drop"
    ).fit(reml=False)
    own = smm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP).fit(reml=False)
    assert_allclose(fit.llf, own.llf, rtol=1e-12)
    assert list(fit.random_effects) == ["Subject"]
