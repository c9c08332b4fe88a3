"""Command line: ``python -m statsmodels_mixed [FORMULA FILE]``."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from . import __version__, datasets, glmm, lmm
from .errors import DataError, MixedModelError, MixedModelWarning
from .families import as_family

PROG = "python -m statsmodels_mixed"
SEED = 0  # of the draws of --check, so that a second run says the same
ABOUT_A_FAMILY = ("link", "nagq", "exposure", "trials")
ABOUT_A_FILE = ("family", *ABOUT_A_FAMILY, "weights", "offset", "missing")
ABOUT_A_FILE += ("sep", "decimal")
BAD_INPUT, NOT_CONVERGED = 2, 3
# data set, formula, and of a generalized linear mixed model family and nodes
EXAMPLES = (
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", None, None),
    ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", None, None),
    ("pastes", "strength ~ 1 + (1 | batch/cask)", None, None),
    ("dyestuff2", "Yield ~ 1 + (1 | Batch)", None, None),
    ("insteval", "y ~ service + (1 | s) + (1 | d) + (1 | dept:service)", None, None),
    (
        "cbpp",
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        "binomial",
        25,
    ),
    (
        "verbagg",
        "r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)",
        "binomial",
        1,
    ),
    (
        "grouseticks",
        "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        "poisson",
        1,
    ),
    (
        "contraception",
        "use ~ age + I(age**2) + urban + livch + (urban | district)",
        "binomial",
        9,
    ),
    (
        "guimmun",
        "immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural "
        "+ pcInd81 + (1 | comm/mom)",
        "binomial",
        (5, 25),
    ),
)
DESCRIPTION = """\
Fit a linear mixed model, or with --family a generalized linear mixed model, to a
file and print its summary. Without arguments, fit data sets that come with the
package and print their summaries.
"""
EPILOG = """\
Names in the formula are columns of the file; functions of numpy are there as np.
Grouping factors (right of the bar) may be numbers or text. A binomial response is
0 and 1, two classes, cbind(successes, failures), or proportions with --trials.

exit status: 0 fitted, 2 the input cannot be used, 3 fitted but not converged

examples:
  %(prog)s "Reaction ~ Days + (Days | Subject)" sleep.csv
  %(prog)s "y ~ x + (1 | g)" data.csv --family binomial
