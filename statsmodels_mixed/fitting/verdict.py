"""What a user is told of a fit that is not what was asked for."""

from __future__ import annotations

import numpy as np

from ..errors import ConvergenceWarning, DataError, IdentifiabilityError, warn_user


def deliver(fit):
    """Hand over a fit: refuse what is no fit, warn of what is not at a minimum.

    Parameters
    ----------
    fit : Fit
        Of one response, or of many.

    Returns
    -------
    Fit
        The same.

    Raises
    ------
    IdentifiabilityError
        Rounding leaves nothing of the residual variance of a single response.

    Warns
    -----
    ConvergenceWarning
        Some fit has not the certificate of a minimum; the figures are in it. Or
        the deviance of a single response is flat in the variances.
    """
    single = np.ndim(fit.deviance) == 0
    if single and fit.residual_variance is not None and fit.convergence.unresolved:
        raise IdentifiabilityError(
            "The random effects reproduce the response up to rounding, so no residual "
            f"variance is left (sigma {np.sqrt(fit.sigma2):.1e}, response sd "
            f"{fit.unit:.1e}). Look for a response that is constant within the levels "
            "of a grouping factor."
        )
    if single and (flat := fit.flat_terms()):
        names = " and ".join(f"({fit.design.terms[t].text})" for t in flat)
        warn_user(
            "The deviance does not change along a direction in the variances of "
            f"{names}: the data cannot tell them apart, and where along it the "
            "estimates lie is arbitrary. Leave out one of the terms or effects.",
            ConvergenceWarning,
        )
    bad = [i for i, c in enumerate(fit.convergences) if not c.converged]
    if bad:
        which = "The fit" if single else f"{len(bad)} of {len(fit.convergences)} fits"
        message = fit.convergences[bad[0]].message
        message = message if single else f"not converged; the first: {message}"
        warn_user(
            f"{which}: {message}. Raise max_iter, or look for a term the data say "
            "little about.",
            ConvergenceWarning,
        )
    return fit


def check_covariances(covariances, terms, name, relative=True):
    """One covariance matrix per random-effects term.

    Parameters
    ----------
    covariances : sequence of array_like, shape (k, k)
    terms : sequence of TermDesign
    name : str
        Argument, for the message.
    relative : bool
        Whether they are relative to sigma^2, for the message.

    Returns
    -------
    tuple of ndarray

    Raises
    ------
    DataError
        Wrong number or shape, not finite, not symmetric, or not positive
        semidefinite.
    """
    sizes = [term.k for term in terms]
    try:
        matrices = tuple(np.asarray(c, dtype=float) for c in covariances)
    except (TypeError, ValueError):
        matrices = ()
    if [m.shape for m in matrices] != [(k, k) for k in sizes]:
        raise DataError(
            f"{name} takes one covariance matrix per random-effects term"
            f"{', relative to sigma^2' * relative}, of sizes {sizes}."
        )
    for matrix, term in zip(matrices, terms, strict=True):
        scale = np.abs(matrix).max()
        if not np.isfinite(scale) or not np.allclose(
            matrix, matrix.T, atol=1e-8 * scale
        ):
            raise DataError(
                f"{name}: the matrix of ({term.text}) must be finite and symmetric."
            )
        if np.linalg.eigvalsh(matrix)[0] < -1e-8 * scale:
            raise DataError(
                f"{name}: the matrix of ({term.text}) is no covariance: it has a "
                "negative eigenvalue."
            )
    return matrices
