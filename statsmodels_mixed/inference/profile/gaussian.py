"""The ML deviance of a linear mixed model as a function of all its parameters."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ...core.gaussian import gaussian_deviance
from ...core.information import covariance_chain, information, spread
from ...fitting.sdcor import sdcor_names
from .sdcor_map import (
    Bends,
    ChainLayout,
    Exponential,
    Line,
    Target,
    described,
    ordered_maps,
    starting_entries,
    variance_targets,
)

# numbers in the largest array of a stack of chains
MOST_NUMBERS = 2e6


class GaussianChains:
    """Deviance along chains, each of which holds one parameter fixed.

    Coordinates y are the entries of T in the response's unit (see `sdcor_map`), the
    logarithm of sigma, and for a fixed effect its distance from the estimate in
    standard errors. Other fixed effects are profiled out: with V given, fixing one
    raises the residual sum of squares by ``gap^2 / [(X'V^-1X)^-1]_jj``.

    Parameters
    ----------
    fit : Fit
        By maximum likelihood.

    Attributes
    ----------
    targets : list of Target
    start : ndarray, shape (chains, n)
        Two chains for each target, down and up.
    free : ndarray of bool, shape (chains, n)
        Coordinates that are minimised over.
    exact : bool
        Whether the curvature is the Hessian, not average information.
    together : int
        How many chains are best followed at once.
    """

    def __init__(self, fit):
        self._fit, self._objective = fit, fit.objective
        self._model, self._layout = fit.model, fit.model.layout
        self._unit = float(fit.unit)
        n = self._layout.n_par
        self._scale_place, self._shift_place = n, n + 1
        self.targets = self._targets()
        twice = [target for target in self.targets for _ in range(2)]
        self.start = np.array([self._start(target) for target in twice])
        self.free = np.ones(self.start.shape, dtype=bool)
        for row, target in zip(self.free, twice, strict=True):
            row[[target.place, self._shift_place]] = False
        self._contrast(twice)
        self._bends = Bends([target.bent for target in twice])
        per_chain = [ordered_maps(self._model, target) for target in twice]
        self._maps = [np.array(maps) for maps in zip(*per_chain, strict=True)]
        system = self._objective.cross.system
        self.exact = system.batched
        self.together = 2
        if system.batched:
            numbers = system.width * (self._objective.cross.rank + n + 2)
            self.together = max(2, int(MOST_NUMBERS // max(numbers, 1)))

    def _targets(self):
        fit, unit = self._fit, self._unit
        out = variance_targets(fit, sdcor_names(fit), unit)
        out.append(Target("sigma", self._scale_place, Exponential(unit)))
        kept = np.sort(self._model.coordinates.basis.kept)
        errors = np.sqrt(np.diag(fit.cov_beta))
        for j, column in enumerate(kept):
            name = fit.design.mean.exog_names[column]
            line = Line(errors[j], fit.beta[j])
            out.append(Target(name, self._shift_place, line, contrast=j))
        return out

    def _start(self, target):
        entries = starting_entries(self._fit, target, self._unit)
        log_sigma = 0.5 * np.log(self._fit.sigma2) - np.log(self._unit)
        return np.concatenate([entries, [log_sigma, 0.0]])

    def _contrast(self, targets):
        """Rows of X's coordinates, and how y there gives the fixed effect in units."""
        basis, fit = self._model.coordinates.basis, self._fit
        self._to_user = basis.linear_map[np.argsort(basis.kept)]
        coefficients = self._objective.response.coefficients
        self._rows = np.zeros((len(targets), len(coefficients)))
        self._centre, self._length = np.zeros((2, len(targets)))
        for c, target in enumerate(targets):
            if target.contrast >= 0:
                row = self._to_user[target.contrast]
                self._rows[c] = row
                gap = fit.beta[target.contrast] - row @ coefficients
                self._centre[c] = gap / self._unit
                error = np.sqrt(fit.cov_beta[target.contrast, target.contrast])
                self._length[c] = error / self._unit

    def _select(self, y, chains):
        """theta relative to sigma, log sigma and shift, from coordinates."""
        x = self._bends.forward(y, chains)
        z = x.copy()
        n = self._scale_place
        z[:, :n] /= np.exp(x[:, n])[:, None]
        return z

    def evaluate(self, y, chains, derivatives=True):
        """Deviance at coordinates y (R, n) of some chains, with derivatives in y."""
        z = self._select(y, chains)
        if self._objective.cross.system.batched:
            found = self._at(z, chains, derivatives)
        else:
            rows = zip(z, chains, strict=True)
            found = _stack([self._at(row, c, derivatives) for row, c in rows])
        if derivatives:
            self._pull(y, z, chains, found)
        return found

    def _pull(self, y, z, chains, found):
        """Derivatives in z, of the evaluation, to those in y."""
        n = self._scale_place
        shrink = np.exp(-z[:, n])[:, None]
        size = z.shape[1]
        jacobian = np.broadcast_to(np.eye(size), (len(z), size, size)).copy()
        i = np.arange(n)
        jacobian[:, i, i] = shrink
        jacobian[:, i, n] = -z[:, :n]
        g = found.gradient
        turned = np.swapaxes(jacobian, -1, -2)
        hessian = turned @ found.curvature @ jacobian
        hessian[:, i, n] -= shrink * g[:, :n]
        hessian[:, n, i] -= shrink * g[:, :n]
        hessian[:, n, n] += (g[:, :n] * z[:, :n]).sum(axis=1)
        gradient = (turned @ g[..., None])[..., 0]
        pulled = self._bends.pull(y, chains, gradient, hessian)
        found.gradient, found.curvature = pulled

    def _at(self, z, chains, derivatives):
        """Deviance at (theta, log sigma, shift) for stacks, or for a single chain."""
        objective, n = self._objective, self._scale_place
        layout = ChainLayout(self._layout, [m[chains] for m in self._maps])
        theta, scale = z[..., :n], np.exp(2.0 * z[..., n])
        factors = layout.matrices(theta)
        found = objective.cross.system.factorize(factors)
        state = objective.solve(theta, found)
        self._fix_effect(state, z[..., n + 1], chains)
        nobs, unit = objective.cross.nobs, self._unit
        value = gaussian_deviance(nobs, found.logdet, state["r2"], scale)
        value = value + 2.0 * nobs * np.log(unit) - objective.cross.sum_log_weights
        rounding = np.finfo(float).eps * objective.response.ee / scale
        out = SimpleNamespace(value=value, rounding=rounding, beta=state["beta"])
        if derivatives:
            parts = _Derivatives(objective.cross.system, layout, found, state, scale)
            out.gradient, out.curvature = parts.of(z, nobs, self.exact)
        return out

    def _fix_effect(self, state, shift, chains):
        """Least squares with one fixed effect held, where a chain holds one."""
        row, inverse = self._rows[chains], state["x_inverse"]
        held = self._length[chains] > 0
        k = (inverse @ row[..., None])[..., 0]
        denominator = np.where(held, (row * k).sum(axis=-1), 1.0)
        k = k / denominator[..., None]
        wanted = self._centre[chains] + self._length[chains] * shift
        gap = np.where(held, wanted - (row * state["beta"]).sum(axis=-1), 0.0)
        state["beta"] = state["beta"] + k * gap[..., None]
        state["r2"] = state["r2"] + gap**2 / denominator
        outer = k[..., :, None] * k[..., None, :]
        state["x_inverse"] = inverse - denominator[..., None, None] * outer
        ones = np.ones((*gap.shape, 1))
        state["v"] = np.concatenate([-state["beta"], ones], axis=-1)[..., None]
        state["pull"] = k * self._length[chains][..., None]
        state["slope"] = 2.0 * gap * self._length[chains] / denominator
        state["bend"] = 2.0 * self._length[chains] ** 2 / denominator

    def describe(self, y, chains):
        """All parameters at coordinates y, (R, parameters), in the order of targets."""
        found = self.evaluate(y, chains, derivatives=False)
        coefficients = self._objective.response.coefficients
        beta = (coefficients + self._unit * found.beta) @ self._to_user.T
        z = self._select(y, chains)
        sigma = self._unit * np.exp(z[:, self._scale_place])
        layout = ChainLayout(self._layout, [m[chains] for m in self._maps])
        variances = described(self._fit, layout, z, sigma)
        return np.column_stack([variances, sigma, beta])


class _Derivatives:
    """Derivatives in (theta, log sigma, shift) from one factorisation."""

    def __init__(self, system, layout, found, state, scale):
        self.system, self.layout, self.found, self.state = system, layout, found, state
        self.scale = scale
        q_all = found.apply_inverse_transpose(state["solutions"])
        self.q_x, self.q = q_all[..., :-1], (q_all @ state["v"])[..., 0]

    def of(self, z, nobs, exact):
        """Gradient (..., n) and curvature (..., n, n)."""
        s = self.scale[..., None, None]
        blocks = self.found.covariance_derivatives()
        levels = [self._levels(f) for f in range(len(blocks))]
        g_all = [
            block - np.swapaxes(q, -1, -2) @ q / s
            for block, q in zip(blocks, levels, strict=True)
        ]
        gradient, curvature, directions = covariance_chain(
            self.layout, z, self.found.factors, g_all
        )
        n, state = self.layout.n_par, self.state
        w = np.zeros((*z.shape[:-1], self.system.width, n))
        for f, index, d_sigma in directions:
            w[..., self.system.slices[f], index] = spread(levels[f], d_sigma)
        fvf, wx = information(self.system, self.found, w, self.q_x)
        share = (1.0 + exact) / s
        fpf = fvf - wx @ state["x_inverse"] @ np.swapaxes(wx, -1, -2)
        curvature[..., :n, :n] += share * fpf
        if exact and directions:
            self._subtract_traces(curvature, directions)
        a = (np.swapaxes(w, -1, -2) @ self.q[..., None])[..., 0]
        crossed = (wx @ state["pull"][..., None])[..., 0]
        ratio = state["r2"] / self.scale
        gradient[..., n] = 2.0 * (nobs - ratio)
        gradient[..., n + 1] = state["slope"] / self.scale
        for place, column in ((n, a), (n + 1, crossed)):
            curvature[..., :n, place] = 2.0 * column / s[..., 0]
            curvature[..., place, :n] = 2.0 * column / s[..., 0]
        curvature[..., n, n] = 4.0 * ratio
        curvature[..., n + 1, n + 1] = state["bend"] / self.scale
        mixed = -2.0 * gradient[..., n + 1]
        curvature[..., n, n + 1] = curvature[..., n + 1, n] = mixed
        return gradient, curvature

    def _levels(self, f):
        m, k = self.system.gram.sizes[f]
        part = self.q[..., self.system.slices[f]]
        return part.reshape(*part.shape[:-1], m, k)

    def _subtract_traces(self, curvature, directions):
        """``tr(V^-1 V_i V^-1 V_j)`` of one grouping factor, level by level."""
        ((_, index, d_sigma),) = directions
        (c,), ((w,), _) = self.system.gram.diagonals, self.found.gram_derivatives()
        b = c - c @ w @ c
        k = b.shape[-1]
        flat = b.reshape(*b.shape[:-2], k * k)
        sums = np.swapaxes(flat, -1, -2) @ flat
        sums = sums.reshape(*sums.shape[:-2], k, k, k, k)
        traces = np.einsum(
            "...abcd,...ibc,...jda->...ij", sums, d_sigma, d_sigma, optimize=True
        )
        curvature[..., index[:, None], index] -= traces


def _stack(parts):
    """One evaluation of many from many of one."""
    names = vars(parts[0])
    return SimpleNamespace(**{k: np.stack([vars(p)[k] for p in parts]) for k in names})
