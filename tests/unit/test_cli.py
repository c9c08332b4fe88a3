"""The command line, through `main` and as a process."""

import gzip
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed import __main__ as cli

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture
def sleep():
    return smm.datasets.load("sleepstudy")


@pytest.fixture
def csv(tmp_path, sleep):
    path = tmp_path / "sleep.csv"
    sleep.to_csv(path, index=False)
    return str(path)


def run(*arguments, cwd=None):
    """Run the module in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    root = os.path.dirname(os.path.dirname(smm.__file__))
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [root, os.environ.get("PYTHONPATH")])
    )
    return subprocess.run(
        [sys.executable, "-m", "statsmodels_mixed", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
    )


def refused(capsys, *arguments):
    """Run `main`, which must refuse; return what it says, without the prefix."""
    assert cli.main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"{cli.PROG}: error: ") and err.endswith("\n")
    return err.removeprefix(f"{cli.PROG}: error: ")


def stable(text):
    """Text without the figure that is rounding error."""
    return re.sub(r"predicted decrease [\d.e+-]+", "predicted decrease ~", text)


# ---- as a process ---------------------------------------------------------------


def test_without_arguments_the_examples_are_fitted(tmp_path):
    done = run(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for name, formula, *_ in cli.EXAMPLES:
        assert f"datasets.{name}\n{formula}\n" in done.stdout
    generalized = sum(bool(family) for _, _, family, _ in cli.EXAMPLES)
    assert done.stdout.count("Mixed Model Results") == len(cli.EXAMPLES)
    assert done.stdout.count("Generalized Linear Mixed Model Results") == generalized
    assert done.stdout.count("Singular fit") == 1
    assert done.stdout.count("Converged:                         yes") == len(
        cli.EXAMPLES
    )
    # exact maximum likelihood of cbpp and guImmun (tests/reference/truth_glmm.py)
    for llf in ("-91.9834", "-4075.6999", "-890.2713", "-1180.0077", "-1323.9525"):
        assert llf in done.stdout


def test_a_file_is_fitted(csv, sleep):
    done = run(FORMULA, csv)
    assert (done.returncode, done.stderr) == (0, "")
    expected = smm.lmm(FORMULA, sleep).fit().summary().as_text()
    assert stable(done.stdout) == stable(expected) + "\n"


@pytest.mark.parametrize(
    "arguments", [("y ~ x + 1|g", "sleep.csv"), ("y ~ x", "no-such.csv"), ("y ~ x",)]
)
def test_bad_input_is_one_message_and_status_two(csv, arguments, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count(": error: ") == 1 and "Traceback" not in done.stderr


def test_version_and_help():
    assert run("--version").stdout.split() == ["statsmodels_mixed", smm.__version__]
    text = run("--help").stdout
    options = ["ml", "family", "link", "nagq", "exposure", "trials", "weights"]
    for option in [*options, "offset", "missing", "sep", "html"]:
        assert f"--{option}" in text


@pytest.mark.skipif(os.name != "posix", reason="needs a shell with a pipe")
def test_a_reader_that_stops_early_is_no_error(tmp_path):
    command = f"{sys.executable} -m statsmodels_mixed | head -n 1"
    root = os.path.dirname(os.path.dirname(smm.__file__))
    done = subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.stderr == "" and done.stdout.count("\n") == 1


# ---- options --------------------------------------------------------------------


def test_ml(csv, capsys):
    assert cli.main([FORMULA, csv, "--ml"]) == 0
    out = capsys.readouterr().out
    assert "1751.9393" in out and "REML" not in out


@pytest.mark.parametrize(
    ("form", "sign"), [("html", "<table"), ("latex", r"\begin{tabular}")]
)
def test_other_forms(csv, capsys, form, sign):
    assert cli.main([FORMULA, csv, f"--{form}"]) == 0
    assert sign in capsys.readouterr().out


def test_examples_take_form_and_criterion(monkeypatch, capsys):
    monkeypatch.setattr(cli, "EXAMPLES", cli.EXAMPLES[:1])
    assert cli.main(["--ml", "--latex"]) == 0
    out = capsys.readouterr().out
    assert "Deviance" in out and out.startswith(r"\begin")


def test_weights_and_offset_by_name(tmp_path, sleep, capsys):
    sleep["w"] = np.linspace(0.5, 2.0, 180)
    sleep["known"] = 10.0 * sleep.Days
    path = tmp_path / "sleep.csv"
    sleep.to_csv(path, index=False)
    arguments = [FORMULA, str(path), "--weights", "w", "--offset", "known"]
    assert cli.main(arguments) == 0
    expected = smm.lmm(FORMULA, sleep, weights="w", offset="known").fit()
    printed = capsys.readouterr().out
    assert stable(printed) == stable(expected.summary().as_text()) + "\n"


def test_missing_values_are_dropped_with_a_note_or_refused(tmp_path, sleep, capsys):
    sleep.loc[[3, 40], "Days"] = np.nan
    path = str(tmp_path / "sleep.csv")
    sleep.to_csv(path, index=False)
    assert cli.main([FORMULA, path]) == 0
    out, err = capsys.readouterr()
    assert "178" in out and "note: 2 of 180 rows" in err
    assert "Days" in refused(capsys, FORMULA, path, "--missing", "raise")


def test_numeric_groups_are_coded(csv, capsys):
    assert pd.read_csv(csv).Subject.dtype.kind == "i"
    assert cli.main([FORMULA, csv]) == 0
    assert re.search(r"Levels Subject: +18 ", capsys.readouterr().out)


def test_sep_and_decimal(tmp_path, sleep, capsys):
    path = str(tmp_path / "sleep.csv")
    sleep.to_csv(path, index=False, sep=";", decimal=",")
    assert cli.main([FORMULA, path, "--sep", ";", "--decimal", ","]) == 0
    assert "1743.6283" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["csv.gz", "CSV", "parquet"])
def test_kinds_of_file(tmp_path, csv, sleep, suffix, capsys):
    path = tmp_path / f"data.{suffix}"
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
        sleep.to_parquet(path)
    else:
        text = sleep.to_csv(index=False).encode()
        path.write_bytes(gzip.compress(text) if suffix == "csv.gz" else text)
    assert cli.main([FORMULA, str(path)]) == 0
    assert "1743.6283" in capsys.readouterr().out


def test_numpy_is_np_and_nothing_else_leaks(csv, capsys):
    assert cli.main(["np.log(Reaction) ~ np.sqrt(Days) + (1 | Subject)", csv]) == 0
    capsys.readouterr()
    assert "options" in refused(capsys, "Reaction ~ options + (1 | Subject)", csv)


# ---- families -------------------------------------------------------------------


@pytest.fixture
def grouse(tmp_path):
    path = tmp_path / "grouse.csv"
    smm.datasets.load("grouseticks").to_csv(path, index=False)
    return str(path)


@pytest.fixture
def cbpp():
    return smm.datasets.load("cbpp").assign(share=lambda d: d.incidence / d["size"])


TICKS = "TICKS ~ cHEIGHT + (1 | BROOD)"


def test_a_family_makes_a_generalized_model(grouse):
    done = run(TICKS, grouse, "--family", "poisson")
    assert (done.returncode, done.stderr) == (0, "")
    data = smm.datasets.load("grouseticks")
    expected = smm.glmm(TICKS, data, family="poisson").fit().summary().as_text()
    assert stable(done.stdout) == stable(expected) + "\n"


def printed_fit(capsys, *arguments):
    """Log-likelihood and method that `main` prints."""
    assert cli.main(list(arguments)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    method = re.search(r"Method: +(.*?)  ", out)[1]
    return float(re.search(r"Log-Likelihood: +(\S+)", out)[1]), method.strip()


def test_link(grouse, capsys):
    arguments = [TICKS, grouse, "--family", "poisson", "--link", "sqrt"]
    family = smm.families.Poisson("sqrt")
    data = smm.datasets.load("grouseticks")
    expected = smm.glmm(TICKS, data, family=family).fit()
    llf, _ = printed_fit(capsys, *arguments)
    assert llf == pytest.approx(expected.llf, abs=1e-4)


def test_nodes(grouse, capsys):
    arguments = [TICKS, grouse, "--family", "poisson"]
    laplace = printed_fit(capsys, *arguments)
    assert printed_fit(capsys, *arguments, "--nagq", "1") == laplace
    finer, method = printed_fit(capsys, *arguments, "--nagq", "15")
    assert 0.01 < abs(finer - laplace[0]) < 1 and "15" in method


def test_nodes_of_nested_factors(tmp_path, capsys):
    data = smm.datasets.load("pastes").assign(y=lambda d: np.round(d.strength))
    path = str(tmp_path / "pastes.csv")
    data.to_csv(path, index=False)
    arguments = ["y ~ 1 + (1 | batch/cask)", path, "--family", "poisson"]
    expected = smm.glmm(arguments[0], data, family="poisson").fit(nagq=(3, 5))
    llf, method = printed_fit(capsys, *arguments, "--nagq", "3,5")
    assert llf == pytest.approx(expected.llf, abs=1e-4) and "3 x 5" in method


def test_exposure(tmp_path, capsys):
    data = smm.datasets.load("epil").assign(weeks=2.0)
    path = str(tmp_path / "epil.csv")
    data.to_csv(path, index=False)
    arguments = ["y ~ lbase + (1 | subject)", path, "--family", "poisson"]
    assert cli.main([*arguments, "--exposure", "weeks"]) == 0
    expected = smm.glmm(arguments[0], data, "poisson", exposure="weeks").fit()
    printed = capsys.readouterr().out
    assert stable(printed) == stable(expected.summary().as_text()) + "\n"


@pytest.mark.parametrize(
    ("response", "more"),
    [
        ("cbind(incidence, size - incidence)", []),
        ("share", ["--trials", "size"]),
        ("share", ["--weights", "size"]),
    ],
)
def test_binomial_responses(tmp_path, cbpp, capsys, response, more):
    path = str(tmp_path / "cbpp.csv")
    cbpp.to_csv(path, index=False)
    formula = f"{response} ~ C(period) + (1 | herd)"
    llf, _ = printed_fit(capsys, formula, path, "--family", "binomial", *more)
    assert llf == -92.0263


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--family", "possion"], "poisson"),
        (["--family", "poisson", "--link", "logit"], "logit"),
        (["--family", "poisson", "--link", "lgo"], "log"),
        (["--family", "binomial"], "above 1"),
        (["--family", "poisson", "--trials", "YEAR"], "binomial"),
        (["--family", "poisson", "--exposure", "gone"], "gone"),
        (["--family", "poisson", "--link", "sqrt", "--exposure", "YEAR"], "log link"),
        (["--family", "poisson", "--nagq", "-3"], "nagq"),
        (["--family", "poisson", "--nagq", "5,5"], "nagq"),
    ],
)
def test_refusals_of_families(grouse, capsys, arguments, says):
    assert says in refused(capsys, TICKS, grouse, *arguments)


def test_an_integration_check_on_request(tmp_path, capsys):
    data = smm.datasets.load("cbpp")
    path = tmp_path / "cbpp.csv"
    data.assign(healthy=data["size"] - data.incidence).to_csv(path, index=False)
    formula = "cbind(incidence, healthy) ~ C(period) + (1 | herd)"
    assert cli.main([formula, str(path), "--family", "binomial", "--check"]) == 0
    out = capsys.readouterr().out
    assert "Integration check by quadrature" in out
    assert "The approximation is fine" in out
    assert cli.main([formula, str(path), "--family", "binomial"]) == 0
    assert "Integration check" not in capsys.readouterr().out


def test_nothing_to_check_in_a_linear_model(csv, capsys):
    with pytest.raises(SystemExit):
        cli.main([FORMULA, csv, "--check"])
    assert "--check needs --family" in capsys.readouterr().err


def test_families_need_no_ml(capsys):
    with pytest.raises(SystemExit):
        cli.main([TICKS, "f.csv", "--family", "poisson", "--ml"])
    assert "always means ML" in capsys.readouterr().err


# ---- what cannot be used ----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("data.xlsx", b"", "ends in .csv, .csv.gz or .parquet"),
        ("data", b"", "ends in .csv, .csv.gz or .parquet"),
        ("data.csv", b"", "cannot be read: No columns"),
        ("data.csv", b"\xff\xfe\x00\x01,\n\x81", "cannot be read"),
        ("data.csv", b'a,b\n1,2\n3,"4\n', "cannot be read"),
        ("data.csv.gz", b"plain", "cannot be read"),
        ("data.csv", b"Reaction,Days,Subject\n", "no rows"),
        ("data.csv", b"y,x\n1,2\n", "Column 'Reaction'"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, capsys, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    assert says in refused(capsys, FORMULA, str(path))


def test_a_folder_is_no_file(tmp_path, capsys):
    (tmp_path / "data.csv").mkdir()
    says = refused(capsys, FORMULA, str(tmp_path / "data.csv"))
    assert "cannot be read" in says


def test_a_broken_parquet_file(tmp_path, capsys):
    pytest.importorskip("pyarrow")
    path = tmp_path / "data.parquet"
    path.write_bytes(b"not parquet")
    assert "cannot be read" in refused(capsys, FORMULA, str(path))


def test_no_such_file(capsys):
    assert "no such file" in refused(capsys, FORMULA, "no-such.csv")


def test_parquet_without_pyarrow(tmp_path, capsys, monkeypatch):
    path = tmp_path / "data.parquet"
    path.write_bytes(b"")
    for name in ("pyarrow", "fastparquet"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "pip install pyarrow" in refused(capsys, FORMULA, str(path))


def test_csv_options_on_a_parquet_file(capsys):
    assert "csv files" in refused(capsys, FORMULA, "data.parquet", "--sep", ";")


def test_formula_errors_keep_their_caret(csv, capsys):
    text = "Reaction ~ Days + 1|Subject"
    lines = refused(capsys, text, csv).splitlines()
    assert lines[1].strip() == text
    assert lines[2].index("^") == lines[1].index("|")


@pytest.mark.parametrize(
    "arguments",
    [
        [FORMULA],
        ["--weights", "w"],
        ["--missing", "drop"],
        ["--sep", ";"],
        ["--family", "poisson"],
        [FORMULA, "f.csv", "--link", "log"],
        [FORMULA, "f.csv", "--nagq", "9"],
        [FORMULA, "f.csv", "--exposure", "Days"],
        [FORMULA, "f.csv", "--trials", "Days"],
        [FORMULA, "f.csv", "--family", "gamma", "--ml"],
        [FORMULA, "f.csv", "--family", "gamma", "--nagq", "many"],
        [FORMULA, "f.csv", "--family", "gamma", "--nagq", "9,"],
        [FORMULA, "f.csv", "--missing", "skip"],
        [FORMULA, "f.csv", "--html", "--latex"],
        [FORMULA, "f.csv", "--no-such-option"],
    ],
)
def test_usage_errors(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: " in capsys.readouterr().err


def test_warnings_are_one_line_on_stderr(csv, capsys):
    assert cli.main(["Reaction ~ Days + I(2 * Days) + (1 | Subject)", csv]) == 0
    err = capsys.readouterr().err
    assert err.startswith(f"{cli.PROG}: warning: ") and err.count("\n") == 1


def test_a_fit_without_certificate_has_its_own_status(csv, monkeypatch, capsys):
    def unfinished(*args, **kwargs):
        model = smm.lmm(*args, **kwargs)
        fit = model.fit
        return SimpleNamespace(nobs=model.nobs, fit=lambda reml: fit(reml, max_iter=1))

    monkeypatch.setattr(cli, "lmm", unfinished)
    assert cli.main([FORMULA, csv]) == 3
    out, err = capsys.readouterr()
    assert "NOT converged" in out and "warning: " in err
