"""Methods of estimation of a generalized linear mixed model, by name."""

from __future__ import annotations

from dataclasses import replace

from .montecarlo import mcml
from .pql import fit_pql
from .verdict import deliver


def _likelihood(model, options):
    return deliver(model.fit(options))


def _monte_carlo(model, options):
    start = model.fit(replace(options, nagq=1))
    sampling = options.sampling
    return deliver(
        mcml(model, start, sampling.rng, sampling.n_draws, options, sampling.progress)
    )


def _quasi_likelihood(model, options):
    return fit_pql(model, options)


# a fit of a GeneralizedModel by options, with what a user is told of it
METHODS = {"ml": _likelihood, "mcml": _monte_carlo, "pql": _quasi_likelihood}
