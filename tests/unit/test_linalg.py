"""Block algebra against dense matrices: every shape of design, every kind of tail."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from reference.designs import crossed, dense_z, gram, labels, nested

from statsmodels_mixed.linalg import (
    BlockSystem,
    congruence,
    plan,
    schur,
    spd_inverse,
    stacked_product,
    system,
    tails,
)
from statsmodels_mixed.linalg.small import inside, shared_product

# ---- stacks of small matrices -----------------------------------------------------


def spd_stack(rng, lead, k, condition=1.0):
    a = rng.standard_normal((*lead, k, k))
    return a @ np.swapaxes(a, -1, -2) + np.eye(k) / condition


@pytest.mark.parametrize("lead", [(), (7,), (2, 5)])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 9, 17])
def test_spd_inverse(k, lead):
    a = spd_stack(np.random.default_rng(k), lead, k)
    kept = a.copy()
    inverse, logdet = spd_inverse(a)
    assert_array_equal(a, kept)
    assert inverse.shape == a.shape
    assert np.shape(logdet) == lead
    assert_allclose(inverse, np.linalg.inv(a), rtol=0, atol=1e-10 * abs(inverse).max())
    assert_allclose(logdet, np.linalg.slogdet(a)[1], rtol=0, atol=1e-11)


@pytest.mark.parametrize("k", [2, 7, 8, 9, 16, 20])
def test_spd_inverse_of_large_pivots(k):
    """Determinants beyond the range of a float; 1e30 is the square of 1e15 sd."""
    a = np.diag(np.full(k, 1e30))[None]
    inverse, logdet = spd_inverse(a)
    assert_allclose(logdet, k * np.log(1e30), rtol=1e-14)
    assert_allclose(inverse[0], np.eye(k) * 1e-30, rtol=1e-14)


@pytest.mark.parametrize("k, j", [(1, 1), (2, 2), (3, 3), (3, 2), (1, 2), (4, 1)])
@pytest.mark.parametrize("lead", [(), (3,)])
def test_congruence(k, j, lead):
    rng = np.random.default_rng(k)
    factor = rng.standard_normal((*lead, k, j))
    blocks = spd_stack(rng, (6,), k)  # broadcast against the leading axes
    full = rng.standard_normal((*lead, 6, k, k))  # not symmetric
    for b in (blocks, full):
        out = congruence(factor, b)
        expected = np.swapaxes(factor, -1, -2)[..., None, :, :] @ b
        expected = expected @ factor[..., None, :, :]
        assert out.shape == (*lead, 6, j, j)
        assert_allclose(out, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("i, j, m", [(1, 1, 1), (3, 1, 4), (1, 3, 1), (2, 3, 4)])
def test_stacked_product(i, j, m):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((5, i, j)), rng.standard_normal((2, 5, j, m))
    assert_allclose(stacked_product(a, b), a @ b, atol=1e-14)
    assert stacked_product(a[None], b).shape == (2, 5, i, m)


def test_inside_replaces_zeros_of_the_diagonal_only():
    factor = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 3.0, -1e-9]])
    kept = factor.copy()
    out = inside(factor)
    assert_array_equal(factor, kept)
    assert_array_equal(np.tril(out, -1), np.tril(factor, -1))
    assert out[0, 0] == 2.0
    assert out[1, 1] > 0 and out[2, 2] > 0
    assert np.diag(out)[1:].max() < 1e-6
    regular = np.array([[-2.0]])
    assert inside(regular) is regular
    stack = np.array([np.eye(2), np.zeros((2, 2))])
    assert_array_equal(inside(stack)[0], np.eye(2))
    assert (np.diagonal(inside(stack)[1]) > 0).all()


# ---- the whole system -------------------------------------------------------------


def factors_for(designs, rng, singular=()):
    out = []
    for f, (_, z) in enumerate(designs):
        k = z.shape[1]
        lam = np.tril(rng.standard_normal((k, k))) * 0.6
        if f in singular:
            lam[-1, -1] = 0.0
        out.append(lam)
    return out


def dense_system(designs, lams):
    """Z and Lambda of all factors side by side, in the order given, and V."""
    zs = [dense_z(*design) for design in designs]
    bigs = [
        np.kron(np.eye(codes.max() + 1), lam)
        for (codes, _), lam in zip(designs, lams, strict=True)
    ]
    v = np.eye(len(zs[0]))
    for z, big in zip(zs, bigs, strict=True):
        v += (z @ big) @ (z @ big).T
    return zs, bigs, v


def worst(one, other, unit=0.0):
    """Largest difference relative to the largest number, at least to `unit`."""
    scale = max(np.abs(other).max(initial=0.0), unit, 1e-300)
    return np.abs(one - other).max(initial=0.0) / scale


def errors(designs, lams, built=None):
    """Relative errors of everything a factorisation offers, by name."""
    built = built or BlockSystem(gram(designs))
    zs, bigs, v = dense_system(designs, lams)
    rng = np.random.default_rng(len(v))
    b = rng.standard_normal((len(v), 3))
    v_inverse = np.linalg.inv(v)
    rhs = np.empty((built.width, 3))
    for part, z in zip(built.slices, zs, strict=True):
        rhs[part] = z.T @ b
    found = built.factorize(lams)
    logdet = np.linalg.slogdet(v)[1]
    out = {"logdet": abs(found.logdet - logdet) / max(1.0, abs(logdet))}
    given = rhs.copy()
    u = found.solve(rhs)
    out["rhs untouched"] = worst(rhs, given)
    lam_u, back = found.apply_factor(u), found.apply_inverse_transpose(u)
    product = built.multiply(rhs)
    derivative, level = found.covariance_derivatives(), found.level_covariances()
    whole = np.hstack([z @ big for z, big in zip(zs, bigs, strict=True)])
    h_inverse = np.linalg.inv(whole.T @ whole + np.eye(whole.shape[1]))
    ends = np.cumsum([0] + [z.shape[1] for z in zs])
    fitted = sum(z @ rhs[p] for z, p in zip(zs, built.slices, strict=True))
    for t, (z, big, part) in enumerate(zip(zs, bigs, built.slices, strict=True)):
        q = z.T @ v_inverse @ b
        unit = np.abs(q).max()  # u itself may be zero
        out["solve", t] = worst(u[part], big.T @ q, unit)
        out["apply_factor", t] = worst(lam_u[part], big @ (big.T @ q), unit)
        out["apply_inverse_transpose", t] = worst(back[part], q)
        out["multiply", t] = worst(product[part], z.T @ fitted)
        m, k = built.gram.sizes[t]
        inner = (z.T @ v_inverse @ z).reshape(m, k, m, k)
        out["derivative", t] = worst(derivative[t], np.einsum("lalb->ab", inner))
        own = h_inverse[ends[t] : ends[t + 1], ends[t] : ends[t + 1]]
        own = own.reshape(m, k, m, k)[np.arange(m), :, np.arange(m)]
        out["level", t] = worst(level[t], own)
    out |= gram_derivative_errors(found, bigs, h_inverse, ends)
    return out


def gram_derivative_errors(found, bigs, h_inverse, ends):
    """Errors of the entries of Lambda H^-1 Lambda' on the pattern of C."""
    sizes, out = found.system.gram.sizes, {}
    diagonals, couplings = found.gram_derivatives()

    def cells(s, t):
        own = h_inverse[ends[s] : ends[s + 1], ends[t] : ends[t + 1]]
        own = bigs[s] @ own @ bigs[t].T
        return own.reshape(*sizes[s], *sizes[t]).transpose(0, 2, 1, 3)

    # where all factors vanish so do the entries
    scale = max(0.1, *(np.abs(cells(t, t)).max() for t in range(len(sizes))))
    for t, (m, _) in enumerate(sizes):
        levels = np.arange(m)
        out["gram", t] = worst(diagonals[t], cells(t, t)[levels, levels], scale)
    for (s, t), c in found.system.gram.couplings.items():
        expected = 2.0 * cells(s, t)[c.rows, c.cols]
        out["gram", s, t] = worst(couplings[s, t], expected, scale)
    return out


