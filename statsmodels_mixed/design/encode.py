"""Pieces of patsy text to columns, once learnt and again for new data.

patsy parses the text and learns the coding (levels, contrasts, states of stateful
transforms); the columns are filled here, into one array in place. patsy's own
`build_design_matrices` takes many times longer at 10^6 rows.
"""

from __future__ import annotations

import builtins
import importlib
import io
import itertools
import pickle
import types

import numpy as np
import pandas as pd
import patsy
from patsy.desc import ModelDesc

from ..errors import DataError, MissingColumnError, MissingValueError, NewLevelError
from ..formula import expression_names
from .table import check_finite


class Encoder:
    """The coding of one piece of text, learnt from some rows.

    Parameters
    ----------
    text : str
        patsy text, the right-hand side of a formula.
    table : Table
        Complete rows to learn from.
    namespace : dict
        Names beside the columns: functions and variables of the caller.
    where : str
        What the text is, for error messages.

    Attributes
    ----------
    design_info : patsy.DesignInfo
    names : tuple of str
        Column names.
    """

    def __init__(self, text, table, namespace, where):
        self.text, self.where = text, where
        self._variables = sorted(expression_names(text))
        # not what a column hides: it could be large, or refuse to be pickled
        own = self._calls() - {name for name in self._variables if name in table}
        self._namespace = {k: namespace[k] for k in own if k in namespace}
        data = self._columns(table)
        environment = patsy.EvalEnvironment([self._namespace])
        try:
            terms = ModelDesc.from_formula(text).rhs_termlist
            (self.design_info,) = patsy.build.design_matrix_builders(
                [terms], lambda: iter([data]), environment
            )
        except (patsy.PatsyError, NameError, TypeError, ValueError) as error:
            raise DataError(_explain(error, text, where)) from error
        self.names = tuple(self.design_info.column_names)

    def _calls(self):
        """Every identifier of the text: columns, functions and modules."""
        words = "".join(
            c if c.isidentifier() or c.isdigit() else " " for c in self.text
        )
        return set(words.split())

    def _columns(self, table):
        out = {}
        for name in self._variables:
            if name in table:
                column = table.column(name)
                if "C(" in self.text:  # patsy names levels after their elements:
                    column = pd.Series(column, copy=False)  # Python's, not numpy's
                out[name] = column
            elif name not in self._namespace and not is_known(name):
                raise MissingColumnError(name, table.names, self.where)
        return out

    def encode(self, table):
        """Columns for the rows of a table.

        Returns
        -------
        ndarray, shape (n, p)
            Fortran order, finite.

        Raises
        ------
        MissingColumnError, MissingValueError, NewLevelError, DataError
        """
        data, info = self._columns(table), self.design_info
        try:
            with np.errstate(divide="ignore", invalid="ignore"):  # told below, by row
                values = {
                    factor: self._values(factor, data, table)
                    for factor in info.factor_infos
                }
        except (patsy.PatsyError, NameError, TypeError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(_explain(error, self.text, self.where)) from error
        out = np.empty((table.nobs, len(self.names)), order="F")
        at = 0
        for subterms in info.term_codings.values():
            for subterm in subterms:
                width = subterm.num_columns
                self._fill(subterm, values, out[:, at : at + width], table.nobs)
                at += width
        for j, name in enumerate(self.names):
            self._refuse_nan(name, np.isnan(out[:, j]), table)
            check_finite(f"{name} in {self.where}", out[:, j], table.index)
        return out

    def _refuse_nan(self, name, nan, table):
        """Refuse NaN of an expression where everything that it takes is there."""
        if not nan.any():
            return
        for column in self._variables:
            missing = table.missing(column) if column in table else None
            nan = nan if missing is None else nan & ~missing
        rows = np.flatnonzero(nan)
        if len(rows):
            labels = ", ".join(map(str, np.asarray(table.index)[rows[:5]]))
            more = ", ..." if len(rows) > 5 else ""
            raise MissingValueError(
                f"{name} in {self.where} is NaN in {len(rows)} rows where its columns "
                f"have values ({labels}{more}), as the logarithm of a negative number "
                "is, or a value outside of bins. Change the expression or leave these "
                "rows out by subset=; missing='drop' looks at the columns of the data "
                "only."
            )

    def labels(self, table):
        """Value of a single expression as it is, for use as a grouping factor."""
        data = self._columns(table)
        (factor,) = self.design_info.factor_infos
        info = self.design_info.factor_infos[factor]
        try:
            value = factor.eval(info.state, data)
        except (patsy.PatsyError, NameError, TypeError, ValueError) as error:
            raise DataError(_explain(error, self.text, self.where)) from error
        return _unboxed(value)

    def _values(self, factor, data, table):
        info = self.design_info.factor_infos[factor]
        value = factor.eval(info.state, data)
        if info.type == "numerical":
            if np.iscomplexobj(value):
                raise DataError(f"{factor.name()} in {self.where} is complex.")
            value = np.atleast_1d(np.asarray(value, dtype=float))
            value = value[:, None] if value.ndim == 1 else value
        else:
            value = _categorical(value)
            if len(value) == table.nobs:
                self._refuse_nan(factor.name(), np.asarray(value.codes) < 0, table)
            value = _codes(value, info.categories, factor.name(), self.where)
        if len(value) not in (1, table.nobs):
            raise DataError(
                f"{factor.name()} in {self.where} has {len(value)} values for "
                f"{table.nobs} rows; it must depend on the columns."
            )
        return value

    def _fill(self, subterm, values, out, n):
        if not subterm.factors:
            out[:] = 1.0
            return
        columns = []
        for factor in subterm.factors:
            value = values[factor]
            if factor in subterm.contrast_matrices:
                matrix = subterm.contrast_matrices[factor].matrix
                columns.append([matrix[:, j][value] for j in range(matrix.shape[1])])
            else:
                columns.append(list(value.T))
        # patsy lets the first factor vary fastest
        combinations = itertools.product(*reversed(columns))
        for j, combination in enumerate(combinations):
            first, *others = reversed(combination)
            out[:, j] = np.broadcast_to(first, (n,))  # I(2) is one value for all
            for other in others:
                out[:, j] *= other

    def __getstate__(self):
        """State with patsy's objects taken apart: patsy refuses to pickle them."""
        buffer = io.BytesIO()
        _Pickler(buffer).dump(self.__dict__)
        return {"pickled": buffer.getvalue()}

    def __setstate__(self, state):
        self.__dict__.update(pickle.loads(state["pickled"]))


def is_known(name):
    """Whether patsy or Python itself gives the name a meaning."""
    return hasattr(patsy.builtins, name) or hasattr(builtins, name)


def _unboxed(value):
    """What patsy's C() holds; anything else as it is."""
    boxed = hasattr(value, "contrast") and hasattr(value, "data")
    value = value.data if boxed else value
    return value.array if isinstance(value, pd.Series) else value


def _categorical(value):
    """Values of a factor with their levels, whatever patsy boxed them in."""
    value = _unboxed(value)
    if isinstance(value, pd.Categorical):
        return value
    return pd.Categorical(np.asarray(value))


def _codes(value, categories, name, where):
    """Positions of categorical values among the levels learnt."""
    known = pd.Index(list(categories), dtype=object)
    table = known.get_indexer(pd.Index(list(value.categories), dtype=object))
    codes = np.append(table, -1)[np.asarray(value.codes)]
    if (codes < 0).any():
        new = sorted({str(v) for v in np.asarray(value)[codes < 0]})
        raise NewLevelError(
            f"{name} in {where} has levels that were not there when fitting: "
            f"{', '.join(new[:5])}. Known levels: {', '.join(map(str, known[:12]))}."
        )
    return codes


def _explain(error, text, where):
    first = str(error).strip().splitlines()
    return f"{where} ({text}) cannot be evaluated: {first[0] if first else error!r}"


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj):
        if isinstance(obj, types.ModuleType):
            return importlib.import_module, (obj.__name__,)
        if hasattr(obj, "__patsy_stateful_transform__"):  # named after their class
            home = importlib.import_module(obj.__module__)
            name = next(k for k, v in vars(home).items() if v is obj)
            return getattr, (home, name)
        if isinstance(obj, types.FunctionType) and "<" in obj.__qualname__:
            return _lost, (obj.__name__,)
        module = type(obj).__module__ or ""
        if module.split(".")[0] == "patsy" and not isinstance(obj, (type, np.ndarray)):
            return _revive, (type(obj), dict(obj.__dict__))
        return NotImplemented


def _revive(kind, state):
    out = object.__new__(kind)
    out.__dict__.update(state)
    return out


def _lost(name):
    """Stand-in for a local function or lambda, which pickle cannot carry."""

    def missing(*args, **kwargs):
        raise DataError(
            f"The function {name!r} of the formula was local where the model was "
            "built and is lost in a saved model; define it in a module."
        )

    return missing
