"""Summary text of a mixed model."""

from __future__ import annotations

import numpy as np

from ..compat import Cell, SimpleTable, Summary, fmt_params, forg
from ..printing import format_df

# Of the columns of parameters with degrees of freedom: they fit 80 characters
WIDTHS = [0, 10, 8, 6, 8, 7, 10, 10]


def summarise(results, yname, xname, title, alpha):
    """Header, fixed effects, variance parameters, and notes."""
    out = Summary()
    out.add_table_2cols(
        results,
        gleft=_left(results),
        gright=_right(results),
        yname=yname,
        xname=xname,
        title=title or f"{results._name[0]} Results",
    )
    if len(results.params):
        out.add_table_params(
            results, yname=yname, xname=xname, alpha=alpha, use_t=results.use_t
        )
        if results.use_t:
            _insert_df(out.tables[-1], results.df_resid_inference)
    if len(results.varcorr()):
        out.tables.append(variance_table(results))
    out.add_extra_txt(_notes(results))
    return out


def _insert_df(table, df):
    """A column of degrees of freedom between standard errors and t."""
    texts = ["df", *map(format_df, df)]
    for row, text in zip(table, texts, strict=True):
        row.insert(3, Cell(text, datatype=row[2].datatype, row=row))
    table.output_formats["txt"].update(colwidths=WIDTHS)


def _left(results):
    model = results.model
    out = [
        ("Dep. Variable:", None),
        ("Model:", [results._name[1]]),
        ("Method:", [results.method]),
        *((name, [value]) for name, value in results._header()),
        ("No. Observations:", [f"{int(results.nobs)}"]),
    ]
    for group, levels in results.ngroups.items():
        out.append((f"Levels {_short(group)}:", [f"{levels}"]))
    if model.weights is not None:
        out.append(("Weights:", ["given"]))
    return out


def _right(results):
    return [
        *((name, [value]) for name, value in results._criteria()),
        ("Parameters:", [f"{results.df_modelwc}"]),
        ("Converged:", ["yes" if results.converged else "NO"]),
    ]


def _short(name, width=14):
    return name if len(name) <= width else name[: width - 1] + "~"


def variance_table(results):
    """Groups, variances, standard deviations and correlations."""
    frame = results.varcorr()
    variances = frame[frame.effect2.isna()]
    correlations = {
        (g, a, b): value
        for g, a, b, value in frame[~frame.effect2.isna()][
            ["group", "effect", "effect2", "sdcor"]
        ].itertuples(index=False)
    }
    rows, width, earlier = [], 0, []
    last = None
    for group, effect, vcov, sd in variances[
        ["group", "effect", "vcov", "sdcor"]
    ].itertuples(index=False):
        pairs = [
            (g, a) for g, a in earlier if g == group and (g, a, effect) in correlations
        ]
        values = [_correlation(correlations[g, a, effect]) for g, a in pairs]
        if isinstance(effect, str):
            earlier.append((group, effect))
        label = "" if group == last else group
        last = group
        name = effect if isinstance(effect, str) else ""
        rows.append([label, name, forg(vcov, prec=4), forg(sd, prec=4), values])
        width = max(width, len(values))
    data = [r[:4] + r[4] + [""] * (width - len(r[4])) for r in rows]
    header = ["Group", "Effect", "Variance", "Std.Dev."]
    header += (["Corr."] + [""] * (width - 1)) if width else []
    return SimpleTable(data, headers=header, title="Random effects", txt_fmt=fmt_params)


def _correlation(value):
    return "" if np.isnan(value) else f"{value:.3f}"


def _notes(results):
    """Convergence, singularity, aliasing: what a reader must know."""
    out = [*results._remarks(), f"Optimiser: {results.convergence.message}."]
    for text in results.singular:
        out.append(f"Singular fit, {text}.")
    aliased = [
        n for n in results.model.exog_names_full if n not in results.model.exog_names
    ]
    if aliased:
        out.append(f"Aliased with other columns and left out: {', '.join(aliased)}.")
    unused = results.fit_record.design.nobs_given - int(results.nobs)
    if unused > 0:
        out.append(
            f"Rows not used: {unused} of {unused + int(results.nobs)} (missing values, "
            "subset= or weights of 0)."
        )
    offsets = results.fit_record.design.mean.offset is not None
    if offsets:
        out.append("The model has an offset.")
    if results.cov_type != "nonrobust":
        out.append(f"{results.cov_kwds['description']}.")
    out.append(f"Tests of the fixed effects: {results._reference()}.")
    return out
