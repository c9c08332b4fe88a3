"""Documentation that runs: README, pages, docstrings and the tables of formulas."""

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
import shlex
import textwrap
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed import __main__ as cli

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    p for p in DOCS.rglob("*.rst") if not {"_build", "generated"} & set(p.parts)
)
SESSIONS = [p for p in [ROOT / "README.rst", *PAGES] if ">>> " in p.read_text("utf-8")]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(smm.__path__, "statsmodels_mixed.")
    if not m.name.endswith("__main__")
)
ROW = re.compile(
    r"^   \* - ``(?P<formula>.+)``\n(?:     .*\n)*?     - (?P<par>\d+)$", re.M
)


@pytest.fixture(autouse=True)
def _pictures():
    """Sessions may draw as many figures as they like; none is left to the next."""
    with matplotlib.rc_context({"figure.max_open_warning": 0}):
        yield
    plt.close("all")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def stable(text):
    """Text without figures that rounding errors decide."""
    text = re.sub(r"predicted decrease (below )?[\d.e+-]+, \d+ eval", "eval", text)
    return re.sub(r"\bNone\b", "NaN", text)  # missing text, in older pandas


class Checker(doctest.OutputChecker):
    """Compares outputs but for rounding error."""

    def check_output(self, want, got, optionflags):
        return super().check_output(stable(want), stable(got), optionflags)


def run_session(test):
    """Run one doctest; fail with its report."""
    report = io.StringIO()
    runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=FLAGS)
    runner.run(test, out=report.write)
    assert not runner.failures, report.getvalue()


def session_of(path):
    text = path.read_text("utf-8")
    parser = doctest.DocTestParser()
    return parser.get_doctest(
        text, {"__name__": "__main__"}, name_of(path), name_of(path), 0
    )


@pytest.mark.parametrize("path", SESSIONS, ids=name_of)
def test_sessions_of_a_page(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run_session(session_of(path))


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name):
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        run_session(test)


# ---- blocks: code with its output ------------------------------------------------


def blocks(text):
    """Language and content of each code block, in order."""
    pattern = re.compile(r"^\.\. code-block:: (\w+)\n\n((?:(?: {3}.*)?\n)+)", re.M)
    return [(m[1], textwrap.dedent(m[2]).strip("\n")) for m in pattern.finditer(text)]


def printed_by(code, kind):
    """What a block prints: Python as it is, a console block after its ``$``."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if kind == "python":
            exec(compile(code, "<documentation>", "exec"), {"__name__": "__main__"})
        else:
            words = shlex.split(code.removeprefix("$ "))
            assert words[:3] == ["python", "-m", "statsmodels_mixed"], code
            with contextlib.suppress(SystemExit):
                assert cli.main(words[3:]) == 0
    return out.getvalue()


def same(want, got):
    want, got = (stable(t).split() for t in (want, got))
    assert got == want


@pytest.mark.parametrize("path", [ROOT / "README.rst", DOCS / "index.rst"], ids=name_of)
def test_python_blocks_print_what_follows_them(path):
    found = blocks(path.read_text("utf-8"))
    assert any(kind == "python" for kind, _ in found)
    for (kind, code), (after, output) in zip(
        found, [*found[1:], ("", "")], strict=True
    ):
        if kind == "python":
            printed = printed_by(code, kind)
            if after == "text":
                same(output, printed)


def test_console_blocks_print_what_they_show(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, file in (("sleepstudy", "sleep.csv"), ("grouseticks", "grouse.csv")):
        smm.datasets.load(name).to_csv(file, index=False)
    text = (DOCS / "command-line.rst").read_text("utf-8")
    found = [code for kind, code in blocks(text) if kind == "console"]
    assert found
    for code in found:
        command, _, output = code.partition("\n")
        same(output, printed_by(command, "console"))


# ---- tables of formulas ----------------------------------------------------------


def table_rows():
    text = (DOCS / "formulas.rst").read_text("utf-8")
    return [(m["formula"], int(m["par"])) for m in ROW.finditer(text)]


@pytest.fixture(scope="module")
def formula_data():
    test = session_of(DOCS / "formulas.rst")
    names = {}
    for example in test.examples:
        if "import statsmodels_mixed" in example.source:
            break
        exec(example.source, names)
    return names["data"]


def test_every_row_of_the_tables_is_found():
    text = (DOCS / "formulas.rst").read_text("utf-8")
    headers = text.count(".. list-table::")
    assert headers == 3 and len(table_rows()) == text.count("   * - ") - headers


@pytest.mark.parametrize(("formula", "n_par"), table_rows(), ids=lambda v: str(v))
def test_formula_tables(formula, n_par, formula_data):
    if "~" not in formula:
        formula = f"y ~ x + {formula}"
    res = smm.lmm(formula, formula_data).fit()
    assert res.converged
    assert len(res.theta) == n_par


# ---- completeness ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "page"),
    [(smm.LMMResults, "results.rst"), (smm.GLMMResults, "glmm-results.rst")],
    ids=["LMMResults", "GLMMResults"],
)
def test_every_public_member_of_the_results_is_shown(kind, page):
    text = (DOCS / page).read_text("utf-8")
    bases = [c for c in kind.__mro__ if c.__module__.startswith("statsmodels_mixed")]
    members = {n for c in bases for n in vars(c) if not n.startswith("_")}
    missing = {n for n in members if not re.search(rf"\b{n}\b", text)}
    assert not missing, f"docs/{page} does not mention {sorted(missing)}"


def test_every_data_set_is_listed():
    text = (DOCS / "datasets.rst").read_text("utf-8")
    assert {n for n in smm.datasets.available() if f"``{n}``" not in text} == set()


def test_every_public_name_is_in_the_reference():
    text = (DOCS / "api.rst").read_text("utf-8")
    names = [n for n in smm.__all__ if n != "__version__"]
    names += [n for n, v in vars(smm.errors).items() if isinstance(v, type)]
    assert {n for n in names if not re.search(rf"\b{n}\b", text)} == set()