def reweighted(designs, seed=2):
    """Gram matrices of the same pattern: plain, and with other weights of the rows."""
    w = np.random.default_rng(seed).uniform(0.2, 3.0, len(designs[0][0]))
    return gram(designs), [(c, z * np.sqrt(w)[:, None]) for c, z in designs]


def assert_dense(designs, tolerance=1e-11, singular=(), built=None, seed=1):
    lams = factors_for(designs, np.random.default_rng(seed), singular)
    found = errors(designs, lams, built)
    bad = {k: v for k, v in found.items() if not v < tolerance}
    assert not bad
    return max(found.values())


def plus(designs, m, k, seed=5):
    """One more factor, crossed with the others."""
    rng = np.random.default_rng(seed)
    n = len(designs[0][0])
    return [*designs, (labels(rng.integers(0, m, n)), rng.standard_normal((n, k)))]


DESIGNS = {
    "one k=1": crossed(60, [(5, 1)]),
    "one k=2": crossed(60, [(6, 2)]),
    "one k=3": crossed(60, [(7, 3)]),
    "crossed 1 1": crossed(120, [(20, 1), (6, 1)]),
    "crossed 2 1": crossed(120, [(20, 2), (6, 1)]),
    "crossed 1 3": crossed(120, [(20, 1), (6, 3)]),
    "crossed 3 2": crossed(120, [(6, 3), (25, 2)]),
    "three crossed": crossed(120, [(20, 2), (6, 2), (4, 1)]),
    "three crossed, small first": crossed(120, [(8, 1), (20, 1), (3, 2)]),
    "nested": nested(200, (4, 5, 3), (1, 1, 1)),
    "nested slopes": nested(200, (4, 5, 3), (2, 1, 2)),
    "nested slopes inside": nested(200, (4, 5, 3), (1, 3, 2)),
    "nested, inner first": nested(200, (4, 5, 3), (1, 2, 1))[::-1],
    "nested plus crossed": plus(nested(200, (4, 5, 3), (1, 1, 1)), 7, 1),
    "nested slopes plus crossed slopes": plus(nested(200, (4, 5, 3), (2, 1, 2)), 7, 2),
    "two chains": nested(200, (4, 6), (1, 2), 1) + nested(200, (3, 5), (2, 1), 2),
}
EVERY = pytest.mark.parametrize("name", DESIGNS)


