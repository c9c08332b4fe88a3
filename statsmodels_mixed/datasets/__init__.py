"""Data sets in the style of ``statsmodels.datasets``.

``datasets.sleepstudy.load_pandas().data`` is a DataFrame, and so is
``datasets.load("sleepstudy")``; `available` lists the names. Each data set has a
docstring with its provenance, citation and columns: ``help(datasets.sleepstudy)``.

Factors are categories with string levels in the order of R: the first level is R's
baseline. Some factors that only label groups are ordered there, so they are here. Dots
in column names are written as underscores.
"""

from __future__ import annotations

from difflib import get_close_matches

import pandas as pd

from ..errors import DataError
from ._counts import (
    culcita,
    epil,
    owls,
    salamander_mating,
    salamanders,
    schizophrenia,
    seeds,
    toenail,
)
from ._lme4 import (
    arabidopsis,
    cake,
    cbpp,
    dyestuff,
    dyestuff2,
    grouseticks,
    insteval,
    pastes,
    penicillin,
    sleepstudy,
    verbagg,
)
from ._multilevel import chem97, contraception, exam, guimmun, hsb82, scotssec
from ._nlme import bodyweight, ergostool, machines, oats, orthodont, pixel, rail
from ._table import DatasetModule, load_frame

__all__ = [
    "arabidopsis",
    "available",
    "bodyweight",
    "cake",
    "cbpp",
    "chem97",
    "contraception",
    "culcita",
    "dyestuff",
    "dyestuff2",
    "epil",
    "ergostool",
    "exam",
    "grouseticks",
    "guimmun",
    "hsb82",
    "insteval",
    "load",
    "machines",
    "oats",
    "orthodont",
    "owls",
    "pastes",
    "penicillin",
    "pixel",
    "rail",
    "salamander_mating",
    "salamanders",
    "schizophrenia",
    "scotssec",
    "seeds",
    "sleepstudy",
    "toenail",
    "verbagg",
]


def available() -> tuple[str, ...]:
    """Return the names of the data sets, in alphabetical order."""
    return tuple(n for n in __all__ if isinstance(globals()[n], DatasetModule))


def load(name: str) -> pd.DataFrame:
    """Return a data set as a DataFrame.

    Parameters
    ----------
    name : str
        One of `available`.

    Returns
    -------
    DataFrame
        A fresh copy at each call.

    Raises
    ------
    DataError
        If there is no such data set; the text suggests the nearest name.
    """
    if name not in available():
        near = get_close_matches(str(name).casefold(), available(), n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else ", ".join(available())
        raise DataError(f"There is no data set {name!r}. {hint}")
    return load_frame(name)
