"""Published tables of our fits: statsmodels', stargazer's, maketables', great_tables'.

Read as a referee would: which rows are there, and are the figures those of the fit.
Packages that are not installed skip their tests.
"""

import re

import numpy as np
import pytest
from statsmodels.iolib.summary2 import summary_col

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError
from statsmodels_mixed.integrations.tables import (
    register_maketables,
    register_stargazer,
    stargazer_figures,
)

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def lmm():
    data = smm.datasets.load("sleepstudy")
    return smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()


@pytest.fixture(scope="module")
def glmm():
    return smm.glmm(CBPP, smm.datasets.load("cbpp"), family="binomial").fit()


@pytest.fixture(scope="module")
def weak():
    """With a p-value that the reference distribution moves: 0.022 by t, 0.001 by z."""
    data = smm.datasets.load("machines")
    return smm.lmm("score ~ Machine + (Machine | Worker)", data).fit()


# ---- tidy frames ------------------------------------------------------------------


def test_tidy_has_every_estimate_once(lmm):
    table = lmm.tidy()
    assert table.term.tolist() == [
        *("Intercept", "Days", "SD Intercept", "SD Days", "Corr. Intercept, Days"),
        "SD",
    ]
    assert table.effect.tolist() == ["fixed"] * 2 + ["ran_pars"] * 4
    assert table.group.tolist() == ["", "", *["Subject"] * 3, "Residual"]
    fixed = table[table.effect == "fixed"]
    np.testing.assert_allclose(fixed.estimate, lmm.params)
    np.testing.assert_allclose(fixed.std_error, lmm.bse)
    np.testing.assert_allclose(fixed.p_value, lmm.pvalues)
    np.testing.assert_allclose(fixed.df, [17.0, 17.0], rtol=1e-6)
    np.testing.assert_allclose(fixed[["conf_low", "conf_high"]], lmm.conf_int())
    np.testing.assert_allclose(table.estimate[2:], lmm.varcorr().sdcor)


def test_tidy_of_a_glmm_has_the_normal_distribution_and_the_dispersion():
    epil = smm.datasets.load("epil")
    res = smm.glmm("y ~ lbase + (1 | subject)", epil, "negative_binomial").fit()
    table = res.tidy(alpha=0.1).set_index("term")
    assert np.isinf(table.df[["Intercept", "lbase"]]).all()
    assert table.estimate["alpha"] == res.dispersion
    assert table.conf_low["lbase"] == res.conf_int(alpha=0.1).loc["lbase", 0]


def test_tidy_without_random_or_fixed_effects():
    data = smm.datasets.load("sleepstudy")
    res = smm.lmm("Reaction ~ 0 + (1 | Subject)", data, offset=[250.0] * 180).fit()
    assert res.tidy().term.tolist() == ["SD Intercept", "SD"]
    with pytest.raises(DataError, match=r"alpha=1\.5"):
        res.tidy(alpha=1.5)


def test_glance(lmm, glmm):
    row = lmm.glance().iloc[0]
    assert (row.nobs, row.levels_Subject, row.method, row.df_params) == (
        *(180, 18, "REML", 6),
    )
    assert (row.loglike, row.aic, row.bic) == (lmm.llf, lmm.aic, lmm.bic)
    assert glmm.glance().method.item() == "ML (Laplace)"


def test_glance_of_quasi_likelihood_has_no_criteria():
    res = smm.glmm(CBPP, smm.datasets.load("cbpp"), "binomial").fit(method="pql")
    assert res.glance()[["loglike", "aic", "bic"]].isna().all(axis=None)
    assert "AIC" not in summary_col([res]).as_text()


def test_tables_survive_remove_data():
    data = smm.datasets.load("dyestuff")
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
    before = res.tidy(), res.glance(), summary_col([res]).as_text()
    res.remove_data()
    assert before[0].equals(res.tidy()) and before[1].equals(res.glance())
    assert before[2] == summary_col([res]).as_text()


