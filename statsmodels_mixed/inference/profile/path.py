"""Follow the minimum of a criterion along one coordinate, for many chains at once.

With D(t) the minimum over all other coordinates and D0 that over all, the profile zeta
is the signed root of ``D(t) - D0``. Its derivatives cost nothing: dD/dt is the partial
derivative (the others vanish), and the minimiser moves by ``-H_rr^-1 H_rt dt``. Points
are predicted by cubic extrapolation and corrected by Newton steps (Allgower and Georg
1990, Numerical Continuation Methods, chapter 2); limits are roots of ``zeta(t) = z``
(Venzon and Moolgavkar 1988, Applied Statistics 37, 87-94).
"""

from __future__ import annotations

import itertools

import numpy as np

from ...optimize import minimise
from .points import Points, between, extrapolated, share_of
from .search import Best, Held, Rivals

STEP = 0.55  # of zeta
MARGIN = 1.02  # by which the last step goes beyond
TOLERANCE = 1e-8  # predicted decrease of the deviance at which a point is good
MAX_EVALUATIONS = 60  # for one point
MAX_POINTS = 40  # on one chain
LONGEST = 2.0  # first step of a coordinate
STRETCH = 4.0  # most by which a step may exceed the one before, or the tangent's
REACH = 2.0  # share of the step before up to which cubics are continued
LEAP = 2.0  # of zeta, that calls for a shorter step
SADDLE = 1e-6  # negative curvature, relative to the largest
PUSH = 0.1  # off a saddle
FLAT = 1e-10  # curvature of directions that are left alone
CLOSE = 1e-4  # distance in zeta from which one more Newton step is enough
USABLE = 0.2  # share of the least curvature that a correction must leave
SHORTER = 6  # times that such a step, or one out of the domain, is halved
PASSES = 20
NEAR_ZERO = 1e-5  # zeta, below which its derivative is that at the minimum