@EVERY
def test_system_is_the_dense_one(name):
    assert_dense(DESIGNS[name])  # largest gap seen: 4e-15


@EVERY
def test_other_numbers_in_the_same_pattern(name):
    plain, weighted = reweighted(DESIGNS[name])
    first = BlockSystem(plain)
    kept = first.storage.copy()
    assert_dense(weighted, built=first.with_gram(gram(weighted)))
    assert_array_equal(first.storage, kept)
    assert_dense(DESIGNS[name], built=first)


@EVERY
@pytest.mark.parametrize("which", ["first", "last", "all"])
def test_singular_factors(name, which):
    """A zero on the diagonal is nudged inside, which costs some digits."""
    n = len(DESIGNS[name])
    singular = {"first": (0,), "last": (n - 1,), "all": tuple(range(n))}[which]
    lams = factors_for(DESIGNS[name], np.random.default_rng(3), singular)
    nudged = errors(DESIGNS[name], [inside(lam) for lam in lams])
    # u / 1e-7 loses seven digits of u: 2e-9 seen
    assert (
        max(v for k, v in nudged.items() if k[0] != "apply_inverse_transpose") < 1e-11
    )
    exact = errors(DESIGNS[name], lams)
    # u and the level blocks move by the nudge itself; covariances by its square
    first_order = ("solve", "level")
    assert max(v for k, v in exact.items() if k[0] not in first_order) < 1e-7
    assert max(exact.values()) < 1e-5
    assert exact["logdet"] < 1e-11


@EVERY
def test_zero_factors_leave_the_identity(name):
    designs = DESIGNS[name]
    built = BlockSystem(gram(designs))
    lams = [np.zeros((z.shape[1],) * 2) for _, z in designs]
    found = built.factorize(lams)
    assert abs(found.logdet) < 1e-9
    for f, d in enumerate(found.covariance_derivatives()):
        # at Lambda = 0 the derivative is the sum of the blocks of C
        assert_allclose(d, built.gram.diagonals[f].sum(axis=0), rtol=1e-8, atol=1e-6)


