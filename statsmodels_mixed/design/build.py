"""ModelSpec and data to `Design`: one mask, every piece from the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..covariance import STRUCTURES
from ..errors import (
    DataError,
    IdentifiabilityError,
    MissingColumnError,
    MissingValueError,
)
from ..formula import PAIR, check_calls, variables
from ..formula.spec import bare_name
from .check import check_design, check_weights
from .complete import complete_rows
from .design import Design, PredictorDesign, TermDesign
from .encode import Encoder, is_known
from .grouping import check_grouping, code_factor, cross
from .offsets import Known, check_exposure_argument, sum_offsets
from .response import (
    SILENT_AT_ZERO,
    check_trials_argument,
    find_response,
    is_number,
    read_response,
    takes_trials,
)
from .table import (
    Table,
    check_finite,
    column_or_array,
    resolve_subset,
)

INTERCEPT = "1"


@dataclass(frozen=True)
class TermEncoder:
    """What builds the effects of a term and its codes for new data.

    Attributes
    ----------
    effects : Encoder or None
        None for an intercept alone.
    grouping : tuple of Encoder or str
        Per crossed factor: the column, or the encoder of an expression.
    """

    effects: object
    grouping: tuple

    def effect_values(self, table):
        """Values of the effects (n, k), None for an intercept alone."""
        return None if self.effects is None else self.effects.encode(table)

    def group_values(self, table):
        """One column of labels per crossed factor."""
        return [_group_column(part, table) for part in self.grouping]


def build_design(
    spec,
    data,
    namespace,
    *,
    weights=None,
    offset=None,
    subset=None,
    missing="drop",
    family=None,
    n_trials=None,
    exposure=None,
):
    """Evaluate every piece of a formula on the complete rows of the data.

    Parameters
    ----------
    spec : ModelSpec
    data : DataFrame, dict, ...
        Anything `Table.from_data` takes.
    namespace : dict
        Functions and variables of the caller.
    weights, offset : str or array_like, optional
        Column name, or one value per row of `data`.
    subset : array_like, optional
        Rows to use; see `resolve_subset`.
    missing : {"drop", "raise"}
        What to do with rows in which anything that is used is missing.
    family : Family, optional
        Distribution of the response; None for a linear mixed model.
    n_trials : str, array_like or int, optional
        Numbers of trials of proportions (binomial family).
    exposure : str or array_like, optional
        What counts are proportional to (log link): its logarithm joins the offset.

    Returns
    -------
    Design
    """
    if missing not in ("drop", "raise", "none"):
        raise DataError(f"missing={missing!r}: use 'drop' or 'raise'.")
    check_trials_argument(family, n_trials)
    check_exposure_argument(family, exposure)
    table = Table.from_data(data)
    own = {*namespace, PAIR} if takes_trials(family) else namespace
    check_calls(spec.text, lambda f: f in own or is_known(f), STRUCTURES)
    given = dict(weights=weights, offset=offset, n_trials=n_trials, exposure=exposure)
    arrays = _arrays(given, table)
    nobs_given = table.nobs
    rows, table = _complete(table, spec, arrays, subset, missing)
    columns = {k: value for k, value in given.items() if isinstance(value, str)}
    try:
        raw, said = _response(spec, table, namespace, family)
        if said is not None:
            rows, table = np.arange(nobs_given)[rows][said], table.take(said)
        arrays = _finite({k: values[rows] for k, values in arrays.items()}, table)
        predictors = _predictors(spec, table, namespace, arrays | columns, family)
    except MissingColumnError as error:
        raise error.located(spec.text) from None
    observed = read_response(family, raw.among(arrays, columns))
    design = Design(
        endog=observed.endog,
        endog_name=raw.name,
        predictors=predictors,
        weights=observed.weights,
        row_labels=table.index,
        rows=rows,
        nobs_given=nobs_given,
        response=raw.expression,
        trials=observed.trials,
        trials_column=observed.trials_column,
        response_note=observed.note,
    )
    check_design(design, family)
    return design


def _response(spec, table, namespace, family):
    """The response, and the rows in which it says something (None for all)."""
    raw = find_response(spec, table, namespace, family)
    if not raw.silent.any():
        return raw, None
    said = ~raw.silent
    return find_response(spec, table.take(said), namespace, family), said


def _arrays(given, table):
    """Arguments given by column name or as arrays, as numbers over all rows."""
    given = {name: value for name, value in given.items() if value is not None}
    if is_number(given.get("n_trials")):
        given["n_trials"] = np.full(table.nobs, given["n_trials"])
    return {
        name: np.array(column_or_array(value, table, name))  # theirs may change
        for name, value in given.items()
    }


def _complete(table, spec, arrays, subset, missing):
    """Rows in the subset with nothing missing: positions (or all) and the table."""
    chosen = slice(None) if subset is None else _positions(subset, table)
    table = table if subset is None else table.take(chosen)
    used = [name for name in sorted(variables(spec)) if name in table]
    arrays = {name: values[chosen] for name, values in arrays.items()}
    check_weights(arrays.get("weights"), table.index)
    complete = complete_rows(table, used, arrays)
    if complete is not None and missing != "drop":
        holes = [name for name in used if table.missing(name) is not None]
        holes += [f"{k}=" for k, v in arrays.items() if np.isnan(v).any()]
        raise MissingValueError(
            f"{(~complete).sum()} rows have missing values in {', '.join(holes)}; "
            "drop or fill them, or use missing='drop'."
        )
    for name in SILENT_AT_ZERO:  # as in least squares, they say nothing
        if name in arrays and (arrays[name] == 0).any():
            says = arrays[name] != 0
            complete = says if complete is None else complete & says
    if complete is None:
        return chosen, table.take()
    all_rows = np.arange(len(complete)) if subset is None else chosen
    return all_rows[complete], table.take(complete)


def _finite(arrays, table):
    for name, values in arrays.items():
        check_finite(f"{name}=", values, table.index)
    return arrays


def _positions(subset, table):
    rows = resolve_subset(subset, table)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


class _Pieces:
    """Encoded pieces of a formula, each once: random effects repeat fixed ones."""

    def __init__(self, table, namespace):
        self._table, self._namespace, self._known = table, namespace, {}

    def encoded(self, text, where):
        """Encoder and columns of patsy text; ``1 + x`` and ``x`` are the same."""
        key = text.removeprefix("1 + ")
        if key not in self._known:
            encoder = Encoder(text, self._table, self._namespace, where)
            self._known[key] = encoder, encoder.encode(self._table)
        return self._known[key]


def _predictors(spec, table, namespace, given, family):
    """Linear predictors; offset and exposure, by name or not, belong to the mean."""
    nothing, known = Known(), Known(given.get("offset"), given.get("exposure"))
    return tuple(
        _predictor(p, table, namespace, known if p is spec.mean else nothing, family)
        for p in spec.predictors
    )


def _predictor(predictor, table, namespace, known, family):
    pieces = _Pieces(table, namespace)
    encoder, exog = pieces.encoded(predictor.fixed, "the fixed effects")
    total, again = sum_offsets(predictor.offsets, known, table, namespace, family)
    return PredictorDesign(
        name=predictor.name,
        exog=exog,
        exog_names=encoder.names,
        terms=_terms(predictor.random, table, namespace, pieces),
        offset=total,
        encoder=encoder,
        offsets=again,
        offset_argument=known.beyond_new_data,
        exposure_argument=known.exposure_beyond_new_data,
    )


def _terms(random, table, namespace, pieces):
    groupings, out = {}, []
    for term in random:
        if term.group_name not in groupings:
            groupings[term.group_name] = _grouping(term, table, namespace)
        parts, grouping = groupings[term.group_name]
        check_grouping(grouping, table.nobs)
        out.append(_term(term, parts, grouping, pieces))
    return tuple(out)


def _grouping(term, table, namespace):
    parts, coded = [], []
    for text in term.grouping:
        name = bare_name(text)
        part = name
        if name not in table.names:
            where = f"the grouping factor {name}"
            part = Encoder(f"0 + {text}", table, namespace, where)
        parts.append(part)
        coded.append(code_factor(_group_column(part, table), name))
    return tuple(parts), coded[0] if len(coded) == 1 else cross(coded)


def _group_column(part, table):
    if isinstance(part, str):
        return table.column(part, f"the grouping factor {part}")
    return part.labels(table)


def _term(term, parts, grouping, pieces):
    where = f"the random term ({term.text})"
    if term.options:
        names = ", ".join(name for name, _ in term.options)
        raise DataError(f"{where}: {term.structure}() takes no option {names}.")
    if term.effects == INTERCEPT:
        encoder, z, effects = TermEncoder(None, parts), None, ("Intercept",)
    else:
        inner, z = pieces.encoded(term.effects, where)
        encoder, effects = TermEncoder(inner, parts), inner.names
        if not effects:
            raise IdentifiabilityError(f"{where} has no varying effect; drop it.")
        if z.shape[1] == 1 and (z == 1.0).all():
            z = None
    return TermDesign(
        text=term.text,
        effects=effects,
        z=z,
        grouping=grouping,
        structure=STRUCTURES[term.structure](len(effects)),
        encoder=encoder,
    )
