"""The shipped data: what is there, its types, and its documentation."""

import pickle
import pydoc
from itertools import pairwise

import pandas as pd
import pytest

from statsmodels_mixed import datasets
from statsmodels_mixed.errors import DataError

NAMES = datasets.available()
CONSTANTS = ["COPYRIGHT", "TITLE", "SOURCE", "DESCRSHORT", "DESCRLONG", "NOTE"]


def module(name):
    return getattr(datasets, name)


def test_names_are_sorted_and_public():
    assert list(NAMES) == sorted(NAMES)
    assert set(NAMES) | {"available", "load"} == set(datasets.__all__)
    assert {"sleepstudy", "insteval", "salamander_mating", "culcita"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_table_is_as_described(name):
    described, data = module(name).description, datasets.load(name)
    assert described.name == name
    assert len(data) == described.rows
    assert list(data.columns) == list(described.columns)
    assert described.endog in data
    assert not any("." in column for column in data.columns)
    assert not data.isna().to_numpy().any()


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_numbers_or_categories(name):
    for column, dtype in datasets.load(name).dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype):
            assert all(isinstance(level, str) for level in dtype.categories), column
        else:
            assert dtype.kind in "if", column


@pytest.mark.parametrize("name", NAMES)
def test_stated_numbers_of_levels_are_true(name):
    data = datasets.load(name)
    for column, meaning in module(name).description.columns.items():
        for stated in (int(n) for n in _numbers_before(meaning, "levels")):
            assert len(data[column].cat.categories) == stated, column
        for stated in (int(n) for n in _numbers_before(meaning, "different")):
            assert data[column].nunique() == stated, column


def _numbers_before(text, word):
    words = text.replace("(", " ").split()
    return [first for first, second in pairwise(words) if second.startswith(word)]


@pytest.mark.parametrize("name", NAMES)
def test_statsmodels_interface(name):
    loaded = module(name).load_pandas()
    endog = module(name).description.endog
    assert loaded.endog_name == endog
    assert loaded.endog.name == endog
    assert loaded.names == list(loaded.data.columns)
    assert endog not in loaded.exog_name
    assert loaded.title == module(name).TITLE
    pd.testing.assert_frame_equal(module(name).load().data, loaded.data)


@pytest.mark.parametrize("name", NAMES)
def test_documentation(name):
    described, doc = module(name), module(name).__doc__
    for constant in CONSTANTS:
        assert getattr(described, constant).strip()
    assert described.TITLE in doc
    assert described.SOURCE in doc
    assert f"observations: {described.description.rows}" in doc
    help_text = pydoc.plain(pydoc.render_doc(described))
    assert "load_pandas" in help_text


def test_each_call_reads_a_fresh_copy():
    first = datasets.load("dyestuff")
    first["Yield"] = 0.0
    assert datasets.load("dyestuff")["Yield"].sum() == 30 * 1527.5


def test_levels_keep_the_order_of_r():
    oats, cake = datasets.load("oats"), datasets.load("cake")
    assert list(oats["Block"].cat.categories) == ["VI", "V", "III", "IV", "II", "I"]
    assert oats["Block"].cat.ordered
    assert not oats["Variety"].cat.ordered
    assert cake["temperature"].cat.categories[0] == "175"
    assert cake["temperature"].cat.ordered
    assert list(datasets.load("insteval")["dept"].cat.categories)[:2] == ["15", "5"]
    # as text "10" would come before "2"
    assert datasets.load("cbpp")["herd"].cat.categories[-1] == "15"
    assert datasets.load("contraception")["livch"].cat.categories[-1] == "3+"


def test_known_values():
    # to the last digit: the values are read back exactly as R wrote them
    assert datasets.load("sleepstudy")["Reaction"].iloc[0] == 249.56
    assert datasets.load("sleepstudy")["Reaction"].sum() == pytest.approx(53731.4205)
    assert datasets.load("grouseticks")["cHEIGHT"].iloc[0] == 2.7593052109181144


@pytest.mark.parametrize("name", ["Sleepstudy", "sleep_study", "slepstudy"])
def test_unknown_name_suggests_the_nearest(name):
    with pytest.raises(DataError, match="Did you mean 'sleepstudy'"):
        datasets.load(name)


def test_unknown_name_far_from_all_lists_them():
    with pytest.raises(DataError, match=r"arabidopsis.*verbagg"):
        datasets.load("qqqqqqqq")


def test_loaded_data_can_be_pickled():
    data = datasets.load("cake")
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(data)), data)