# ---- summary_col --------------------------------------------------------------------


def rows_of(table):
    """Label and cells, those that are empty left out, of a summary_col table."""
    frame = table.tables[0]
    cells = zip(frame.index, frame.astype(str).to_numpy().tolist(), strict=True)
    return {label: [c for c in row if c] for label, row in cells}


def test_summary_col_of_two_models(lmm, glmm):
    table = summary_col([lmm, glmm], model_names=["LMM", "GLMM"], stars=True)
    rows, text = rows_of(table), table.as_text()
    assert rows["Days"] == [f"{lmm.params['Days']:.4f}***"]
    assert f"({lmm.bse['Days']:.4f})" in text and f"({glmm.bse.iloc[1]:.4f})" in text
    assert rows["Observations"] == ["180", "56"]
    assert rows["Levels of Subject"] == ["18"] and rows["Levels of herd"] == ["15"]
    assert rows["Method"] == ["REML", "ML (Laplace)"]
    assert rows["AIC"] == [f"{lmm.aic:.4f}", f"{glmm.aic:.4f}"]
    assert rows["SD Days | Subject"] == ["5.9221"]
    assert rows["Corr. Intercept, Days | Subject"] == ["0.0656"]
    assert rows["SD Residual"] == ["25.5918"]
    assert rows["SD Intercept | herd"] == [f"{glmm.varcorr().sdcor[0]:.4f}"]


def test_stars_follow_the_degrees_of_freedom(weak):
    """By the normal distribution the second coefficient would have three stars."""
    assert 0.01 < weak.pvalues["Machine[T.B]"] < 0.05
    rows = rows_of(summary_col([weak], stars=True))
    assert rows["Machine[T.B]"] == ["7.9667**"]


def test_rows_of_the_user_come_instead(lmm):
    info = {"N": lambda r: f"{int(r.nobs)}"}
    rows = rows_of(summary_col([lmm], info_dict=info))
    assert rows["N"] == ["180"] and "AIC" not in rows


# ---- stargazer ----------------------------------------------------------------------


def test_stargazer_figures(lmm, glmm):
    found = stargazer_figures(lmm)
    assert (found["nobs"], found["ngroups"]) == (180, "18 (Subject)")
    assert found["resid_std_err"] == lmm.sigma
    np.testing.assert_allclose(found["p_values"], lmm.pvalues)
    np.testing.assert_allclose(found["conf_int_low_values"], lmm.conf_int()[0])
    assert stargazer_figures(glmm)["resid_std_err"] is None


@pytest.fixture
def stargazer():
    module = pytest.importorskip("stargazer.stargazer", reason="pip install stargazer")
    known = dict(module.RESULTS_CLASSES)
    yield module
    module.RESULTS_CLASSES.clear()
    module.RESULTS_CLASSES.update(known)


def cells(latex, label):
    """Cells of the row of a LaTeX table that begins with a label."""
    line = next(ln for ln in latex.splitlines() if ln.strip().startswith(label))
    return [cell.strip(" \\") for cell in line.split("&")[1:]]


def test_stargazer_alone_prints_estimates_but_a_wrong_residual_error(stargazer, lmm):
    """Its figure is the root of squared conditional residuals over ``df_resid``."""
    latex = stargazer.Stargazer([lmm]).render_latex()
    assert cells(latex, "Days") == ["10.467$^{***}$"]
    assert "(1.546)" in latex and cells(latex, "Observations") == ["180"]
    assert cells(latex, "Residual Std. Error") == ["23.569 (df=178)"]
    assert round(lmm.sigma, 3) == 25.592


def test_stargazer_registered(stargazer, lmm, glmm, weak):
    register_stargazer()
    latex = stargazer.Stargazer([lmm, weak]).render_latex()
    assert cells(latex, "Observations") == ["180", "54"]
    assert cells(latex, "N. of groups") == ["18 (Subject)", "6 (Worker)"]
    assert cells(latex, "Residual Std. Error")[0] == "25.592 (df=178)"
    assert cells(latex, "Machine[T.B]")[1] == "7.967$^{**}$"
    html = stargazer.Stargazer([glmm]).render_html()
    assert "15 (herd)" in html and "Residual Std. Error" not in html


