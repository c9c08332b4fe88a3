"""The minimiser on problems with known answers, without any statistics."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from statsmodels_mixed.optimize import DRIVERS, minimise, minimise_lbfgs, newton


class Problem:
    """Many copies of one function; counts and records what it is asked."""

    def __init__(self, function, calls=None):
        self.function, self.rows, self.indices = function, 0, []

    def __call__(self, x, index):
        assert len(x) == len(index)
        self.rows += len(x)
        self.indices.append(np.array(index))
        values = [self.function(row, i) for row, i in zip(x, index, strict=True)]
        value, gradient, curvature = map(np.array, zip(*values, strict=True))
        return SimpleNamespace(value=value, gradient=gradient, curvature=curvature)


A = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 2.0]])


def quadratic(x, i):
    centre = np.array([1.0, -1.0, 0.5]) * (i + 1)
    d = x - centre
    return 0.5 * d @ A @ d + i, A @ d, A


def valley(x, i=0):
    """Rosenbrock's valley, mild enough for whole steps; minimum 0 at (1, 1)."""
    a, b = 1.0, 20.0
    x, y = x
    value = (a - x) ** 2 + b * (y - x**2) ** 2
    gradient = np.array([-2 * (a - x) - 4 * b * x * (y - x**2), 2 * b * (y - x**2)])
    hessian = np.array([[2 - 4 * b * (y - 3 * x**2), -4 * b * x], [-4 * b * x, 2 * b]])
    return value, gradient, hessian


def wrong_valley(x, i=0):
    """The same with a curvature that lacks a quarter, as average information may."""
    value, gradient, hessian = bowl(x, i)
    return value, gradient, hessian + np.diag([3.0, 0.0, 4.0])


def bowl(x, i=0):
    """Convex, not quadratic: sum of cosh along skew directions."""
    b = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.5], [0.3, 0.0, 1.0]])
    z = b @ x - np.array([0.5, -1.0, 0.7])
    return np.cosh(z).sum(), b.T @ np.sinh(z), b.T @ (np.cosh(z)[:, None] * b)


def bowl_end():
    b = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.5], [0.3, 0.0, 1.0]])
    return np.linalg.solve(b, [0.5, -1.0, 0.7])


def saddle(x, i=0):
    """Stationary at 0, minima at (0, +-1): the curvature there is indefinite."""
    value = x[0] ** 2 + (x[1] ** 2 - 1) ** 2
    gradient = np.array([2 * x[0], 4 * x[1] * (x[1] ** 2 - 1)])
    return value, gradient, np.diag([2.0, 12 * x[1] ** 2 - 4])


def test_quadratic_takes_one_step():
    problem = Problem(quadratic)
    record = minimise(problem, np.zeros((1, 3)), 1e-12, 50)
    assert_allclose(record.end[0], [1.0, -1.0, 0.5], rtol=1e-12)
    assert_allclose(record.value, [0.0], atol=1e-14)
    assert record.n_evaluations[0] == 2 == problem.rows
    assert record.reached[0]
    assert_array_equal(record.start, np.zeros((1, 3)))


def test_start_at_the_minimum_takes_one_evaluation():
    problem = Problem(quadratic)
    record = minimise(problem, np.array([[1.0, -1.0, 0.5]]), 1e-12, 50)
    assert record.n_evaluations[0] == 1 == problem.rows
    assert record.reached[0]


def test_predicted_decrease_of_a_quadratic_is_the_true_one():
    """A tolerance above it: the step is found but not evaluated."""
    problem = Problem(quadratic)
    record = minimise(problem, np.zeros((1, 3)), 1e3, 50)
    value = quadratic(np.zeros(3), 0)[0]
    assert_allclose(record.predicted_decrease[0], value)
    assert_allclose(record.value, [value])
    assert problem.rows == 1
    assert_array_equal(record.end, record.start)
    assert_allclose(record.ahead, [[1.0, -1.0, 0.5]])


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_no_step_ahead_from_where_it_was_stopped(driver):
    record = driver(Problem(valley), np.array([[-1.2, 1.0]]), 1e-12, 3)
    assert not record.reached[0]
    assert_array_equal(record.ahead, record.end)


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_the_step_ahead_is_no_worse(driver):
    record = driver(Problem(bowl), np.array([[1.0, -2.0, 2.0]]), 1e-6, 200)
    assert record.reached[0]
    before = np.abs(record.end[0] - bowl_end()).max()
    assert np.abs(record.ahead[0] - bowl_end()).max() <= before


def test_long_steps_are_shortened():
    record = minimise(Problem(quadratic), np.full((1, 3), 1e5), 1e-12, 100)
    assert_allclose(record.end[0], [1.0, -1.0, 0.5], rtol=1e-9)
    assert record.reached[0]
    step, decrease = newton.newton_step(
        np.array([[3e6, 4e6]]), np.eye(2)[None], np.array([2.0])
    )
    assert_allclose(step, [[-1.2, -1.6]])
    assert_allclose(decrease, [12.5e12])


