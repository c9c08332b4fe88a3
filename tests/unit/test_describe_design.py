"""What `describe_design` says about grouping factors, on real and on made designs."""

import time

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import statsmodels_mixed as smm
from statsmodels_mixed.design.grouping import code_factor, is_nested
from statsmodels_mixed.diagnostics.design_description import describe_design
from statsmodels_mixed.errors import (
    DataError,
    FormulaError,
    MissingColumnError,
    MixedModelError,
)
from statsmodels_mixed.plotting.incidence import arrange, plot_incidence

matplotlib.use("Agg")

NESTED, CROSSED, PARTLY = "nested", "crossed", "partially crossed"

# usual grouping factors; relation of each pair, the inner one first; topics of findings
EXPECTED = {
    "arabidopsis": (["popu", "gen"], {("gen", "popu"): NESTED}, []),
    "bodyweight": (["Rat"], {}, []),
    "cake": (
        ["replicate", "recipe:replicate"],
        {("replicate", "recipe"): CROSSED},
        [],
    ),
    "cbpp": (["herd"], {}, ["single rows"]),
    "chem97": (["lea", "school"], {("school", "lea"): NESTED}, ["single rows"]),
    "contraception": (["district"], {}, []),
    "culcita": (["block"], {}, []),
    "dyestuff": (["Batch"], {}, []),
    "dyestuff2": (["Batch"], {}, []),
    "epil": (["subject"], {}, []),
    "ergostool": (["Subject"], {}, []),
    "exam": (
        ["school", "student"],
        {("school", "student"): PARTLY},
        ["reused labels", "single rows"],
    ),
    "grouseticks": (
        ["LOCATION", "BROOD", "INDEX"],
        {
            ("BROOD", "LOCATION"): NESTED,
            ("INDEX", "LOCATION"): NESTED,
            ("INDEX", "BROOD"): NESTED,
        },
        ["replication", "single rows"],
    ),
    "guimmun": (["comm", "mom"], {("mom", "comm"): NESTED}, ["single rows"]),
    "hsb82": (["school"], {}, []),
    "insteval": (
        ["s", "d", "dept:service"],
        {
            ("s", "d"): PARTLY,
            ("s", "dept"): PARTLY,
            ("s", "service"): PARTLY,
            ("d", "dept"): NESTED,
            ("d", "service"): PARTLY,
            ("dept", "service"): CROSSED,
            ("s", "dept:service"): PARTLY,
            ("d", "dept:service"): PARTLY,
        },
        ["replication", "single rows"],
    ),
    "machines": (["Worker/Machine"], {("Worker", "Machine"): CROSSED}, []),
    "oats": (["Block/Variety"], {("Block", "Variety"): CROSSED}, []),
    "orthodont": (["Subject"], {}, []),
    "owls": (["Nest"], {}, []),
    "pastes": (
        ["batch", "cask"],
        {("batch", "cask"): CROSSED},
        ["reused labels"],
    ),
    "penicillin": (
        ["plate", "sample"],
        {("plate", "sample"): CROSSED},
        ["replication"],
    ),
    "pixel": (["Dog/Side"], {("Dog", "Side"): CROSSED}, []),
    "rail": (["Rail"], {}, []),
    "salamander_mating": (
        ["Male", "Female"],
        {("Male", "Female"): PARTLY},
        ["unlinked sets", "replication"],
    ),
    "salamanders": (["site"], {}, []),
    "schizophrenia": (["id"], {}, []),
    "scotssec": (
        ["primary", "second"],
        {("primary", "second"): PARTLY},
        ["single rows"],
    ),
    "seeds": (["plate"], {}, ["replication"]),
    "sleepstudy": (["Subject"], {}, []),
    "toenail": (["patientID"], {}, ["single rows"]),
    "verbagg": (["id", "item"], {("id", "item"): CROSSED}, ["replication"]),
}


def relations(description):
    rows = description.pairs.itertuples(index=False)
    return {(row.first, row.second): row.relation for row in rows}


def topics(description):
    return [f.topic for f in description.findings]


def test_every_data_set_is_expected():
    assert set(EXPECTED) == set(smm.datasets.available())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_data_sets_with_their_usual_factors(name):
    groups, pairs, found = EXPECTED[name]
    description = describe_design(smm.datasets.load(name), groups)
    assert relations(description) == pairs
    # single rows are told factor by factor
    assert list(dict.fromkeys(topics(description))) == found


