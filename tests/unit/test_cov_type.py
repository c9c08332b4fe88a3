"""``fit(cov_type="cluster")``: what tests, tables and pickles do with it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError

CLUSTER = {"cov_type": "cluster"}


@pytest.fixture(scope="module")
def model():
    return smm.lmm("yield ~ nitro + (1 | Block:Variety)", smm.datasets.load("oats"))


def test_everything_uses_the_robust_covariance(model):
    res, plain = model.fit(**CLUSTER), model.fit()
    assert res.cov_type == "cluster" and plain.cov_type == "nonrobust"
    np.testing.assert_allclose(res.bse**2, np.diag(res.cov_params()))
    assert abs(res.bse / plain.bse - 1).max() > 0.02
    test = res.t_test("nitro = 0")
    np.testing.assert_allclose(np.squeeze(test.sd), res.bse["nitro"])
    np.testing.assert_allclose(np.squeeze(test.pvalue), res.pvalues["nitro"])
    text = res.summary().as_text()
    assert "Cluster-robust covariance (CR2)" in text


def test_groups_by_column_by_array_and_by_factor(model):
    data = smm.datasets.load("oats")
    by_column = model.fit(**CLUSTER, cov_kwds={"groups": "Block"})
    by_array = model.fit(**CLUSTER, cov_kwds={"groups": data["Block"].to_numpy()})
    np.testing.assert_allclose(by_column.bse, by_array.bse)
    assert by_column.fixed_tests().n_clusters == 6
    own = model.fit(**CLUSTER, cov_kwds={"groups": "Block:Variety"})
    assert own.fixed_tests().n_clusters == 18
    shuffled = data.sample(frac=1, random_state=1)
    part = smm.lmm(
        "yield ~ nitro + (1 | Block:Variety)", shuffled, subset=np.arange(72) > 9
    )
    whole = smm.lmm("yield ~ nitro + (1 | Block:Variety)", shuffled.iloc[10:])
    options = CLUSTER | {"cov_kwds": {"groups": "Block"}}
    np.testing.assert_allclose(part.fit(**options).bse, whole.fit(**options).bse)


def test_repeated_labels(model):
    data = smm.datasets.load("oats").set_index(np.zeros(72, dtype=int))
    formula, options = "yield ~ nitro + (1 | Block:Variety)", {"groups": "Block"}
    res = smm.lmm(formula, data).fit(**CLUSTER, cov_kwds=options)
    expected = model.fit(**CLUSTER, cov_kwds=options)
    np.testing.assert_allclose(res.bse, expected.bse)
    part = smm.lmm(formula, data, subset=slice(2, None))
    with pytest.raises(DataError, match="give groups= as an array"):
        part.fit(**CLUSTER, cov_kwds=options)


def test_degrees_of_freedom(model):
    res = model.fit(**CLUSTER)
    normal = res.t_test("nitro = 0", df_method="normal")
    np.testing.assert_allclose(np.squeeze(normal.sd), res.bse["nitro"])
    assert res.fixed_tests("residual").df(np.eye(2)).tolist() == [70, 70]
    with pytest.raises(DataError, match="kenward-roger"):
        res.fixed_tests("kr")


def test_refit_pickle_and_remove_data(model):
    res = model.fit(**CLUSTER)
    again = res.refit(model.design.endog)
    np.testing.assert_allclose(again.bse, res.bse)
    res.remove_data()
    loaded = pickle.loads(pickle.dumps(res))
    np.testing.assert_array_equal(loaded.bse, again.bse)
    assert "Cluster-robust" in loaded.summary().as_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cov_type": "HC0"}, "cov_type"),
        ({"cov_type": "cluster", "cov_kwds": {"group": "Block"}}, "groups"),
        ({"cov_kwds": {"groups": "Block"}}, "nonrobust"),
        ({"cov_type": "cluster", "cov_kwds": {"groups": "nowhere"}}, "nowhere"),
        ({"cov_type": "cluster", "cov_kwds": {"kind": "HC3"}}, "kind"),
        ({"cov_type": "cluster", "cov_kwds": {"groups": "nitro"}}, "nitro"),
    ],
)
def test_bad_requests(model, options, message):
    with pytest.raises(DataError, match=message):
        model.fit(**options)
