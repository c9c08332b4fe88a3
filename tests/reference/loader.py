"""The stored fits and the data of each, with its derived columns and rows."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from statsmodels_mixed import datasets
from statsmodels_mixed.datasets._table import read_table

HERE = Path(__file__).resolve().parent


@cache
def golds(kind="lmm"):
    """Return the stored fits by id, ``lmm`` or ``glmm``; see extract.py for the fields.

    Those of generalized models are written by extract_glmm.py.
    """
    with gzip.open(HERE / f"gold_{kind}.json.gz", "rt", encoding="utf-8") as file:
        return {record["id"]: record for record in json.load(file)}


@cache
def table(name):
    """Return a data set, shipped or of the tests only; copy before editing."""
    if name in datasets.available():
        return datasets.load(name)
    schema = json.loads((HERE / "data" / "schema.json").read_text(encoding="utf-8"))
    return read_table(HERE / "data", name, schema[name])


def data_of(gold):
    """Return the DataFrame of a stored fit, in the rows and columns R had."""
    data = table(gold["data"]).copy()
    return DERIVE[gold["derive"]](data) if gold["derive"] else data


def arguments_of(gold):
    """Return the keyword arguments of the model: columns of weights and the like."""
    names = "weights", "offset", "n_trials"
    return {k: gold[k] for k in names if gold.get(k) is not None}


def coefficient_key(name):
    """Return one spelling for the names of R, patsy and this package.

    ``nutrient[T.8]`` and ``nutrient8`` agree, ``C(nitro)[T.0.2]`` and
    ``factor(nitro)0.2``, ``Machine[A]`` and ``MachineA``. The factors of an
    interaction are sorted: R and patsy order them differently.
    """
    replacements = (
        ("(Intercept)", "Intercept"),
        ("[T.", ""),
        ("[", ""),
        ("]", ""),
        (".", "_"),
        (" ", ""),
        ("**", "^"),
        ("np_", ""),
        ("C(", "factor("),
        ("TRUE", "True"),
    )
    for old, new in replacements:
        name = name.replace(old, new)
    return ":".join(sorted(name.split(":")))


def group_key(name):
    """Return one spelling of a grouping factor: ``a:b`` and ``b:a`` agree.

    lme4 calls the second term of one factor ``Subject.1``.
    """
    base, _, number = name.rpartition(".")
    name = base if base and number.isdigit() else name
    return tuple(sorted(name.split(":")))


def level_key(group, level):
    """Return a level of ``a:b`` in the order of `group_key`."""
    names = group.split(":")
    if len(names) == 1:
        return (str(level),)
    parts = level if isinstance(level, tuple) else str(level).split(":")
    assert len(parts) == len(names), f"{level!r} of {group!r}"
    return tuple(str(part) for _, part in sorted(zip(names, parts, strict=True)))


def covariance_entries(gold):
    """Return {(group, effect, effect): relative covariance} under common names."""
    entries = {}
    for block in gold["covariances"]:
        group = group_key(block["group"])
        effects = [coefficient_key(name) for name in block["effects"]]
        for first, row in zip(effects, block["cov"], strict=True):
            for second, value in zip(effects, row, strict=True):
                entries[group, first, second] = value
    return entries


def covariance_of(entries, group, effects):
    """Return the relative covariance matrix of one term; absent pairs are zero."""
    keys = [(group_key(group), coefficient_key(effect)) for effect in effects]
    for group_name, effect in keys:
        assert (group_name, effect, effect) in entries, (group_name, effect)
    return np.array(
        [[entries.get((*first, second[1]), 0.0) for second in keys] for first in keys]
    )


def _three_responses_missing(data):
    data.loc[[2, 49, 119], "Reaction"] = np.nan  # rows 3, 50 and 120 in R
    return data


def _weights_of_four_kinds(data):
    return data.assign(w=np.tile([1.0, 2.0, 0.5, 3.0], 45))


def _offset_five_days(data):
    return data.assign(off=5.0 * data["Days"])


def _orthogonal_polynomial_of_days(data):
    """Add R's ``poly(Days, 2)``: orthonormal columns with positive leading term."""
    days = data["Days"].to_numpy() - data["Days"].mean()
    q, r = np.linalg.qr(np.vander(days, 3, increasing=True))
    basis = q * np.sign(np.diag(r))
    return data.assign(poly1=basis[:, 1], poly2=basis[:, 2])


def _factor_nutrient_and_rack(data):
    return data.assign(
        **{c: pd.Categorical(data[c].astype(str)) for c in ("nutrient", "rack")}
    )


def _number_of_row(data):
    return data.assign(obs=np.arange(len(data)) + 1)


def _any_living_children(data):
    answers = np.where(data["livch"] == "0", "N", "Y")
    return data.assign(ch=pd.Categorical(answers, categories=["N", "Y"]))


def _month_planned(data):
    months = np.array([0, 1, 2, 3, 6, 9, 12])
    return data.assign(month=months[data["visit"] - 1])


def _seed_indicators(data):
    seed, cucumber = data["gen"] == "O73", data["extract"] == "cucumber"
    return data.assign(seed=seed.astype(int), cucumber=cucumber.astype(int))


def _weights_one_two_three(data):
    return data.assign(w=np.resize([1.0, 2.0, 3.0], len(data)))


DERIVE = {
    "any_living_children": _any_living_children,
    "factor_nutrient_and_rack": _factor_nutrient_and_rack,
    "month_planned": _month_planned,
    "number_of_row": _number_of_row,
    "offset_five_days": _offset_five_days,
    "orthogonal_polynomial_of_days": _orthogonal_polynomial_of_days,
    "seed_indicators": _seed_indicators,
    "three_responses_missing": _three_responses_missing,
    "weights_of_four_kinds": _weights_of_four_kinds,
    "weights_one_two_three": _weights_one_two_three,
}
