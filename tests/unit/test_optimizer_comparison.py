"""Refits from other starts by other optimisers."""

import warnings
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed.diagnostics import optimizer_comparison
from statsmodels_mixed.diagnostics.optimizer_comparison import _verdict
from statsmodels_mixed.errors import (
    ComparisonError,
    ConvergenceWarning,
    DataError,
    IdentifiabilityError,
    warn_user,
)
from statsmodels_mixed.fitting import METHODS, GaussianModel


@pytest.fixture(scope="module")
def model():
    data = smm.datasets.load("sleepstudy")
    return smm.lmm("Reaction ~ Days + (Days | Subject)", data)


@pytest.fixture(scope="module")
def cbpp():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return smm.glmm(formula, data)


@pytest.mark.parametrize("reml", [True, False])
def test_every_search_ends_at_the_optimum(model, reml):
    res = model.fit(reml=reml)
    found = res.compare_optimizers()
    table = found.table
    assert table.groupby("optimizer").start.nunique().to_dict() == {
        "lbfgs": 6,
        "newton": 6,
    }
    assert table.converged.all() and not table.trouble.any()
    np.testing.assert_allclose(table.llf, res.llf, rtol=1e-10)
    assert (table.gap >= 0).all() and table.gap.max() < 1e-8
    assert table.shift_se.max() < 1e-4 and table.sd_change.max() < 1e-4
    assert (table.seconds > 0).all() and (table.evaluations > 1).all()
    assert abs(found.improvement) < 1e-8
    assert "does not depend" in found.verdict and found.verdict in repr(found)
    assert "trouble" not in repr(found)
    with pytest.raises(FrozenInstanceError):
        found.verdict = "fine"


def test_starts_are_where_searches_begin(model, monkeypatch):
    begun, own = [], optimizer_comparison.FITTERS[GaussianModel]

    def watched(fit, options):
        begun.append(options.start)
        return own(fit, options)

    monkeypatch.setitem(optimizer_comparison.FITTERS, GaussianModel, watched)
    found = model.fit().compare_optimizers(["newton"], n_random=1, rng=3)
    assert list(found.starts) == ["moments", "small", "unit", "large", "random 1"]
    assert begun[0] is None
    # orthonormal effects with a tenth of, and ten times, the noise of a row
    z = model.terms[0].z
    for start, sd in zip(begun[1:4], (0.1, 1.0, 10.0), strict=True):
        rows = np.einsum("ni,ij,nj->n", z, start[0], z)
        assert rows.mean() == pytest.approx(2 * sd**2)
    assert np.linalg.eigvalsh(begun[4][0])[0] > 0
    again = model.fit().compare_optimizers(["newton"], n_random=1, rng=3)
    np.testing.assert_array_equal(again.starts["random 1"], found.starts["random 1"])


def test_singular_fits_are_the_same_from_everywhere():
    data = smm.datasets.load("cake")
    res = smm.lmm("angle ~ recipe * temp + (temp | recipe:replicate)", data).fit()
    found = res.compare_optimizers()
    assert found.table.converged.all() and "does not depend" in found.verdict


def test_generalized_models(cbpp):
    found = cbpp.fit(nagq=5).compare_optimizers(n_random=1)
    assert found.table.converged.all() and len(found.table) == 10
    assert found.table.gap.max() < 1e-6 and found.table.shift_se.max() < 1e-3


def test_monte_carlo_fits_use_the_same_draws(cbpp):
    res = cbpp.fit(method="mcml", n_draws=500, rng=1)
    found = res.compare_optimizers(starts=["moments", "unit"], n_random=0)
    assert found.table.gap.max() < 1e-5 and found.improvement < 1e-5


def test_no_random_or_no_fixed_effects():
    data = smm.datasets.load("sleepstudy")
    for formula in ("Reaction ~ Days", "Reaction ~ 0 + (1 | Subject)"):
        found = smm.lmm(formula, data).fit().compare_optimizers()
        assert found.table.converged.all() and "does not depend" in found.verdict


def test_a_search_that_stopped_early_is_found_out(model):
    with pytest.warns(ConvergenceWarning):
        res = model.fit(max_iter=2)
    found = res.compare_optimizers()
    good = model.fit()
    assert found.improvement == pytest.approx(good.llf - res.llf) and found.improvement
    assert "NOT the best" in found.verdict
    assert found.best.start in found.starts
    again = model.fit(start=found.starts["unit"])
    assert again.llf == pytest.approx(good.llf)