"""


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit status: 0, or 3 when a fit has not converged, or 2 for input that
        cannot be used (the reason is then on stderr).
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if (options.formula is None) != (options.file is None):
        parser.error("give both FORMULA and FILE, or neither")
    if options.formula is None and _given(options, ABOUT_A_FILE):
        parser.error(f"{_given(options, ABOUT_A_FILE)} needs FORMULA and FILE")
    if options.family is None and _given(options, ABOUT_A_FAMILY):
        parser.error(f"{_given(options, ABOUT_A_FAMILY)} needs --family")
    if options.check and options.formula is not None and options.family is None:
        parser.error(
            "--check needs --family; a linear mixed model has nothing to check"
        )
    if options.family is not None and options.ml:
        parser.error("--ml goes without --family, which always means ML")
    with warnings.catch_warnings():
        warnings.simplefilter("always", MixedModelWarning)
        warnings.showwarning = _show_warning
        try:
            fits = _examples(options) if options.formula is None else [_file(options)]
            return _print_all(fits, options)
        except MixedModelError as error:
            print(f"{PROG}: error: {error}", file=sys.stderr)
            return BAD_INPUT
        except BrokenPipeError:  # the reader of our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog=PROG,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("formula", metavar="FORMULA", nargs="?", help='"y ~ x + (1 + x | group)"')
    add("file", metavar="FILE", nargs="?", help=".csv, .csv.gz or .parquet")
    add("--ml", action="store_true", help="maximum likelihood instead of REML")
    add(
        "--family",
        metavar="NAME",
        help="binomial, poisson, negative_binomial, gamma, inverse_gaussian, gaussian",
    )
    add("--link", metavar="NAME", help="instead of the usual link of the family")
    add(
        "--nagq",
        metavar="K",
        type=_nodes,
        help="nodes of adaptive quadrature; 1 (default) is the Laplace approximation; "
        "for nested factors also one number per level: 9,25",
    )
    add("--exposure", metavar="COL", help="column that counts are proportional to")
    add("--trials", metavar="COL", help="column of trials of a proportion")
    add("--weights", metavar="COL", help="column of prior weights")
    add(
        "--offset",
        metavar="COL",
        help="column with a known part of the mean (of the linear predictor)",
    )
    add(
        "--missing",
        choices=("drop", "raise"),
        help="rows with missing values: leave out (default), or refuse",
    )
    add(
        "--check",
        action="store_true",
        help="with a family: is the approximation of the integral good enough?",
    )
    add("--sep", metavar="CHAR", help="what separates the columns of a csv file (,)")
    add("--decimal", metavar="CHAR", help="decimal point of a csv file (.)")
    form = parser.add_mutually_exclusive_group()
    for name in ("html", "latex"):
        form.add_argument(
            f"--{name}",
            dest="form",
            action="store_const",
            const=name,
            help=f"print {name} instead of text",
        )
    add("--version", action="version", version=f"statsmodels_mixed {__version__}")
    parser.set_defaults(form="text")
    return parser


def _nodes(text):
    """Numbers of quadrature nodes: ``9``, or ``9,25``."""
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of nodes") from None
    return counts if len(counts) > 1 else counts[0]


def _given(options, names):
    """The first of some options that is given, if any."""
    return next((f"--{n}" for n in names if getattr(options, n) is not None), None)


def _examples(options):
    """Heading and results of each shipped example, one after the other."""
    for name, formula, family, nodes in EXAMPLES:
        title = getattr(datasets, name).TITLE
        heading = f"{title}: datasets.{name}\n{formula}"
        data = datasets.load(name)
        if family is None:
            yield heading, lmm(formula, data).fit(reml=not options.ml)
        else:
            yield heading, glmm(formula, data, family=family).fit(nagq=nodes)


def _file(options):
    """No heading, and results for the user's file."""
    data = read_file(options.file, options.sep, options.decimal)
    arguments = {
        "weights": options.weights,
        "offset": options.offset,
        "missing": options.missing or "drop",
        "eval_env": {"np": np},
    }
    if options.family is None:
        model = lmm(options.formula, data, **arguments)
        how = {"reml": not options.ml}
    else:
        model = glmm(
            options.formula,
            data,
            family=as_family(options.family, options.link),
            exposure=options.exposure,
            n_trials=options.trials,
            **arguments,
        )
        how = {"nagq": 1 if options.nagq is None else options.nagq}
    lost = len(data) - int(model.nobs)
    if lost:
        print(
            f"{PROG}: note: {lost} of {len(data)} rows are left out (missing values, "
            "or weight zero)",
            file=sys.stderr,
        )
    return None, model.fit(**how)


def _print_all(fits, options):
    status = 0
    for heading, results in fits:
        if heading is not None and options.form == "text":
            print(f"{heading}\n")
        print(getattr(results.summary(), f"as_{options.form}")())
        if options.check and hasattr(results, "check_integration"):
            print(f"\n{results.check_integration(rng=SEED)}")
        if heading is not None:
            print("\n")
        if not results.converged:
            status = NOT_CONVERGED
    sys.stdout.flush()
    return status


def _show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"{PROG}: warning: {message}", file=sys.stderr)


def read_file(path, sep=None, decimal=None):
    """Read a table from a file.

    Parameters
    ----------
    path : str
        Its name ends in .csv, .csv.gz or .parquet.
    sep, decimal : str, optional
        Of a csv file: separator of the columns and decimal point.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        There is no such file, it is of another kind, or it cannot be read.
    """
    name = Path(path).name.casefold()
    csv = name.endswith((".csv", ".csv.gz"))
    if not csv and not name.endswith(".parquet"):
        raise DataError(
            f"{path}: the name of a file ends in .csv, .csv.gz or .parquet."
        )
    if not csv and (sep is not None or decimal is not None):
        raise DataError(f"{path}: --sep and --decimal are for csv files.")
    if not Path(path).exists():
        raise DataError(f"{path}: there is no such file.")
    try:
        if csv:
            return pd.read_csv(path, sep=sep or ",", decimal=decimal or ".")
        return pd.read_parquet(path)
    except ImportError:
        raise DataError(
            f"{path}: reading parquet files needs pyarrow, which is not installed: "
            "pip install pyarrow."
        ) from None
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines() or [repr(error)]
        raise DataError(f"{path} cannot be read: {reason[0]}") from error


if __name__ == "__main__":
    sys.exit(main())