@pytest.mark.parametrize("start", [(-1.2, 1.0), (2.0, -1.0), (0.0, 0.0)])
def test_curved_valley(start):
    problem = Problem(valley)
    record = minimise(problem, np.array([start]), 1e-14, 200)
    assert record.reached[0]
    assert_allclose(record.end[0], [1.0, 1.0], rtol=1e-6)
    assert record.n_evaluations[0] == problem.rows < 40
    values = [value for value, _ in record.trace]
    assert values == sorted(values, reverse=True)
    assert values[-1] == record.value[0]


def without_secants(missing, curvature, step, change):
    return np.zeros_like(missing), np.zeros(len(missing), dtype=bool)


def test_secants_make_up_for_a_wrong_curvature(monkeypatch):
    start = np.array([[3.0, -2.0, 4.0]])
    helped = minimise(Problem(wrong_valley), start, 1e-12, 200)
    assert helped.reached[0]
    # the predicted decrease of a wrong curvature is of the right order only
    assert_allclose(helped.end[0], bowl_end(), atol=1e-5)
    monkeypatch.setattr(newton, "secant_update", without_secants)
    plain = minimise(Problem(wrong_valley), start, 1e-12, 200)
    assert plain.reached[0]
    # 11 against 62 seen
    assert helped.n_evaluations[0] < 0.6 * plain.n_evaluations[0]


def test_secants_do_no_harm_to_an_exact_curvature(monkeypatch):
    start = np.array([[3.0, -2.0, 4.0]])
    helped = minimise(Problem(bowl), start, 1e-14, 200)
    monkeypatch.setattr(newton, "secant_update", without_secants)
    plain = minimise(Problem(bowl), start, 1e-14, 200)
    assert helped.n_evaluations[0] <= plain.n_evaluations[0] + 1
    assert_allclose(helped.end, plain.end, atol=1e-7)


def test_secant_update_satisfies_the_secant_equation():
    rng = np.random.default_rng(0)
    half = rng.standard_normal((5, 3, 3))
    curvature = half @ np.swapaxes(half, 1, 2)
    missing = np.zeros((5, 3, 3))
    step, change = rng.standard_normal((5, 3)), rng.standard_normal((5, 3))
    updated, trusted = newton.secant_update(missing, curvature, step, change)
    total = curvature + updated
    assert_allclose(np.einsum("rij,rj->ri", total, step), change, rtol=1e-9)
    assert_allclose(updated, np.swapaxes(updated, 1, 2))
    assert not trusted.any()  # nothing was known before
    again, trusted = newton.secant_update(updated, curvature, step, change)
    assert trusted.all()
    assert_allclose(again, updated, atol=1e-9)


def test_secant_update_with_nothing_to_learn():
    eye, step = np.eye(2)[None], np.array([[1.0, 2.0]])
    updated, _ = newton.secant_update(np.zeros((1, 2, 2)), eye, step, step)
    assert_array_equal(updated, np.zeros((1, 2, 2)))


@pytest.mark.parametrize("start", [(0.5, 1e-3), (0.5, -1e-3), (1.0, 0.3)])
def test_leaves_a_saddle(start):
    record = minimise(Problem(saddle), np.array([start]), 1e-12, 100)
    assert record.reached[0]
    assert_allclose(record.end[0], [0.0, np.sign(start[1])], atol=1e-6)


def test_never_climbs_where_curvature_is_negative():
    gradient = np.array([[1.0, 1.0]])
    step, decrease = newton.newton_step(
        gradient, np.diag([2.0, -4.0])[None], np.array([10.0])
    )
    assert_allclose(step, [[-0.5, -0.25]])
    assert_allclose(decrease, [0.5 * (0.5 + 0.25)])


def test_singular_curvature_gives_a_finite_step():
    step, decrease = newton.newton_step(
        np.array([[1.0, 0.0], [0.0, 0.0]]),
        np.array([np.diag([1.0, 0.0]), np.zeros((2, 2))]),
        np.array([10.0, 10.0]),
    )
    assert_allclose(step, [[-1.0, 0.0], [0.0, 0.0]])
    assert_allclose(decrease, [0.5, 0.0])


@pytest.mark.parametrize("slope", [1e-12, 1e-3, 1e3])
def test_a_slope_without_curvature_gives_the_longest_step(slope):
    """A secant of a gradient that did not change may cancel the curvature."""
    gradient = np.array([[slope], [-slope]])
    step, decrease = newton.newton_step(
        gradient, np.zeros((2, 1, 1)), np.array([2.0, 2.0])
    )
    assert_allclose(step, [[-2.0], [2.0]])
    assert (decrease > 0).all()