@EVERY
def test_a_system_is_not_changed_by_what_it_factorises(name):
    designs = DESIGNS[name]
    built = BlockSystem(gram(designs))
    kept, rng = built.storage.copy(), np.random.default_rng(0)
    one, other = factors_for(designs, rng), factors_for(designs, rng)
    first = built.factorize(one)
    second = built.factorize(other)
    second.covariance_derivatives()
    second.solve(rng.standard_normal((built.width, 2)))
    assert_array_equal(built.storage, kept)
    # the earlier factorisation still answers for its own factors
    again = BlockSystem(gram(designs)).factorize(one)
    rhs = rng.standard_normal((built.width, 2))
    assert_array_equal(first.solve(rhs), again.solve(rhs))
    for d, e in zip(
        first.covariance_derivatives(), again.covariance_derivatives(), strict=True
    ):
        assert_array_equal(d, e)


@pytest.mark.parametrize("name", ["one k=1", "one k=2", "one k=3"])
def test_one_factor_takes_leading_axes(name):
    built, rng = BlockSystem(gram(DESIGNS[name])), np.random.default_rng(2)
    assert built.batched
    lams = np.stack([factors_for(DESIGNS[name], rng)[0] for _ in range(4)])
    rhs = rng.standard_normal((4, built.width, 3))
    many = built.factorize([lams])
    derivative, level = many.covariance_derivatives()[0], many.level_covariances()[0]
    for r in range(4):
        one = built.factorize([lams[r]])
        u = one.solve(rhs[r])
        assert_allclose(many.logdet[r], one.logdet, rtol=1e-13)
        assert_allclose(many.solve(rhs)[r], u, atol=1e-13)
        assert_allclose(many.apply_factor(many.solve(rhs))[r], one.apply_factor(u))
        assert_allclose(derivative[r], one.covariance_derivatives()[0], rtol=1e-11)
        assert_allclose(level[r], one.level_covariances()[0], atol=1e-13)
        assert_allclose(built.multiply(rhs)[r], built.multiply(rhs[r]), rtol=1e-12)
    shared = many.solve(rhs[0])
    assert_allclose(shared[2], built.factorize([lams[2]]).solve(rhs[0]), atol=1e-13)


@given(
    st.integers(0, 2**31),
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 3)), min_size=1, max_size=4),
    st.integers(15, 60),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_random_designs(seed, sizes, n, hierarchical):
    """Also levels observed once, one level alone, and more effects than rows."""
    rng = np.random.default_rng(seed)
    designs, codes = [], np.zeros(n, int)
    for m, k in sizes:
        own = rng.integers(0, m, n)
        codes = codes * m + own if hierarchical else own
        codes = labels(codes)
        designs.append((codes, rng.standard_normal((n, k))))
    order = rng.permutation(len(designs))
    assert_dense([designs[i] for i in order], 1e-9, seed=seed)