def test_counts_are_those_of_pandas():
    data = smm.datasets.load("arabidopsis")
    description = describe_design(data, ["popu", "gen", "rack"])
    sizes = data.groupby("gen").size()
    row = description.factors.loc["gen"]
    assert (row.levels, row.min_rows, row.max_rows) == (24, sizes.min(), sizes.max())
    assert (
        row.median_rows == sizes.median() and not row.balanced and row.single_row == 0
    )
    cells = pd.crosstab(data.popu, data.gen)
    pair = description.pair("popu", "gen")
    np.testing.assert_array_equal(pair.counts.toarray(), cells)
    table = description.pairs.set_index(["first", "second"]).loc[("gen", "popu")]
    occurring = cells.to_numpy()[cells.to_numpy() > 0]
    assert (table.cells, table.possible) == (24, 9 * 24)
    assert table.share == 24 / (9 * 24) and table.sets == 9
    assert (table.min_rows, table.max_rows) == (occurring.min(), occurring.max())
    assert table.median_rows == np.median(occurring)
    with pytest.raises(KeyError, match="no pair 'popu' and 'x'"):
        description.pair("popu", "x")


# ---- labels that hide nesting --------------------------------------------------------


def plots(n_sites=2, n_plots=4, repeats=2, prefix=("A", "B")):
    site = np.repeat(np.arange(1, n_sites + 1), n_plots * repeats)
    plot = np.tile(np.repeat(np.arange(1, n_plots + 1), repeats), n_sites)
    a, b = prefix
    return pd.DataFrame(
        {"site": [f"{a}{k}" for k in site], "plot": [f"{b}{k}" for k in plot]}
    )


def reused(description):
    return [f for f in description.findings if f.topic == "reused labels"]


def test_reused_labels_are_named_with_what_mends_them():
    data = plots()
    (finding,) = reused(describe_design(data, ["site", "plot"]))
    assert finding.severity == "note" and finding.figure == 8
    assert finding.message.startswith("plot B1 occurs in site A1 and A2;")
    assert "(1 | site/plot)" in finding.advice
    # each of the two remedies ends the finding, and makes the factors nested
    assert not reused(describe_design("~ (1 | site/plot)", data))
    code = finding.advice.split("unique, ")[1].split(". If they")[0]
    exec(code, {"data": data})
    mended = describe_design(data, ["site", "site_plot"])
    assert relations(mended) == {("site_plot", "site"): NESTED}
    assert not reused(mended)


def test_labels_that_start_anew_in_unequal_groups_are_a_warning():
    sizes = [3, 7, 4, 9, 5]
    school = np.repeat(np.arange(5), np.multiply(sizes, 3))
    pupil = np.concatenate([np.repeat(np.arange(1, n + 1), 3) for n in sizes])
    data = pd.DataFrame({"school": school, "pupil": pupil})
    description = describe_design(data, ["pupil", "school"])  # in any order
    assert relations(description) == {("pupil", "school"): PARTLY}
    (finding,) = reused(description)
    assert finding.severity == "warning"
    assert "labels of pupil look numbered anew in each school" in finding.message
    assert "(1 | school/pupil)" in finding.advice
    assert "few levels" not in topics(describe_design(data, ["pupil", "school"]))


def test_a_column_with_one_label_per_cell_makes_it_a_warning():
    (finding,) = reused(describe_design(smm.datasets.load("pastes"), ["batch", "cask"]))
    assert finding.severity == "warning"
    assert "sample names the same 30 pairs" in finding.message
    assert "(1 | batch) + (1 | sample)" in finding.advice


def test_columns_that_name_cells_may_be_unfit_for_labels():
    data = plots()
    data["rows"] = [[k] for k in range(len(data))]  # cannot be labels
    data["gap"] = ["a", *[None] * (len(data) - 1)]
    data["cell"] = data.groupby(["site", "plot"]).ngroup()
    data.insert(0, "twice", 1)
    data.insert(0, "twice", 1, allow_duplicates=True)
    (finding,) = reused(describe_design(data, ["site", "plot"]))
    assert "cell names the same 8 pairs" in finding.message