# ---- maketables ---------------------------------------------------------------------


@pytest.fixture
def maketables():
    module = pytest.importorskip("maketables", reason="pip install maketables")
    registry = module.extractors._EXTRACTOR_REGISTRY
    known = list(registry)
    yield module
    registry[:] = known


def column_of(table, position=0):
    """Cells of one model, by row label."""
    frame = table.df
    labels = [label[-1] for label in frame.index]
    return dict(zip(labels, frame.iloc[:, position].astype(str), strict=True))


def test_maketables_alone_prints_estimates_and_rows(maketables, weak):
    found = column_of(maketables.ETable([weak]))
    assert found["Observations"] == "54"
    assert any("7.967**" in cell and "(2.421)" in cell for cell in found.values())
    assert not any("SD" in label for label in found)


def test_maketables_registered(maketables, lmm, glmm):
    register_maketables()
    register_maketables()
    known = [type(e).__name__ for e in maketables.extractors._EXTRACTOR_REGISTRY]
    assert known.count("MixedExtractor") == 1
    table = maketables.ETable([lmm, glmm])
    first, second = column_of(table, 0), column_of(table, 1)
    assert "10.467***" in first["Days"] and "(1.546)" in first["Days"]
    assert first["SD Days | Subject"] == "5.922"
    assert first["SD Residual"] == "25.592"
    assert (first["Observations"], first["Levels of Subject"]) == ("180", "18")
    assert (first["Method"], second["Method"]) == ("REML", "ML (Laplace)")
    assert second["SD Intercept | herd"] == "0.642"
    assert second["Levels of herd"] == "15" and "R²" not in first


def test_maketables_formats_and_statistics_by_its_own_names(maketables, lmm):
    register_maketables()
    table = maketables.ETable(
        [lmm], coef_fmt="b:.2f [ci95l:.2f, ci95u:.2f] df:.1f", model_stats=["N", "aic"]
    )
    found = column_of(table)
    assert found["Days"] == "10.47 [7.21, 13.73] 17.0"
    assert found["Observations"] == "180" and found["AIC"] == "1,755.63"
    extractor = maketables.get_extractor(lmm)
    assert extractor.depvar(lmm) == "Reaction"
    assert extractor.stat(lmm, "se_type") == "nonrobust"
    assert extractor.vcov_info(lmm) == {"vcov_type": "nonrobust", "clustervar": None}
    assert "SD Residual" in extractor.supported_stats(lmm)


def test_maketables_leaves_other_models_alone(maketables):
    import statsmodels.formula.api as smf

    register_maketables()
    ols = smf.ols("Reaction ~ Days", smm.datasets.load("sleepstudy")).fit()
    assert type(maketables.get_extractor(ols)).__name__ == "StatsmodelsExtractor"


# ---- great_tables -------------------------------------------------------------------


def test_great_tables_of_tidy(lmm):
    gt = pytest.importorskip("great_tables", reason="pip install great_tables")
    table = (
        gt.GT(lmm.tidy()[["group", "term", "estimate", "std_error", "df", "p_value"]])
        .fmt_number(["estimate", "std_error", "df"], decimals=2)
        .sub_missing(missing_text="")
    )
    html = table.as_raw_html()
    assert "10.47" in html and "1.55" in html and "17.00" in html
    assert "SD Intercept" in html and "24.74" in html
    assert "nan" not in html.lower().replace("nanum", "")


def test_tables_of_the_summary_are_html(lmm):
    html = lmm.summary().tables[1].as_html()
    assert "<td>Days</td>" in re.sub(r"<th>(\w+)</th>", r"<td>\1</td>", html)
    assert "P>|t|" in html