class Paths:
    """Profiles of a criterion, two chains for each parameter: down and up.

    Parameters
    ----------
    problem : GaussianChains or GeneralizedChains

    Attributes
    ----------
    history : list of list of Points
        Per chain its points, from the minimum outwards.
    open : ndarray of bool, shape (chains,)
        Chains that have not come to a bound.
    endless, broken : ndarray of bool, shape (chains,)
        Chains that do not rise as far as they were followed, and that ended where
        the response has no density.
    lowest : float
        Least deviance that was met.
    rivals : list of Rivals
        Other minima, without variance of the one or the other effect.
    left : float
        Most by which a Newton step would still lower the deviance of any point.
    """

    def __init__(self, problem):
        self.problem = problem
        targets = [t for t in problem.targets for _ in range(2)]
        self.place = np.array([t.place for t in targets])
        self.sign = np.tile([-1.0, 1.0], len(problem.targets))
        self.missing = np.zeros((len(targets),) + problem.start.shape[1:] * 2)
        self.history = [[] for _ in targets]
        starts = problem.start[np.arange(len(targets)), self.place]
        self.defined = np.isfinite(starts)
        pairs = zip(targets, self.sign, strict=True)
        ends = [t.upper if sign > 0 else t.lower for t, sign in pairs]
        self._ends = np.array(ends)
        self.open = self.defined & (self.sign * (self._ends - starts) > 0)
        self.endless, self.broken = np.zeros((2, len(targets)), dtype=bool)
        self.minimum = self.lowest = None
        self.left = 0.0
        self.rivals = [Rivals(problem, which) for which in (0, 2)]

    def begin(self, chains):
        """Evaluate at the minimum; find what the curvature misses there."""
        chains = chains[self.defined[chains]]
        if not len(chains):
            return
        y = self.problem.start[chains]
        found = self.problem.evaluate(y, chains)
        if self.minimum is None:
            self.minimum = self.lowest = float(found.value.min())
        if not self.problem.exact:
            for row, c in enumerate(chains[::2]):  # both start at the same point
                plain = found.curvature[2 * row]
                missing = self._differences(y[2 * row], c, plain) - plain
                self.missing[chains[2 * row : 2 * row + 2]] = missing
            self._complete(chains, found)
        points = self._analyse(chains, y, found)[0]
        for row, c in enumerate(chains):
            self.history[c].append(points.row(row))
        for rivals in self.rivals:
            rivals.find(self, chains)

    def _differences(self, y, chain, curvature):
        """Hessian by central differences of the gradient."""
        size = np.abs(np.diag(curvature))
        steps = 1e-3 / np.sqrt(np.maximum(0.5 * size, 1e-8 * size.max()))
        steps[~self._moving(np.array([chain]))[0]] = 0.0
        out = np.zeros_like(curvature)
        for i in np.flatnonzero(steps):
            ends = np.array([y, y])
            ends[:, i] += steps[i] * np.array([1.0, -1.0])
            g = self.problem.evaluate(ends, np.array([chain, chain])).gradient
            out[i] = (g[0] - g[1]) / (2.0 * steps[i])
        return 0.5 * (out + out.T)

    def _complete(self, chains, found):
        """Add to the curvature what it missed at the minimum, where that may do."""
        if self.problem.exact:
            return
        free, plain = self.problem.free[chains], found.curvature
        found.curvature = plain + self.missing[chains]
        least = np.linalg.eigvalsh(Held(found, free).curvature)[:, 0]
        whole, found.curvature = found.curvature, plain
        before = np.linalg.eigvalsh(Held(found, free).curvature)[:, 0]
        usable = least > USABLE * np.abs(before)
        found.curvature = np.where(usable[:, None, None], whole, plain)

    def _moving(self, chains):
        """Coordinates that take part: those minimised over, and the one held."""
        out = self.problem.free[chains].copy()
        out[np.arange(len(chains)), self.place[chains]] = True
        return out

    # ---- one point of each chain -----------------------------------------------

    def settle(self, chains, y):
        """Minimise over the free coordinates from y, (R, n), and from known rivals."""
        points = self._descend(chains, y)
        for rivals in self.rivals:
            near = rivals.value[chains] - rivals.error[chains] < points.value
            rivals.refine(self, chains[near])
            rows = np.flatnonzero(rivals.value[chains] < points.value - TOLERANCE)
            if not len(rows):
                continue
            start, place = rivals.y[chains[rows]], self.place[chains[rows]]
            start[np.arange(len(rows)), place] = y[rows, place]
            again = self._descend(chains[rows], start)
            lower = again.value < points.value[rows]
            points = points.replaced(rows[lower], again.row(lower))
        self.lowest = min(self.lowest, np.nanmin(points.value))
        return points

    def _descend(self, chains, y):
        """A minimum near y, (R, n), that is no saddle."""
        points, negative, direction = self.minimised(chains, y)
        for _ in range(2):
            rows = np.flatnonzero(negative)
            if not len(rows):
                break
            pushed = points.y[rows] + PUSH * direction[rows]
            again, still, further = self.minimised(chains[rows], pushed)
            better = again.value < points.value[rows] - TOLERANCE
            points = points.replaced(rows[better], again.row(better))
            negative = np.zeros(len(chains), dtype=bool)
            negative[rows] = better & still
            direction[rows] = further
        return points

    def minimised(self, chains, y, free=None, tol=TOLERANCE):
        """Where a search from y ends, whether that is a saddle, and a way off it."""
        free = self.problem.free[chains] if free is None else free
        best = Best(len(chains), y.shape[1])

        def evaluate(x, index):
            found = self.problem.evaluate(x, chains[index])
            self._complete(chains[index], found)
            best.offer(index, x, found)
            return Held(found, free[index])

        record = minimise(evaluate, y, tol, MAX_EVALUATIONS)
        if tol == TOLERANCE:
            self.left = max(self.left, float(record.predicted_decrease.max()))
        return self._analyse(chains, best.y, best)

    def _analyse(self, chains, y, found):
        """The point a last Newton step leads to, and whether it is a saddle."""
        free = self.problem.free[chains]
        held = Held(found, free)
        rows, place = np.arange(len(chains)), self.place[chains]
        values, vectors = np.linalg.eigh(held.curvature)
        largest = np.abs(values).max(axis=1, keepdims=True)
        size = np.where(np.abs(values) > FLAT * largest, values, np.inf)
        column = np.where(free, found.curvature[rows, :, place], 0.0)
        right = np.stack([held.gradient, column], axis=-1)
        moved = -vectors @ ((np.swapaxes(vectors, -1, -2) @ right) / size[..., None])
        step, tangent = moved[..., 0], moved[..., 1]
        negative = values[:, 0] < -SADDLE * largest[:, 0]
        # more than the search left open is rounding along a flat direction
        decrease = -0.5 * (held.gradient * step).sum(axis=1)
        small = ~negative & (decrease >= 0.0) & (decrease <= TOLERANCE)
        step = np.where(small[:, None], step, 0.0)
        slope = found.gradient[rows, place] + (column * step).sum(axis=1)
        second = found.curvature[rows, place, place] + (column * tangent).sum(axis=1)
        value = found.value + 0.5 * (held.gradient * step).sum(axis=1)
        tangent[rows, place] = 1.0
        side = np.sign(y[rows, place] - self.problem.start[chains, place])
        zeta = side * np.sqrt(np.maximum(value - self.minimum, 0.0))
        flat = np.sqrt(0.5 * np.maximum(second, 0.0))
        away = np.abs(zeta) > NEAR_ZERO
        rate = np.where(away, slope / np.where(away, 2.0 * zeta, 1.0), flat)
        y = y + step
        points = Points(y, value, zeta, rate, tangent, y[rows, place])
        return points, negative, vectors[..., 0]

    # ---- along the chains ------------------------------------------------------

    def follow(self, chains, z):
        """Extend chains until ``|zeta| >= z`` or to their bound."""
        h = MARGIN * z / np.ceil(z / STEP)
        while True:
            going = self.open & ~self.endless & ~self.broken
            short = [c for c in chains if going[c] and self._zeta(c) < z]
            if not short:
                return
            self._advance(np.array(short), h)

    def ordered(self, i):
        """Both chains of parameter i, downmost point first.

        Returns
        -------
        chains : ndarray of int, shape (R,)
        points : Points, or None where there are none
        """
        down, up = self.history[2 * i], self.history[2 * i + 1]
        points = down[:0:-1] + up
        chains = np.repeat([2 * i, 2 * i + 1], [max(len(down) - 1, 0), len(up)])
        return chains, Points.stack(points) if points else None

    def _zeta(self, c):
        return abs(self.history[c][-1].zeta)

    def _advance(self, chains, h):
        """One more point of each chain."""
        y, at_bound = self._predict(chains, h)
        points = self.settle(chains, y)
        last = Points.stack([self.history[c][-1] for c in chains])
        for _ in range(SHORTER):
            near = np.abs(points.zeta - last.zeta) < LEAP  # not if infinite
            rows = np.flatnonzero(~near)
            if not len(rows):
                break
            y[rows] = 0.5 * (y[rows] + last.y[rows])
            at_bound[rows] = False
            points = points.replaced(rows, self.settle(chains[rows], y[rows]))
        lost = ~np.isfinite(points.value)
        for row, c in enumerate(chains):
            if not lost[row]:
                self.history[c].append(points.row(row))
        self.open[chains[at_bound]] = False
        self.broken[chains] |= lost
        self.endless[chains] |= [len(self.history[c]) > MAX_POINTS for c in chains]

    def _predict(self, chains, h):
        """Where to look next, (R, n), and whether that is at a bound."""
        last = Points.stack([self.history[c][-1] for c in chains])
        longer = [len(self.history[c]) > 1 for c in chains]
        before = Points.stack([self.history[c][-2:][0] for c in chains])
        sign, longer = self.sign[chains], np.array(longer)
        back = np.where(longer, last.at - before.at, sign * LONGEST / STRETCH)
        with np.errstate(divide="ignore", invalid="ignore"):
            line = h / last.slope
            move = sign * extrapolated(before, last, sign * h)
            bad = ~(move > line / STRETCH) | ~(move < STRETCH * line)
        move = np.where(bad, line, move)
        usable = np.isfinite(move) & (move > 0)
        move = np.where(usable, move, 1.5 * np.abs(back))
        move = sign * np.minimum(move, STRETCH * np.abs(back))
        target, end = last.at + move, self._ends[chains]
        at_bound = sign * (end - target) <= 0
        move = np.where(at_bound, end, target) - last.at
        y = last.y + last.tangent * move[:, None]
        short = longer & (np.abs(move) <= REACH * np.abs(back)) & (back != 0.0)
        cubic = between(before, last, 1.0 + move / np.where(short, back, 1.0))[0]
        y = np.where(short[:, None], cubic, y)
        y[np.arange(len(chains)), self.place[chains]] = last.at + move
        return y, at_bound

    # ---- limits ----------------------------------------------------------------

    def limits(self, chains, z):
        """Coordinates where ``|zeta| = z``; bounds, infinities where it stays below."""
        self.follow(chains, z)
        out = np.empty(len(chains))
        rows, pairs = [], []
        for row, c in enumerate(chains):
            out[row] = self._beyond(c)
            pair = self._bracket(c, z)
            if pair is not None:
                rows.append(row)
                pairs.append(pair)
        if rows:
            inner, outer = (Points.stack(p) for p in zip(*pairs, strict=True))
            out[rows] = self._roots(chains[rows], inner, outer, z)
        return out

    def at(self, i, coordinates):
        """Points of parameter i at some values of its coordinate, one by one."""
        out = []
        for x in coordinates:
            c = 2 * i + int(x > self.problem.start[2 * i, self.place[2 * i]])
            near = min(self.history[c], key=lambda point: abs(point.at - x))
            y = near.y + near.tangent * (x - near.at)
            y[self.place[c]] = x
            points = self.settle(np.array([c]), y[None])
            out.append(points.row(0))
        return Points.stack(out)

    def _beyond(self, c):
        """End of a chain along which zeta does not come to the cutoff."""
        if self.broken[c]:
            return np.nan
        return self.sign[c] * np.inf if self.open[c] else self._ends[c]

    def _bracket(self, c, z):
        points = self.history[c]
        for inner, outer in itertools.pairwise(points):
            if abs(outer.zeta) >= z:
                return inner, outer
        return None

    def _roots(self, chains, inner, outer, z):
        """Newton steps from the root of the cubic through two points."""
        wanted = self.sign[chains] * z
        share = share_of(inner, outer, wanted)
        y = between(inner, outer, share)[0]
        rows, place = np.arange(len(chains)), self.place[chains]
        todo, out = rows, y[rows, place]
        for _ in range(PASSES):
            points = self.settle(chains[todo], y)
            gap = wanted[todo] - points.zeta
            with np.errstate(divide="ignore", invalid="ignore"):
                at = points.at + gap / points.slope
            low = np.where(gap * self.sign[chains[todo]] > 0, points.at, inner.at[todo])
            high = np.where(
                gap * self.sign[chains[todo]] > 0, outer.at[todo], points.at
            )
            outside = ~((at - low) * (high - at) >= 0)
            at = np.where(outside, 0.5 * (low + high), at)
            out[todo] = at
            far = (np.abs(gap) > CLOSE) | outside & (np.abs(gap) > TOLERANCE)
            if not far.any():
                break
            move = (at - points.at)[:, None]
            y = (points.y + points.tangent * move)[far]
            todo = todo[far]
        return out