def test_words_and_unrepeated_cells_are_not_suspected():
    words = plots().replace(
        {"plot": dict(zip(["B1", "B2", "B3", "B4"], "news", strict=True))}
    )
    words["plot"] = words["plot"] + "-side"
    assert not reused(describe_design(words, ["site", "plot"]))
    once = plots(n_sites=6, n_plots=8, repeats=1)
    assert topics(describe_design(once, ["site", "plot"])) == ["replication"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_crossing_of_running_labels_is_not_suspected(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(1, 31, 400), rng.integers(1, 41, 400)
    assert not reused(describe_design({"a": a, "b": b}, ["a", "b"]))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(2, 12), min_size=5, max_size=12).filter(
        lambda n: max(n) - min(n) > 2
    )
)
def test_restarted_numbers_are_suspected_whatever_the_sizes(sizes):
    outer = np.repeat(np.arange(len(sizes)) * 17, sizes)  # no running numbers
    inner = np.concatenate([np.arange(1, n + 1) for n in sizes])
    data = pd.DataFrame({"outer": outer, "inner": inner}).sample(frac=1, random_state=1)
    (finding,) = reused(describe_design(data, ["outer", "inner"]))
    assert finding.severity == "warning" and "(1 | outer/inner)" in finding.advice


# ---- relations -----------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_relations_agree_with_their_definitions(data):
    n = data.draw(st.integers(2, 40))
    codes = st.lists(st.integers(0, 5), min_size=n, max_size=n)
    frame = pd.DataFrame({"f": data.draw(codes), "g": data.draw(codes)})
    description = describe_design(frame, ["f", "g"])
    (row,) = description.pairs.itertuples(index=False)
    f, g = (code_factor(frame[name], name) for name in "fg")
    nested = is_nested(f, g), is_nested(g, f)
    full = (pd.crosstab(frame.f, frame.g).to_numpy() > 0).all()
    expected = (
        "same"
        if all(nested)
        else NESTED
        if any(nested)
        else CROSSED
        if full
        else PARTLY
    )
    assert row.relation == expected
    if expected == NESTED:
        assert (row.first, row.second) == (("f", "g") if nested[0] else ("g", "f"))
    assert row.min_rows >= 1 and row.cells <= row.possible
    assert description.pair("f", "g").rows.sum() == n


def test_the_same_groups_under_two_names():
    data = pd.DataFrame({"f": [1, 1, 2, 2, 3, 3], "g": list("aabbcc")})
    description = describe_design(data, ["f", "g"])
    assert relations(description) == {("f", "g"): "same"}
    assert description.findings[0].severity == "problem"
    assert "f and g: the same groups under two names" in repr(description)


def test_replication_of_crossed_factors():
    data = smm.datasets.load("penicillin")
    stated = describe_design("diameter ~ (1 | plate*sample)", data)
    (finding,) = (f for f in stated.findings if f.topic == "replication")
    assert finding.severity == "warning" and finding.figure == 144
    assert "no combination is repeated" in finding.message
    assert "(1 | plate) + (1 | sample)" in finding.advice
    twice = describe_design("~ (1 | plate*sample)", pd.concat([data, data]))
    assert twice.findings == ()


def test_few_levels():
    for m, found in ((4, ["few levels"]), (5, [])):
        data = {"g": np.repeat(np.arange(m), 3)}
        assert topics(describe_design(data, "g")) == found


# ---- input ---------------------------------------------------------------------------


def test_formula_and_names_say_the_same():
    data = smm.datasets.load("pastes")
    by_formula = describe_design("strength ~ 1 + (1 | batch/cask)", data)
    by_name = describe_design(data, "batch/cask")
    assert repr(by_formula) == repr(by_name)
    assert list(by_name.factors.index) == ["batch", "cask", "batch:cask"]
    assert by_name.factors.grouping.tolist() == [True, False, True]


def test_incomplete_rows_are_left_out_as_in_a_fit():
    data = smm.datasets.load("sleepstudy").astype({"Subject": object})
    data.loc[3, "Reaction"] = np.nan
    data.loc[7, "Subject"] = None
    formula = "Reaction ~ Days + (Days | Subject)"
    description = describe_design(formula, data)
    assert (description.nobs, description.nobs_given) == (178, 180)
    assert repr(description).startswith(
        "Design of 178 rows (2 incomplete rows left out)"
    )
    assert description.nobs == smm.lmm(formula, data).nobs


