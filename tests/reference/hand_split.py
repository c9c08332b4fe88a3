"""Gold fits written out by hand: response, fixed part, and terms in lme4's order.

The dense reference must not depend on the package's formula parser, so each formula is
split here: fit without its criterion -> (response, fixed part, [(effects, group)]).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from patsy import dmatrix

from .loader import arguments_of, coefficient_key, data_of

HAND_SPLIT = {
    "arabidopsis_log": (
        "np.log(total_fruits + 1)",
        "nutrient * amd + rack + status",
        [("1", "gen"), ("1", "popu")],
    ),
    "bodyweight": ("weight", "Time * Diet", [("Time", "Rat")]),
    "cake_rr": ("angle", "recipe * C(temperature, Poly)", [("1", "recipe:replicate")]),
    "cake_slope": ("angle", "recipe * temp", [("temp", "recipe:replicate")]),
    "cake_temp": (
        "angle",
        "recipe + temp",
        [("1", "recipe:replicate"), ("1", "replicate")],
    ),
    "dyestuff": ("Yield", "1", [("1", "Batch")]),
    "dyestuff2": ("Yield", "1", [("1", "Batch")]),
    "ergostool": ("effort", "Type", [("1", "Subject")]),
    "lme4new_machines_diag": ("score", "Machine", [("0 + Machine", "Worker")]),
    "lme4new_sleep_diag": ("Reaction", "Days", [("Days", "Subject")]),
    "lme4new_sleep_us": ("Reaction", "Days", [("Days", "Subject")]),
    "machines_int": ("score", "Machine", [("1", "Worker")]),
    "machines_nested": ("score", "Machine", [("1", "Machine:Worker"), ("1", "Worker")]),
    "machines_slope": ("score", "Machine", [("Machine", "Worker")]),
    "machines_slope0": ("score", "Machine", [("0 + Machine", "Worker")]),
    "nlme_bw_slope": ("weight", "Time * Diet", [("Time", "Rat")]),
    "nlme_machines_nested": (
        "score",
        "Machine",
        [("1", "Worker:Machine"), ("1", "Worker")],
    ),
    "nlme_ortho_diag": ("distance", "Sex * age", [("age", "Subject")]),
    "nlme_ortho_slope": ("distance", "Sex * age", [("age", "Subject")]),
    "nlme_ovary_diag": (
        "follicles",
        "np.sin(2 * np.pi * Time) + np.cos(2 * np.pi * Time)",
        [("np.sin(2 * np.pi * Time)", "Mare")],
    ),
    "nlme_ovary_int": (
        "follicles",
        "np.sin(2 * np.pi * Time) + np.cos(2 * np.pi * Time)",
        [("1", "Mare")],
    ),
    "oats_factor": (
        "Q('yield')",
        "Variety + C(nitro)",
        [("1", "Block:Variety"), ("1", "Block")],
    ),
    "oats_split": (
        "Q('yield')",
        "Variety * nitro",
        [("1", "Variety:Block"), ("1", "Block")],
    ),
    "ortho_age": ("distance", "age", [("age", "Subject")]),
    "ortho_dummy": (
        "distance",
        "Sex * age",
        [("1", "Subject"), ("0 + age", "Subject")],
    ),
    "ortho_sexage": ("distance", "Sex * age", [("age", "Subject")]),
    "ortho_sexage_int": ("distance", "Sex * I(age - 11)", [("1", "Subject")]),
    "pastes_nested": ("strength", "1", [("1", "cask:batch"), ("1", "batch")]),
    "pastes_sample_batch": ("strength", "1", [("1", "sample"), ("1", "batch")]),
    "pastes_sampleonly": ("strength", "1", [("1", "sample")]),
    "penicillin": ("diameter", "1", [("1", "plate"), ("1", "sample")]),
    "penicillin_faraway": ("Q('yield')", "treat", [("1", "blend")]),
    "pixel": ("pixel", "day + I(day**2)", [("1", "Dog:Side"), ("day", "Dog")]),
    "rail": ("travel", "1", [("1", "Rail")]),
    "sleep_int": ("Reaction", "Days", [("1", "Subject")]),
    "sleep_missing": ("Reaction", "Days", [("Days", "Subject")]),
    "sleep_nofix": ("Reaction", "1", [("1", "Subject")]),
    "sleep_nointercept": ("Reaction", "0 + Days", [("Days", "Subject")]),
    "sleep_offset": ("Reaction", "Days", [("Days", "Subject")]),
    "sleep_poly2": ("Reaction", "poly1 + poly2", [("Days + I(Days**2)", "Subject")]),
    "sleep_slope": ("Reaction", "Days", [("Days", "Subject")]),
    "sleep_slopeonly": ("Reaction", "Days", [("0 + Days", "Subject")]),
    "sleep_sum": ("Reaction", "Days", [("1", "Subject"), ("0 + Days", "Subject")]),
    "sleep_uncorr": ("Reaction", "Days", [("1", "Subject"), ("0 + Days", "Subject")]),
    "sleep_weights": ("Reaction", "Days", [("Days", "Subject")]),
    "tmb_penicillin": ("diameter", "1", [("1", "plate"), ("1", "sample")]),
    "tmb_sleep_diag": ("Reaction", "Days", [("Days", "Subject")]),
    "tmb_sleep_slope": ("Reaction", "Days", [("Days", "Subject")]),
    "tmb_sleep_uncorr": ("Reaction", "Days", [("Days", "Subject")]),
    "tmbnew_sleep_slope": ("Reaction", "Days", [("Days", "Subject")]),
}


def problem(gold, split):
    """Return y, X, their names, the terms and the arguments of `dense_fit`.

    Parameters
    ----------
    gold : dict
        A stored fit.
    split : tuple
        Its value in `HAND_SPLIT`.

    Returns
    -------
    y : ndarray
    X : DataFrame
    terms : list of (z DataFrame, codes ndarray, group str, levels list)
    extra : dict
        Weights and offset as arrays.
    """
    response, fixed, random = split
    data = data_of(gold).dropna()
    y = np.asarray(dmatrix(f"0 + {response}", data))[:, 0]
    X = dmatrix(fixed, data, return_type="dataframe")
    terms = []
    for effects, group in random:
        z = dmatrix(effects, data, return_type="dataframe")
        labels = data[group.split(":")].astype(str).agg(":".join, axis=1)
        codes, levels = pd.factorize(labels)
        terms.append((z, codes, group, list(levels)))
    extra = {k: data[v].to_numpy() for k, v in arguments_of(gold).items()}
    return y, X, terms, extra


def by_key(names, values):
    """Return {common spelling: value}."""
    return dict(zip(map(coefficient_key, names), values, strict=True))