def test_given_starts(model):
    res = model.fit()
    given = {"own": res.relative_covariances, "moments": None}
    found = res.compare_optimizers(starts=given, n_random=0)
    assert found.table.start.unique().tolist() == ["own", "moments"]
    # from the optimum it is not far
    spent = found.table.set_index(["optimizer", "start"]).evaluations
    assert spent["newton", "own"] < spent["newton", "moments"]


def test_single_names_are_enough(model):
    found = model.fit().compare_optimizers("lbfgs", "unit", n_random=0)
    assert found.table[["optimizer", "start"]].to_numpy().tolist() == [
        ["lbfgs", "unit"]
    ]


def test_searches_that_fail_are_rows(model, monkeypatch):
    own = optimizer_comparison.FITTERS[GaussianModel]

    def failing(fit, options):
        if options.optimizer == "lbfgs":
            raise IdentifiabilityError("No way.")
        return own(fit, options)

    monkeypatch.setitem(optimizer_comparison.FITTERS, GaussianModel, failing)
    found = model.fit().compare_optimizers(n_random=0)
    lost = found.table[found.table.optimizer == "lbfgs"]
    assert set(lost.trouble) == {"No way."} and lost.llf.isna().all()
    assert not lost.converged.any() and (found.table.gap.dropna() < 1e-8).all()
    assert found.verdict.startswith("4 of 8 searches converged, all at")
    assert "No way." in repr(found)


def test_warnings_of_the_searches_are_in_the_table(cbpp, monkeypatch):
    own = METHODS["ml"]

    def warning(model, options):
        warn_user("not converged", ConvergenceWarning)
        return own(model, options)

    res = cbpp.fit()
    monkeypatch.setitem(METHODS, "ml", warning)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        res.compare_optimizers(n_random=0)


def searches(**columns):
    return pd.DataFrame(
        {
            "optimizer": "newton",
            "start": ["a", "b", "c"],
            "gap": 0.0,
            "shift_se": 0.0,
            "converged": True,
        }
        | columns
    )


def test_verdicts():
    assert "no optimum" in _verdict(searches(converged=False), 0.0)
    lower = _verdict(searches(gap=[0.0, 3.0, 0.0]), 0.0)
    assert "1 of them at a lower optimum (by up to 3 " in lower
    flat = _verdict(searches(shift_se=[0.0, 0.4, 0.0]), 0.0)
    assert "0.4 standard errors" in flat and "flat" in flat
    better = _verdict(searches(gap=[2.0, 0.0, 2.0]), 2.0)
    assert "NOT the best: start 'b' by newton" in better and "higher by 2." in better
    # what did not converge says nothing of optima
    stopped = searches(gap=[0.0, 9.0, 0.0], converged=[True, False, True])
    assert _verdict(stopped, 0.0).startswith("2 of 3 searches converged, all at")


def test_no_search_converged_leaves_no_best(model, monkeypatch):
    def failing(fit, options):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setitem(optimizer_comparison.FITTERS, GaussianModel, failing)
    found = model.fit().compare_optimizers()
    assert found.best is None and found.improvement == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizers": ["bobyqa"]}, "optimizers='bobyqa'"),
        ({"starts": ["middle"]}, "starts='middle'"),
        ({"starts": {"mine": [np.eye(3)]}}, r"starts\['mine'\]"),
        ({"starts": [], "n_random": 0}, "at least one"),
        ({"optimizers": []}, "at least one"),
    ],
)
def test_bad_arguments(model, arguments, message):
    with pytest.raises(DataError, match=message):
        model.fit().compare_optimizers(**arguments)


def test_quasi_likelihood_is_refused(cbpp):
    with pytest.raises(ComparisonError, match="nagq="):
        cbpp.fit(method="pql").compare_optimizers()


def test_the_rows_are_needed(model):
    res = model.fit()
    res.remove_data()
    with pytest.raises(DataError, match="compare_optimizers"):
        res.compare_optimizers()


def test_rounding_errors_are_not_printed(model):
    found = model.fit().compare_optimizers(n_random=0)
    table = found.table.assign(
        gap=[3.4e-13, 0.52216, *[0.0] * 6],
        seconds=[0.00262189, 1.23456, *[0.1] * 6],
        shift_se=2e-15,
    )
    lines = repr(replace(found, table=table)).splitlines()
    shown = [dict(zip(lines[0].split(), x.split(), strict=True)) for x in lines[1:9]]
    assert [row["gap"] for row in shown[:2]] == ["0", "0.522"]
    assert [row["seconds"] for row in shown[:2]] == ["0.0026", "1.2"]
    assert {row["shift_se"] for row in shown} == {"0"} and "e-1" not in lines[1]
    assert table.gap[0] == 3.4e-13
