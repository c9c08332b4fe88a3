"""Single variance components of a fit: how they are called, and fits without one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import ComparisonError, DataError

INTERCEPT = "Intercept"


@dataclass(frozen=True)
class VarianceComponent:
    """One variance that no covariance belongs to.

    Attributes
    ----------
    term : int
        Position of the random-effects term.
    effects : tuple of int
        Its varying effects that have this variance: one, or all of a ``homdiag``.
    label : str
        Such as ``"(0 + Days | Subject)"``.
    names : frozenset of str
        What else a user may call it.
    """

    term: int
    effects: tuple
    label: str
    names: frozenset


def variance_components(design):
    """Variances of a design that can be left out one by one.

    Parameters
    ----------
    design : Design

    Returns
    -------
    list of VarianceComponent
        Those of terms with several correlated effects are not among them.
    """
    out = []
    for t, term in enumerate(design.terms):
        structure = term.structure
        if structure.n_par == 1:
            parts = [tuple(range(term.k))]
        elif not structure.covarying():
            parts = [(j,) for j in range(term.k)]
        else:
            continue
        for effects in parts:
            names, label = _names(term, effects, len(parts) == 1)
            out.append(VarianceComponent(t, effects, label, names))
    return out


def find_component(design, name, remedy):
    """The component a user means.

    Parameters
    ----------
    design : Design
    name : str, optional
        The term as in the formula, ``"effect | group"``, or the grouping factor where
        that says which; None where there is only one.
    remedy : str
        What to do instead for correlated effects.

    Returns
    -------
    VarianceComponent

    Raises
    ------
    DataError
        No component, or several, have that name.
    ComparisonError
        It is the name of a term with correlated effects.
    """
    known = variance_components(design)
    listed = ", ".join(repr(c.label) for c in known) or "none"
    wanted = None if name is None else _plain(name)
    found = [c for c in known if wanted is None or wanted in c.names]
    correlated = [
        term
        for t, term in enumerate(design.terms)
        if all(c.term != t for c in known)
        and (wanted is None or wanted in (_plain(term.text), _plain(term.group)))
    ]
    if len(found) == 1 and not correlated:
        return found[0]
    if correlated and not found:
        raise ComparisonError(
            f"({correlated[0].text}) has several correlated effects, so leaving it out "
            "removes covariances too and is not a test of one variance; " + remedy
        )
    if not design.terms:
        raise DataError("The model has no random effects, so there is none to test.")
    said = "Say" if name is None else f"term={name!r} is not one of them; say"
    raise DataError(
        f"{said} which variance to test by term=, one of: {listed}. Terms with several "
        "correlated effects are not listed."
    )


def without_component(design, component):
    """The same design with a variance of zero."""
    terms, t = list(design.terms), component.term
    term = terms[t]
    rest = [j for j in range(term.k) if j not in component.effects]
    if rest:
        terms[t] = replace(
            term,
            effects=tuple(term.effects[j] for j in rest),
            z=np.ascontiguousarray(term.z[:, rest]),
            structure=type(term.structure)(len(rest)),
            encoder=None,
        )
    else:
        del terms[t]
    mean = replace(design.mean, terms=tuple(terms))
    return replace(design, predictors=(mean, *design.predictors[1:]))


def _names(term, effects, alone):
    """What a component can be called, and what it is called in print."""
    named = [term.effects[j] for j in effects]
    names = {f"{effect} | {term.group}" for effect in named}
    label = f"({term.text})"
    if len(named) == 1:
        left = "1" if named == [INTERCEPT] else f"0 + {named[0]}"
        label = f"({left} | {term.group})"
    names |= {label, term.text, term.group} if alone else {label}
    return frozenset(map(_plain, names)), label


def _plain(name):
    """A term without spaces and the parentheses around it."""
    text = "".join(str(name).split())
    whole = text.startswith("(") and text.endswith(")")
    return text[1:-1] if whole else text