def test_expressions_and_awkward_names():
    data = pd.DataFrame({"my site": list("aabbcc") * 2, "k": [1, 2, 3] * 4})
    assert describe_design(data, ["my site", "k"]).factors.index.tolist() == [
        "my site",
        "k",
    ]
    described = describe_design("~ (1 | np.minimum(k, cap))", data, eval_env={"cap": 2})
    assert described.factors.levels.tolist() == [2]


def test_bad_input():
    data = smm.datasets.load("pastes")
    with pytest.raises(MissingColumnError, match="Did you mean 'batch'"):
        describe_design(data, ["bathc"])
    with pytest.raises(MissingColumnError, match=r"\^"):
        describe_design("strength ~ (1 | bathc)", data)
    with pytest.raises(DataError, match="no random term"):
        describe_design("strength ~ batch", data)
    with pytest.raises(DataError, match="A formula needs data"):
        describe_design("strength ~ (1 | batch)", None)
    with pytest.raises(DataError, match="groups"):
        describe_design(data, [])
    with pytest.raises(FormulaError):
        describe_design(data, ["batch +"])


def test_a_million_rows():
    rng = np.random.default_rng(0)
    n = 10**6
    pupil = rng.integers(0, 200_000, n)
    data = {"pupil": pupil, "item": rng.integers(0, 2_000, n), "school": pupil // 40}
    start = time.perf_counter()
    description = describe_design(data, ["pupil", "item", "school"])
    assert time.perf_counter() - start < 15
    assert relations(description) == {
        ("pupil", "item"): PARTLY,
        ("pupil", "school"): NESTED,
        ("item", "school"): PARTLY,
    }


# ---- picture -------------------------------------------------------------------------


def test_picture_of_nested_and_crossed_factors():
    description = describe_design(
        smm.datasets.load("pastes"), ["batch", "cask", "sample"]
    )
    figure = description.plot()
    crossed, nested, _ = figure.axes[:3]
    assert crossed.get_title() == "cask and batch: crossed, 2 rows per cell"
    assert crossed.images[0].get_array().shape == (3, 10)
    assert not np.ma.getmaskarray(crossed.images[0].get_array()).any()
    assert {text.get_text() for text in crossed.texts} == {"2"}
    image = nested.images[0].get_array()
    assert image.shape == (10, 30) and image.sum() == 60
    # a staircase: three columns in each row, further right in each
    columns = [np.flatnonzero(~row) for row in np.ma.getmaskarray(image)]
    assert [c.tolist() for c in columns] == np.arange(30).reshape(10, 3).tolist()
    assert [t.get_text() for t in nested.get_yticklabels()] == list("ABCDEFGHIJ")
    assert nested.get_xlabel() == "sample" and nested.get_ylabel() == "batch"
    matplotlib.pyplot.close(figure)


def test_picture_of_many_levels_is_drawn_in_strips():
    description = describe_design(smm.datasets.load("insteval"), ["s", "d"])
    figure, ax = matplotlib.pyplot.subplots()
    assert description.plot(ax) is figure
    image = ax.images[0].get_array()
    assert max(image.shape) <= 250 and image.sum() == 73421
    assert ax.get_xlabel() == "s (2972 levels)"
    assert figure.axes[1].get_ylabel() == "rows"
    matplotlib.pyplot.close(figure)


def test_picture_groups_what_was_observed_together():
    pair = describe_design(
        smm.datasets.load("salamander_mating"), ["Male", "Female"]
    ).pair("Male", "Female")
    rows, cols = arrange(pair.counts)
    dense = pair.counts.toarray()[np.ix_(rows, cols)]
    blocks = np.kron(np.eye(6), np.ones((10, 10)))
    assert (dense <= blocks).all()


def test_picture_refuses_what_it_cannot_draw():
    single = describe_design(smm.datasets.load("rail"), "Rail")
    with pytest.raises(MixedModelError, match="one grouping factor only"):
        single.plot()
    pairs = describe_design(smm.datasets.load("arabidopsis"), ["popu", "gen", "rack"])
    with pytest.raises(MixedModelError, match="3 pairs need as many axes"):
        plot_incidence(pairs._pairs, matplotlib.pyplot.subplots()[1])
    matplotlib.pyplot.close("all")