# ---- the plan ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n, d in DESIGNS.items() if len(d) > 1])
def test_order_of_elimination_does_not_depend_on_the_order_given(name):
    designs = DESIGNS[name]
    shapes = set()
    for order in itertools.permutations(range(len(designs))):
        made = plan.make_plan(gram([designs[i] for i in order]))
        shapes.add(
            (
                tuple(order[f] for f in made.order),
                tuple(order[step.factor] for step in made.steps),
                tuple(order[f] for f in made.tail.factors),
                made.size,
            )
        )
    assert len(shapes) == 1


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_work_does_not_depend_on_the_order_given_when_widths_are_equal(order):
    """20 groups with 3 effects are as wide as 60 subgroups with one."""
    rng = np.random.default_rng(0)
    inner = np.repeat(np.arange(60), 4)
    designs = [
        (inner // 3, rng.standard_normal((240, 3))),
        (inner, rng.standard_normal((240, 1))),
    ]
    made = plan.make_plan(gram([designs[i] for i in order]))
    assert made.tail.width == 0


@pytest.mark.parametrize("ks", [(1, 1, 1), (2, 1, 1), (1, 2, 3), (4, 3, 2), (2, 5, 1)])
def test_nested_factors_are_all_eliminated_as_steps(ks):
    """In whatever order they are given, and however wide the outer ones are."""
    designs = nested(400, (5, 4, 3), ks)
    for order in itertools.permutations(range(3)):
        made = plan.make_plan(gram([designs[i] for i in order]))
        assert len(made.steps) == 3
        assert made.tail.width == 0
        assert [order[f] for f in made.order] == [2, 1, 0]  # inside out


def test_crossed_factors_leave_a_tail():
    made = plan.make_plan(gram(DESIGNS["three crossed"]))
    assert made.order == (0, 1, 2)
    assert [step.factor for step in made.steps] == [0]
    assert made.tail.factors == (1, 2)
    assert made.tail.width == 6 * 2 + 4
    assert made.width == 20 * 2 + 6 * 2 + 4


def test_a_coupling_of_zeros_may_be_left_out():
    """Two outer factors that only the elimination of the inner one couples."""
    rng = np.random.default_rng(2)
    inner = np.repeat(np.arange(40), 6)
    s, t = inner % 8, inner // 10
    odd = (np.arange(240) % 2)[:, None]
    designs = [
        (inner, rng.standard_normal((240, 2))),
        (s, rng.standard_normal((240, 1)) * odd),
        (t, rng.standard_normal((240, 1)) * (1 - odd)),
    ]
    full = gram(designs)
    assert not full.couplings[1, 2].data.any()
    del full.couplings[1, 2]
    assert_dense(designs, built=BlockSystem(full))


def test_factors_that_never_meet_are_both_steps():
    """Level-diagonal couplings, as two factors with the same partition, do not fill."""
    codes = np.repeat(np.arange(8), 5)
    rng = np.random.default_rng(1)
    designs = [(codes, rng.standard_normal((40, k))) for k in (1, 2)]
    made = plan.make_plan(gram(designs))
    assert len(made.steps) == 2
    assert_dense(designs)


# ---- other roads to the same numbers ----------------------------------------------

CROSSED = [n for n, d in DESIGNS.items() if "crossed" in n or n == "two chains"]


def numbers(built, lams):
    found = built.factorize(lams)
    rhs = np.random.default_rng(7).standard_normal((built.width, 2))
    return [
        found.logdet,
        found.solve(rhs),
        built.multiply(rhs),
        *found.covariance_derivatives(),
        *found.level_covariances(),
    ]


def assert_same_numbers(one, other, designs, seeds=3):
    for seed in range(seeds):
        singular = (0,) if seed == 2 else ()
        lams = factors_for(designs, np.random.default_rng(seed), singular)
        for a, b in zip(numbers(one, lams), numbers(other, lams), strict=True):
            # with a singular factor, derivatives are quotients by the nudge
            tolerance = 1e-8 if singular else 1e-12
            assert worst(a, b) < tolerance


def test_every_crossed_design_has_a_tail():
    assert len(CROSSED) > 5
    for name in CROSSED:
        assert plan.make_plan(gram(DESIGNS[name])).tail.width


@pytest.fixture
def level_products(monkeypatch):
    """No room for a list of pairs; gives what was built instead of one."""
    built = []

    def spy(*args):
        built.append(schur.LevelProducts(*args))
        return built[-1]

    monkeypatch.setattr(system, "PAIR_LIMIT", 0)
    monkeypatch.setattr(system, "FULL_GAIN", 0)
    monkeypatch.setattr(system, "LevelProducts", spy)
    return built


def without_limit(designs):
    """Products from a list of pairs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(system, "PAIR_LIMIT", 10**9)
        patch.setattr(system, "FULL_GAIN", 0)
        built = BlockSystem(gram(designs))
    assert isinstance(built._products, schur.PairProducts | None)
    return built


@pytest.mark.parametrize("name", CROSSED)
def test_full_products_are_the_pair_map(name, monkeypatch):
    designs = DESIGNS[name]
    usual = without_limit(designs)
    monkeypatch.setattr(system, "FULL_GAIN", 10**9)
    other = BlockSystem(gram(designs))
    if len(other.plan.steps) == 1:  # after several steps pairs are always listed
        assert isinstance(other._products, schur.FullProducts)
    assert_same_numbers(usual, other, designs)
    assert_dense(designs, built=other)
    _, weighted = reweighted(designs)
    assert_dense(weighted, built=other.with_gram(gram(weighted)))


def test_full_couplings_are_multiplied_as_they_are():
    designs = [
        (np.repeat(np.arange(40), 6), np.ones((240, 1))),
        (np.tile(np.arange(6), 40), np.ones((240, 1))),
    ]
    built = BlockSystem(gram(designs))
    assert isinstance(built._products, schur.FullProducts)
    assert_dense(designs, built=built)


@pytest.mark.parametrize("name", CROSSED)
def test_level_products_are_the_pair_map(name, level_products):
    designs = DESIGNS[name]
    usual = without_limit(designs)
    assert not level_products
    other = BlockSystem(gram(designs))
    if len(other.plan.steps) == 1:  # after several steps pairs are always listed
        assert len(level_products) == 1
    assert_same_numbers(usual, other, designs)
    assert_dense(designs, built=other)
    _, weighted = reweighted(designs)
    assert_dense(weighted, built=other.with_gram(gram(weighted)))


def test_level_products_over_many_parts(level_products):
    """More levels and columns than one part of rows holds."""
    designs = crossed(3000, [(1100, 2), (400, 2)])
    usual, other = without_limit(designs), BlockSystem(gram(designs))
    assert len(level_products) == 1
    assert_same_numbers(usual, other, designs, 1)


@pytest.mark.parametrize("name", CROSSED)
def test_sparse_tail_is_the_dense_one(name, monkeypatch):
    usual = BlockSystem(gram(DESIGNS[name]))
    assert isinstance(usual.tail, tails.DenseTail)
    monkeypatch.setattr(plan, "DENSE_TAIL_WIDTH", 0)
    monkeypatch.setattr(plan, "SPARSE_TAIL_FILL", 10.0)
    other = BlockSystem(gram(DESIGNS[name]))
    assert isinstance(other.tail, tails.SparseTail)
    assert_same_numbers(usual, other, DESIGNS[name])
    assert_dense(DESIGNS[name], built=other)
    _, weighted = reweighted(DESIGNS[name])
    assert_dense(weighted, built=other.with_gram(gram(weighted)))


def loosely_connected(ks, n=400):
    """Workers who move between a few neighbouring firms in a few towns."""
    rng = np.random.default_rng(4)
    firm = rng.integers(0, 40, n)
    worker = labels(firm * 3 + rng.integers(0, 5, n))
    town = labels((firm + rng.integers(0, 2, n)) // 4)
    return [
        (labels(codes), rng.standard_normal((n, k)))
        for codes, k in zip((worker, firm, town), ks, strict=True)
    ]


@pytest.mark.parametrize("ks", [(1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, 3)])
def test_a_tail_with_holes(ks, monkeypatch):
    """The pattern of a sparse tail is not full here; entries go where they belong."""
    designs = loosely_connected(ks)
    usual = BlockSystem(gram(designs))
    monkeypatch.setattr(plan, "DENSE_TAIL_WIDTH", 0)
    monkeypatch.setattr(plan, "SPARSE_TAIL_FILL", 10.0)
    other = BlockSystem(gram(designs))
    assert isinstance(other.tail, tails.SparseTail)
    width = other.plan.tail.width
    assert len(other.plan.tail.rows) < 0.8 * width * (width + 1) / 2
    assert_same_numbers(usual, other, designs)
    assert_dense(designs, built=other)


def test_fill_decides_between_the_tails(monkeypatch):
    designs = loosely_connected((1, 1, 1))
    monkeypatch.setattr(plan, "DENSE_TAIL_WIDTH", 0)
    monkeypatch.setattr(plan, "SPARSE_TAIL_FILL", 1e-4)
    assert isinstance(BlockSystem(gram(designs)).tail, tails.DenseTail)


@pytest.mark.parametrize("lambda_scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("name", ["crossed 3 2", "nested slopes plus crossed slopes"])
def test_small_and_large_variances(name, lambda_scale):
    """Against the derivative of the dense log-determinant, far from one."""
    designs = DESIGNS[name]
    lams = [
        lambda_scale * lam for lam in factors_for(designs, np.random.default_rng(6))
    ]
    found = errors(designs, lams)
    # the dense inverse of V loses lambda^2 of its digits, not the blocks
    tolerance = 1e-11 * max(1.0, lambda_scale**2)
    assert max(found.values()) < tolerance


@pytest.mark.parametrize("lead", [(), (40,)])
@pytest.mark.parametrize(("k", "c"), [(1, 3), (2, 1), (2, 8), (2, 9), (3, 4)])
@pytest.mark.parametrize("m", [3, 400])
def test_one_matrix_for_all_blocks(lead, k, c, m):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(*lead, k, k))
    blocks = rng.normal(size=(*lead, m, k, c))
    expected = matrix[..., None, :, :] @ blocks
    np.testing.assert_allclose(shared_product(matrix, blocks), expected, atol=1e-13)
