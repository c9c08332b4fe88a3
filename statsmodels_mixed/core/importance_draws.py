"""Standard draws for importance sampling, the same each time they are asked for."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.special import gammaln

from ..errors import DataError, MixedModelError
from ..linalg.components import Components

LARGEST = 2000  # effects of one component: some dense matrices of its size are held
BATCHES = 16
ELEMENTS = 2**18  # rows times draws held at once
# Degrees of freedom beyond the effects of the component. Log-likelihood errors on the
# salamander, guImmun and VerbAgg data are within a tenth of the best choice's. Growing
# with the effects, the spread of a draw's length stays that of the normal's.
DF = 30.0
FLIPS = 5  # varying effects whose signs change one by one; those after them together


class Draws:
    """Antithetic draws of a spherical Student-t vector for each component.

    Draws come in orbits: one t with all changes of sign of the varying effects, those
    of all levels of a factor together. As the likelihood itself, the criterion is then
    the same for a factor Lambda and one with columns of opposite sign; a variance of
    zero is a stationary point of it. (Scrambled Sobol' points gain nothing over
    antithetic draws from twenty effects on.)

    Parameters
    ----------
    system : BlockSystem
    n_draws : int
        Rounded up to whole orbits in each batch.
    rng : numpy.random.Generator
        Seeds are drawn from it; the draws are made anew from them on every pass, so
        memory does not grow with their number.

    Attributes
    ----------
    n_draws : int
    n_orbits : int
    orbit : int
        Draws in an orbit.
    n_batches : int
        Batches of equally many orbits, independent of each other.
    components : Components
    """

    def __init__(self, system, n_draws, rng):
        if not system.width:
            raise DataError(
                "There are no random effects to integrate over: use nagq=1, which is "
                "exact."
            )
        self.components = Components(system)
        sizes = self.components.sizes
        if sizes.max() > LARGEST:
            raise MixedModelError(
                f"Importance sampling integrates over {sizes.max()} random effects "
                f"that are linked by shared rows; it can handle {LARGEST}. Fit by the "
                "Laplace approximation."
            )
        self.n_batches = BATCHES
        self._signs = _signs(system)
        self.orbit = len(self._signs)
        self._share = -(-n_draws // (self.orbit * BATCHES))  # orbits of one batch
        self.n_orbits = BATCHES * self._share
        self.n_draws = self.orbit * self.n_orbits
        entropy = rng.integers(2**32, size=8, dtype=np.uint64).tolist()
        self._seeds = np.random.SeedSequence(entropy).spawn(2 * BATCHES)
        df = self._df = DF + sizes
        self._log_constant = gammaln((df + sizes) / 2) - gammaln(df / 2)
        self._log_constant -= 0.5 * sizes * np.log(np.pi * df)

    def chunks(self, nobs):
        """Pass over all draws, few enough at a time for `nobs` rows.

        Yields
        ------
        batch : int
        t : ndarray, shape (s, q)
            In elimination order; s is `orbit` times as many orbits, the first of
            each before the second of each.
        log_density : ndarray, shape (s, components)
        """
        widest = max(nobs, self.components.of_place.size)
        most = max(1, ELEMENTS // (self.orbit * widest))
        for batch in range(self.n_batches):
            # two streams: the numbers must not depend on the length of the chunks
            seeds = self._seeds[2 * batch : 2 * batch + 2]
            normal, mixing = map(np.random.default_rng, seeds)
            for start in range(0, self._share, most):
                count = min(most, self._share - start)
                t, log_density = self._chunk(count, normal, mixing)
                t = (self._signs[:, None, :] * t).reshape(-1, t.shape[1])
                yield batch, t, np.tile(log_density, (self.orbit, 1))

    def _chunk(self, count, normal, mixing):
        components, df = self.components, self._df
        z = normal.standard_normal((count, components.of_place.size))
        scale = mixing.chisquare(df, (count, components.count)) / df
        t = z / np.sqrt(scale)[:, components.of_place]
        distance = components.sums(t * t) / df
        power = 0.5 * (df + components.sizes)
        return t, self._log_constant - power * np.log1p(distance)


def _signs(system):
    """All changes of sign of the varying effects, (orbit, q)."""
    column, first = np.empty(system.width, dtype=int), 0
    for part, (m, k) in zip(system.slices, system.gram.sizes, strict=True):
        column[part] = np.tile(first + np.arange(k), m)
        first += k
    column = np.minimum(column, FLIPS - 1)
    signs = np.array(list(itertools.product([1.0, -1.0], repeat=min(first, FLIPS))))
    return signs[:, column]
