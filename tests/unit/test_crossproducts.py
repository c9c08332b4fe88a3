"""Cross-products of [Z X y] against sums over rows of dense matrices."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference.designs import CASES, Case, dense_z

from statsmodels_mixed.design.pairs import pair_index

EVERY = pytest.mark.parametrize("name", CASES)


def pieces(case, model):
    """Dense Z per grouping factor in the coordinates of the fit, weights, X, y."""
    n = len(case.y)
    w = np.ones(n) if case.weights is None else case.weights
    zs = []
    for terms in model.cross.factors:
        z = np.hstack([case.effects(t) @ model.cross.maps[t] for t in terms])
        zs.append(dense_z(case.terms[terms[0]][0], z))
    y = case.y - (0.0 if case.offset is None else case.offset)
    return zs, w, y


def residual(case, w, y):
    root = np.sqrt(w)
    if not case.X.shape[1]:
        return y
    found = np.linalg.lstsq(root[:, None] * case.X, root * y, rcond=None)[0]
    return y - case.X @ found


@EVERY
def test_gram_blocks_are_sums_over_rows(name):
    case, model = CASES[name], CASES[name].model()
    zs, w, _ = pieces(case, model)
    gram = model.cross.system.gram
    for f, (m, k) in enumerate(gram.sizes):
        full = zs[f].T @ (zs[f] * w[:, None])
        assert full.shape == (m * k, m * k)
        blocks = full.reshape(m, k, m, k)[np.arange(m), :, np.arange(m)]
        assert_allclose(gram.diagonals[f], blocks, rtol=0, atol=1e-12 * full.max())
    for s in range(len(zs)):
        for t in range(s + 1, len(zs)):
            c = gram.couplings[s, t]
            (m_s, k_s), (m_t, k_t) = gram.sizes[s], gram.sizes[t]
            full = np.zeros((m_s, k_s, m_t, k_t))
            full[c.rows, :, c.cols] = c.data
            expected = zs[s].T @ (zs[t] * w[:, None])
            assert_allclose(
                full.reshape(expected.shape),
                expected,
                rtol=0,
                atol=1e-12 * np.abs(expected).max(),
            )


@EVERY
def test_products_with_exog_and_response(name):
    case, model = CASES[name], CASES[name].model()
    zs, w, y = pieces(case, model)
    cross = model.cross
    q = cross.basis.apply(case.X)
    e = residual(case, w, y)
    response = model.objective(True).response
    for f, part in enumerate(cross.system.slices):
        weighted = zs[f].T * w
        assert_allclose(cross.zx[part], weighted @ q, rtol=0, atol=1e-11)
        expected = weighted @ (e / response.unit)
        assert_allclose(
            response.ze[part], expected, rtol=0, atol=1e-11 * np.abs(expected).max()
        )
    assert_allclose(response.unit, np.sqrt((e**2).mean()), rtol=1e-12)
    assert_allclose(response.ee, e @ (w * e) / response.unit**2, rtol=1e-12)
    assert_allclose(response.coefficients, q.T @ (w * y), rtol=1e-10)
    assert_allclose(cross.sum_log_weights, np.log(w).sum(), rtol=1e-13)
    assert (cross.nobs, cross.rank) == case.X.shape


@EVERY
def test_many_responses_are_one_by_one(name):
    model = CASES[name].model()
    rng = np.random.default_rng(0)
    endog = 1e3 * rng.standard_normal((len(CASES[name].y), 3)) + 50.0
    many = model.cross.response(endog)
    kept = endog.copy()
    for r in range(3):
        one = model.cross.response(endog[:, r])
        assert_allclose(many.ze[r], one.ze, rtol=1e-9, atol=1e-11)
        assert_allclose(many.unit[r], one.unit, rtol=1e-12)
        assert_allclose(many.ee[r], one.ee, rtol=1e-12)
        assert_allclose(many.coefficients[r], one.coefficients, rtol=1e-12)
    assert_array_equal(endog, kept)


@pytest.mark.parametrize("name", ["one k=3", "diag", "crossed two slopes"])
def test_effects_are_brought_to_mean_square_one(name):
    case, model = CASES[name], CASES[name].model()
    for t, linear in enumerate(model.cross.maps):
        z = case.effects(t) @ linear
        assert_allclose((z**2).mean(axis=0), 1.0, rtol=1e-10)
        if case.terms[t][3] == "us":
            assert_allclose(z.T @ z / len(z), np.eye(z.shape[1]), atol=1e-10)
        else:
            assert_array_equal(linear, np.diag(np.diag(linear)))


def rows_repeated(terms, i):
    return tuple((c[i], None if z is None else z[i], g, s) for c, z, g, s in terms)


def weights_as_rows():
    """One k=2 case with weights 1, 2, 3, and the same rows repeated."""
    case = CASES["one k=2"]
    w = np.random.default_rng(3).integers(1, 4, len(case.y))
    i = np.repeat(np.arange(len(case.y)), w)
    terms = tuple(
        (c[i], None if z is None else z[i], g, s) for c, z, g, s in case.terms
    )
    return replace(case, weights=w.astype(float)), Case(case.y[i], case.X[i], terms)


def test_weights_are_repeated_rows():
    weighted, repeated = (c.model() for c in weights_as_rows())
    for one, other in zip(weighted.cross.maps, repeated.cross.maps, strict=True):
        # mean squares are per row here and per unit of weight there
        ratio = np.sqrt(weighted.cross.nobs / repeated.cross.nobs)
        assert_allclose(one, ratio * other, rtol=1e-11, atol=1e-13)
        a = weighted.cross.system.gram.diagonals[0]
        b = repeated.cross.system.gram.diagonals[0]
        assert_allclose(a, ratio**2 * b, rtol=1e-10, atol=1e-12)
    one = weighted.objective(True).response
    other = repeated.objective(True).response
    assert_allclose(one.ee * one.unit**2, other.ee * other.unit**2, rtol=1e-12)


@pytest.mark.parametrize("shift", [1e6, 1e9])
@pytest.mark.parametrize("order", [[0, 1, 2], [1, 2, 0]], ids=["first", "last"])
def test_a_huge_constant_in_the_response_costs_its_own_digits_only(shift, order):
    """``y + 1e9`` in cross-products of raw columns: nothing left of 16 digits."""
    case = replace(CASES["one k=2"], X=CASES["one k=2"].X[:, order])
    # what is left of y after the shift, exactly
    y = (case.y + shift) - shift
    near = replace(case, y=y).model().objective(True).response
    far = replace(case, y=y + shift).model().objective(True).response
    assert_allclose(far.unit, near.unit, rtol=1e-9)
    assert_allclose(far.ee, near.ee, rtol=1e-9)
    assert_allclose(far.ze, near.ze, rtol=0, atol=1e-9 * np.abs(near.ze).max())


def test_a_huge_constant_without_an_intercept_column_but_with_dummies():
    """The dummies of all levels span the constant, no column is one."""
    case = CASES["one k=1"]
    group = np.arange(len(case.y)) % 3
    case = replace(case, X=np.column_stack([np.eye(3)[group], case.X[:, 1]]))
    y = (case.y + 1e9) - 1e9
    near = replace(case, y=y).model().objective(True).response
    far = replace(case, y=y + 1e9).model().objective(True).response
    assert_allclose(far.unit, near.unit, rtol=1e-7)
    assert_allclose(far.ee, near.ee, rtol=1e-7)
    assert_allclose(far.ze, near.ze, rtol=0, atol=1e-7 * np.abs(near.ze).max())


def test_huge_offsets_of_columns():
    """A year as 2e9 seconds, in X and as a varying effect."""
    case = CASES["one k=2"]
    codes, z, group, structure = case.terms[0]
    x = np.round(z[:, 1] * 64) / 64  # exact under the shifts
    shifted = np.column_stack([z[:, 0], x + 2.0**31])
    plain = replace(
        case,
        X=np.column_stack([case.X[:, 0], x]),
        terms=((codes, np.column_stack([z[:, 0], x]), group, structure),),
    ).model()
    moved = replace(
        case,
        X=np.column_stack([case.X[:, 0], x + 2.0**31]),
        terms=((codes, shifted, group, structure),),
    ).model()
    assert moved.cross.rank == 2
    a, b = plain.cross.system.gram, moved.cross.system.gram
    assert_allclose(b.diagonals[0], a.diagonals[0], rtol=0, atol=1e-9)
    assert_allclose(moved.cross.zx, plain.cross.zx, rtol=0, atol=1e-9)


@pytest.mark.parametrize("unit", [1e-8, 1e-3, 1e6])
def test_units_of_the_columns_do_not_matter(unit):
    case = CASES["crossed two slopes"]
    terms = tuple((c, z * [1.0, unit], g, s) for c, z, g, s in case.terms)
    scaled = replace(case, X=case.X * [1.0, unit, 1 / unit], terms=terms).model()
    plain = case.model()
    for one, other in zip(
        scaled.cross.system.gram.diagonals,
        plain.cross.system.gram.diagonals,
        strict=True,
    ):
        assert_allclose(one, other, rtol=0, atol=1e-11 * np.abs(other).max())
    assert_allclose(scaled.cross.zx, plain.cross.zx, rtol=0, atol=1e-11)


@pytest.mark.parametrize("unit", [1e-170, 1e-8, 1e8, 1e170])
def test_the_unit_of_the_response_is_taken_out(unit):
    """Squares of 1e170 overflow; nothing but the unit knows about it."""
    case = CASES["crossed two slopes"]
    plain = case.model().objective(True).response
    scaled = replace(case, y=case.y * unit).model().objective(True).response
    assert_allclose(scaled.unit, plain.unit * unit, rtol=1e-12)
    assert_allclose(scaled.coefficients, plain.coefficients * unit, rtol=1e-9)
    assert_allclose(scaled.ee, plain.ee, rtol=1e-12)
    assert_allclose(scaled.ze, plain.ze, rtol=1e-9, atol=1e-11)


def test_aliased_columns_do_not_enter():
    case = CASES["one k=1"]
    X = np.column_stack([case.X, case.X[:, 1] - case.X[:, 2]])
    model = replace(case, X=X).model()
    assert model.cross.rank == 3
    assert model.cross.zx.shape[1] == 3
    assert_allclose(model.cross.zx, case.model().cross.zx, atol=1e-11)


def test_has_constant():
    case = CASES["one k=1"]
    dummies = np.eye(3)[np.arange(len(case.y)) % 3]
    assert case.model().has_constant
    assert replace(case, X=dummies).model().has_constant
    assert not replace(case, X=case.X[:, 1:]).model().has_constant
    assert not replace(case, X=case.X[:, :0]).model().has_constant


def test_pair_index():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 7, 60), rng.integers(0, 5, 60)
    rows, cols, index = pair_index(first, second, 5)
    assert_array_equal(rows[index], first)
    assert_array_equal(cols[index], second)
    assert len(set(zip(rows, cols, strict=True))) == len(rows) == index.max() + 1
    assert_array_equal(np.lexsort((cols, rows)), np.arange(len(rows)))


def test_pair_index_of_small_integer_codes():
    """Codes as narrow integers must not wrap around."""
    first = np.array([100, 120, 100], dtype=np.int8)
    second = np.array([3, 4, 3], dtype=np.int8)
    rows, cols, index = pair_index(first, second, 1000)
    assert_array_equal(rows, [100, 120])
    assert_array_equal(cols, [3, 4])
    assert_array_equal(index, [0, 1, 0])
