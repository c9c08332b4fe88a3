"""Likelihood of a generalized linear mixed model by importance sampling.

The integral over the random effects is a product over the connected components c of
the design. With draws u_s of the spherical effects from a density q_c around the mode,

    L_c(x) = 1/S sum_s w_cs,   w_cs = exp(log joint_c(u_s; x) - log q_c(u_s)),

is unbiased (Geweke 1989, Econometrica 57, 1317-1339). The random numbers behind the
draws stay the same while x moves, so the criterion is a smooth function of x, with an
exact gradient, whose minimum is the Monte Carlo maximum likelihood estimate (Geyer and
Thompson 1992, Journal of the Royal Statistical Society B 54, 657-699). The draws
themselves follow the mode and its curvature (`importance_proposal`), as the nodes of
adaptive quadrature do: draws that stay are of use in their neighbourhood only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import MixedModelError
from .importance_proposal import Bars, Proposal
from .modes import ModeObjective
from .quadrature import CLOSELY


@dataclass(frozen=True, kw_only=True)
class MonteCarloError:
    """What the draws leave open at one x.

    Attributes
    ----------
    loglike : float
        Monte Carlo log-likelihood.
    loglike_se : float
        Its standard error, by the delta method from independent orbits.
    ess : ndarray, shape (components,)
        Effective number of draws, ``(sum w)^2 / sum w^2``.
    gradient : ndarray, shape (n,)
        Of the deviance.
    curvature : ndarray, shape (n, n)
        Of the deviance of the working model at the mode.
    gradient_noise : ndarray, shape (batches, n)
        What each batch of draws contributes to the error of the gradient: the sum of
        their outer products estimates its Monte Carlo covariance.
    """

    loglike: float
    loglike_se: float
    ess: np.ndarray
    gradient: np.ndarray
    curvature: np.ndarray
    gradient_noise: np.ndarray


class ImportanceObjective(ModeObjective):
    """Monte Carlo deviance of x = (theta, zeta, beta), random numbers held fixed.

    Its curvature is that of the working model at the mode.

    Parameters
    ----------
    rows : RowProducts
    likelihood : Likelihood
    offset : ndarray, shape (n,), or float
    layout : ThetaLayout
    draws : Draws
    zeta : float, optional
        Log dispersion, when it is known; NaN when it is part of x.
    """

    # the draws move with the mode, so the value feels an error in it to first order
    tolerance = CLOSELY

    def __init__(self, rows, likelihood, offset, layout, draws, zeta=0.0):
        super().__init__(rows, likelihood, offset, layout, zeta=zeta)
        self.draws = draws
        self.of_row = draws.components.labels[0][rows.codes[0]]

    @property
    def method(self):
        """How the random effects are integrated out, in a few words."""
        return "ML (importance sampling)"

    def error(self, x) -> MonteCarloError:
        """Monte Carlo errors of the log-likelihood and its gradient at x.

        Raises
        ------
        MixedModelError
            H is not positive definite at x, or no draw has a density.
        """
        point = self.point(x)
        with np.errstate(all="ignore"):
            value, sums = self._integral(point, None)
        if not np.isfinite(value):
            raise MixedModelError(
                "Importance sampling fails at these parameters: random effects near "
                "their mode are outside the domain of the link."
            )
        gradient, g_all = self._gradient(x, point, sums)
        chain = sums.proposal.chain
        noise = [chain(self, x, bars) for bars in sums.centred_bars()]
        batches = self.draws.n_batches
        return MonteCarloError(
            loglike=sums.loglike,
            loglike_se=sums.loglike_se,
            ess=sums.ess,
            gradient=gradient,
            curvature=point.working.curvature(self, x, g_all),
            gradient_noise=-2.0 * np.sqrt(batches / (batches - 1.0)) * np.array(noise),
        )

    def _integral(self, point, logdet):
        try:
            sums = _Sums(self, point)
        except np.linalg.LinAlgError:
            return np.inf, None
        return -2.0 * sums.loglike, sums

    def _gradient(self, x, point, integral):
        gradient = integral.proposal.chain(self, x, integral.bars())
        return -2.0 * gradient, integral.in_covariances()


class _Sums:
    """Weighted sums over all draws with the parameters of a point.

    Weights are relative to the largest of the first chunk of each component, so that
    nothing overflows. What goes into the gradient is summed by batch.

    Attributes
    ----------
    weight : ndarray, shape (batches, components)
    squares, orbit_squares : ndarray, shape (components,)
        Squared weights, and squared sums of the weights of an orbit.
    score, dispersion : ndarray, shape (batches, n)
        l', and the derivative in zeta, of each row.
    observed : ndarray, shape (n,)
        -l''.
    crossed : list of ndarray, shape (batches, m, k, k)
        ``(Z'l') u'`` of each level.
    outer : list of ndarray, shape (m, k, k)
        ``(Z'l') (Z'l')'`` of each level.
    force : ndarray, shape (batches, q)
        Derivative g of the log joint density in u.
    spread : list of ndarray, shape (batches, c, d, d)
        ``t g'`` of each component, stacked by size.
    """

    def __init__(self, objective, point):
        self.objective, self.rows = objective, objective.rows
        self.draws, self.components = objective.draws, objective.draws.components
        self.of_row = objective.of_row
        self.proposal = Proposal(point, self.components)
        self.factors, self.zeta = self.proposal.factors, point.problem.zeta
        self.fixed = point.fixed
        self._prepare()
        for batch, t, log_density in self.draws.chunks(self.rows.nobs):
            self._add(batch, t, log_density)
        self.total = self.weight.sum(axis=0)
        self._normalise()

    def _prepare(self):
        batches, n = self.draws.n_batches, self.rows.nobs
        components, system = self.components, self.rows.system
        self.shift = None
        self.weight = np.zeros((batches, components.count))
        self.squares, self.orbit_squares = np.zeros((2, components.count))
        self.score, self.dispersion = np.zeros((2, batches, n))
        self.observed = np.zeros(n)
        sizes = system.gram.sizes
        self.crossed = [np.zeros((batches, m, k, k)) for m, k in sizes]
        self.outer = [np.zeros((m, k, k)) for m, k in sizes]
        self.force = np.zeros((batches, system.width))
        shapes = [places.shape for _, places in components.groups]
        self.spread = [np.zeros((batches, c, d, d)) for c, d in shapes]

    def _add(self, batch, t, log_density):
        """Sums over one chunk of draws, t (s, q) and log_density (s, components)."""
        u = self.proposal.place(t)
        eta = self.fixed + self.rows.random_part(self._per_level(u, self.factors))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            d = self.objective.likelihood.derivatives(eta, self.zeta, order=2)
            joint = self._by_component(d.value) - 0.5 * self.components.sums(u * u)
            relative = joint - log_density
            if self.shift is None:
                most = relative.max(axis=0)
                self.shift = np.where(np.isfinite(most), most, 0.0)
            # where the response has no density (outside the domain of the link) no
            # effects are possible
            w = np.where(np.isfinite(relative), np.exp(relative - self.shift), 0.0)
        self.weight[batch] += w.sum(axis=0)
        self.squares += np.einsum("sc,sc->c", w, w)
        orbits = w.reshape(self.draws.orbit, -1, w.shape[1]).sum(axis=0)
        self.orbit_squares += np.einsum("oc,oc->c", orbits, orbits)
        q = self._add_rows(batch, eta, d, w)
        self._add_effects(batch, t, u, q, w)

    def _add_rows(self, batch, eta, d, w):
        """Sums over the draws for each row; returns ``Z'l'`` of each draw."""
        weight = w[:, self.of_row]
        possible = weight > 0.0
        d1, d2 = (np.where(possible, part, 0.0) for part in (d.d1, d.d2))
        self.score[batch] += np.einsum("si,si->i", weight, d1)
        self.observed -= np.einsum("si,si->i", weight, d2)
        if self.objective.estimates_dispersion:
            likelihood = self.objective.likelihood
            dl = likelihood.dispersion_derivatives(eta, self.zeta)[0]
            dl = np.where(possible, dl, 0.0)
            self.dispersion[batch] += np.einsum("si,si->i", weight, dl)
        return np.array([self.rows.collect(row) for row in d1])

    def _add_effects(self, batch, t, u, q, w):
        """Sums over the draws for each level and each component."""
        levels = zip(self.rows.levels(q), self.rows.levels(u), strict=True)
        for f, (q_f, u_f) in enumerate(levels):
            weighted = w[:, self.components.labels[f], None] * q_f
            self.crossed[f][batch] += np.einsum("sma,smb->mab", weighted, u_f)
            self.outer[f] += np.einsum("sma,smb->mab", weighted, q_f)
        g = self._per_level(q, [f.T for f in self.factors]) - u
        g *= w[:, self.components.of_place]
        self.force[batch] += g.sum(axis=0)
        for (_, places), out in zip(self.components.groups, self.spread, strict=True):
            t_c, g_c = (np.swapaxes(v[:, places], 0, 1) for v in (t, g))
            out[batch] += np.swapaxes(t_c, 1, 2) @ g_c

    def _per_level(self, values, matrices):
        """One matrix per factor times the values of each of its levels, (s, q)."""
        out = np.empty_like(values)
        levels = self.rows.levels(values)
        for part, v, a in zip(self.rows.system.slices, levels, matrices, strict=True):
            out[:, part] = (v @ a.T).reshape(len(values), -1)
        return out

    def _by_component(self, values):
        """Sums of the rows' values over each component, (s, components)."""
        count = self.components.count
        return np.array([np.bincount(self.of_row, v, count) for v in values])

    @property
    def loglike(self):
        """Sum over the components of the log mean weight."""
        with np.errstate(divide="ignore"):
            mean = np.log(self.total / self.draws.n_draws)
        constant = 0.5 * np.log(2.0 * np.pi) * self.components.sizes
        return float((mean + self.shift - constant - self.proposal.half_logdet).sum())

    @property
    def loglike_se(self):
        """Delta method; orbits are independent, and so are components."""
        n = self.draws.n_orbits
        variance = self.orbit_squares / self.total**2 - 1.0 / n
        return float(np.sqrt(variance.sum() * n / (n - 1.0)))

    @property
    def ess(self):
        """Effective number of draws of each component."""
        return self.total**2 / self.squares

    @np.errstate(divide="ignore", invalid="ignore")  # no draw is possible
    def _normalise(self):
        """Divide by the sums of the weights, so that sums become expectations."""
        over = 1.0 / self.total
        for part in (self.score, self.dispersion, self.observed):
            part *= over[self.of_row]
        for own, *parts in zip(
            self.components.labels, self.crossed, self.outer, strict=True
        ):
            for part in parts:
                part *= over[own][:, None, None]
        self.force *= over[self.components.of_place]
        for (members, _), part in zip(self.components.groups, self.spread, strict=True):
            part *= over[members][:, None, None]

    def bars(self):
        """Expectations under the weights."""
        return Bars(
            self.score.sum(axis=0),
            float(self.dispersion.sum()),
            [part.sum(axis=(0, 1)) for part in self.crossed],
            self.force.sum(axis=0),
            [part.sum(axis=0) for part in self.spread],
            -0.5,
        )

    def centred_bars(self):
        """What each batch adds to the expectations beyond its share of the weight."""
        share, components = self.weight / self.total, self.components
        members = [members for members, _ in components.groups]
        levels = _beyond(share, self.crossed, components.labels)
        parts = zip(
            *_beyond(share, (self.score, self.dispersion), (self.of_row,) * 2),
            *_beyond(share, [self.force], [components.of_place]),
            zip(*(part.sum(axis=1) for part in levels), strict=True),
            zip(*_beyond(share, self.spread, members), strict=True),
            strict=True,
        )
        for score, dispersion, force, level, spread in parts:
            yield Bars(score, float(dispersion.sum()), level, force, spread, 0.0)

    def in_covariances(self):
        """Derivative of the deviance in each relative covariance.

        The normal density obeys the heat equation in its covariance, so the
        derivative is ``E[Z'WZ - q q']`` under the weights, q = Z'l'. That exists at
        singular covariances too, unlike the quotient of the derivative in the factor
        and the factor.
        """
        diagonals = self.rows.reweighted(self.observed).gram.diagonals
        parts = zip(diagonals, self.outer, strict=True)
        return tuple((gram - outer).sum(axis=0) for gram, outer in parts)


def _beyond(share, parts, indices):
    """Sums by batch minus the batch's share of the whole, (batches, m, ...).

    Parameters
    ----------
    share : ndarray, shape (batches, components)
    parts : sequence of ndarray, shape (batches, m, ...)
    indices : sequence of ndarray of int, shape (m,)
        Component of each entry.
    """
    out = []
    for part, index in zip(parts, indices, strict=True):
        own = share[:, index].reshape(*part.shape[:2], *(1,) * (part.ndim - 2))
        out.append(part - own * part.sum(axis=0))
    return out