def shifted_valley(x, i):
    value, gradient, hessian = valley(x * (1 + 0.1 * i))
    return value, gradient * (1 + 0.1 * i), hessian * (1 + 0.1 * i) ** 2


def test_many_problems_at_once_are_one_by_one():
    rng = np.random.default_rng(0)
    start = rng.uniform(-2, 2, (12, 2))
    start[3] = 1.0 / 1.3  # one that has nothing to do
    together = Problem(shifted_valley)
    record = minimise(together, start, 1e-12, 100)
    assert record.reached.all()
    assert record.n_evaluations[3] == 1
    for i in range(12):
        alone = minimise(
            Problem(lambda x, _, i=i: shifted_valley(x, i)),
            start[i : i + 1],
            1e-12,
            100,
        )
        assert_array_equal(record.end[i], alone.end[0])
        assert record.value[i] == alone.value[0]
        assert record.n_evaluations[i] == alone.n_evaluations[0]
        assert record.predicted_decrease[i] == alone.predicted_decrease[0]
        if i == 0:
            assert record.trace == alone.trace
    # the finished are not asked again
    assert together.rows == record.n_evaluations.sum()
    asked = np.bincount(np.concatenate(together.indices), minlength=12)
    assert_array_equal(asked, record.n_evaluations)


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_start_is_not_modified(driver):
    start = np.array([[-1.2, 1.0]])
    record = driver(Problem(valley), start, 1e-10, 100)
    assert_array_equal(start, [[-1.2, 1.0]])
    assert_array_equal(record.start, start)


@pytest.mark.parametrize("max_iter", [1, 2, 3, 7])
def test_max_iter_is_the_most_evaluations(max_iter):
    problem = Problem(shifted_valley)
    record = minimise(problem, np.tile([-1.2, 1.0], (3, 1)), 1e-12, max_iter)
    assert (record.n_evaluations <= max_iter).all()
    assert problem.rows <= 3 * max_iter
    assert not record.reached.any()
    assert (record.predicted_decrease > 1e-12).all()
    values = [shifted_valley(x, i)[0] for i, x in enumerate(record.end)]
    assert_allclose(record.value, values)


def test_lbfgs_counts_its_evaluations():
    problem = Problem(valley)
    record = minimise_lbfgs(problem, np.array([[-1.2, 1.0]]), 1e-12, 5)
    assert not record.reached[0]
    assert record.n_evaluations[0] == problem.rows


def test_max_iter_is_the_most_evaluations_of_lbfgs_too():
    record = minimise_lbfgs(Problem(valley), np.array([[-1.2, 1.0]]), 1e-12, 5)
    assert record.n_evaluations[0] <= 5


def test_no_parameters():
    def nothing(x, i):
        return 3.0, np.zeros(0), np.zeros((0, 0))

    for driver in DRIVERS.values():
        record = driver(Problem(nothing), np.zeros((2, 0)), 1e-9, 10)
        assert record.end.shape == (2, 0)
        assert_array_equal(record.value, [3.0, 3.0])
        assert record.reached.all()


@pytest.mark.parametrize("function", [valley, bowl, shifted_valley, quadratic])
def test_lbfgs_reaches_the_same_end(function):
    size = 2 if "valley" in function.__name__ else 3
    start = np.random.default_rng(1).uniform(-1, 1, (3, size))
    one = minimise(Problem(function), start, 1e-12, 200)
    other = minimise_lbfgs(Problem(function), start, 1e-12, 500)
    assert one.reached.all() and other.reached.all()
    assert_allclose(other.end, one.end, atol=1e-5)
    assert_allclose(other.value, one.value, atol=1e-10)
    assert one.n_evaluations.sum() < other.n_evaluations.sum()


def test_gives_up_on_a_gradient_that_points_uphill():
    """A wrong sign cannot be repaired: stop, and say the minimum was not reached."""

    def wrong(x, i):
        value, gradient, hessian = quadratic(x, i)
        return value, -gradient, hessian

    problem = Problem(wrong)
    record = minimise(problem, np.zeros((1, 3)), 1e-12, 1000)
    assert not record.reached[0]
    assert problem.rows < 50
    assert_array_equal(record.end, record.start)


def test_rounding_at_the_minimum_is_no_reason_to_search():
    """Value 1e9 with a minimum known to 1e-7: steps must not be cut for ever."""

    def high(x, i):
        value, gradient, hessian = bowl(x, i)
        return value + 1e9, gradient, hessian

    record = minimise(Problem(high), np.array([[3.0, -2.0, 4.0]]), 1e-14, 200)
    assert record.reached[0]
    assert record.n_evaluations[0] < 15
    assert_allclose(record.end[0], bowl_end(), atol=1e-6)
