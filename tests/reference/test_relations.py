"""Relations of grouping factors of the reference data, against cross tables."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from statsmodels_mixed.api import describe_design

from .loader import table

# of the data that are not shipped: columns that group rows
FACTORS = {
    "bacteria": ["ID", "trt"],
    "bdf": ["schoolNR", "pupilNR", "denomina"],
    "crowder_seeds": ["plate", "gen", "extract"],
    "dietox": ["Litter", "Pig", "Evit", "Cu"],
    "egsingle": ["schoolid", "childid", "grade"],
    "epil2": ["subject", "trt"],
    "faraway_penicillin": ["blend", "treat"],
    "hessianfly": ["block", "gen"],
    "ohio": ["id", "age"],
    "ovary": ["Mare"],
    "s3bb1": ["community", "family", "child"],
}


def relation(a, b):
    """What a cross table says of two factors."""
    cells = pd.crosstab(a, b) > 0
    if (cells.sum(axis=1) == 1).all() or (cells.sum(axis=0) == 1).all():
        return "nested"
    return "crossed" if cells.all(axis=None) else "partially crossed"


@pytest.mark.parametrize("name", FACTORS)
def test_relations(name):
    data = table(name)
    names = FACTORS[name]
    found = describe_design(data, names).pairs
    pairs = list(itertools.combinations(names, 2))
    assert len(found) == len(pairs)
    for row in found.itertuples(index=False):
        assert row.relation == relation(data[row.first], data[row.second]), row
