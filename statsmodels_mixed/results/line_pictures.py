"""Data with lines of the model, as methods of the results."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..diagnostics import fitted_lines as lines
from ..diagnostics.pictures import find_factor
from ..errors import DataError, check_option
from ..inference.means.grid_variables import coded_as_factors, used_rows
from ..plotting.groups import plot_strip, plot_trellis
from ..plotting.predictions import plot_predicted

TITLES = {
    "none": "at random effects of zero",
    "marginal": "averaged over random effects",
}


class LinePictures:
    """Mixin for results with ``fit_record``, ``model`` and ``emmeans``."""

    def _rows_of_picture(self, what):
        """Fit, the rows of its data, and columns of numbers that are factors in it."""
        fit = self._fit_with_rows(what)
        frame = getattr(self.model.data, "frame", None)
        if fit.design.mean.encoder.design_info is None or frame is None:
            raise DataError(
                f"{what} needs the columns of the data, and this model was built from "
                "arrays: use lmm(formula, data) or glmm(formula, data)."
            )
        table = used_rows(fit, frame)
        return fit, table, coded_as_factors(fit, table)

    def plot_groups(
        self,
        x=None,
        group=None,
        levels=None,
        n_levels=25,
        sort=True,
        share_y=True,
        axes=None,
    ):
        """Data of each group with the lines of the population and of the group.

        Lines of groups are at the conditional modes; of a generalized model both are
        means of the response. Without any covariate, the data of each group on one
        line with the two means.

        Parameters
        ----------
        x : str, optional
            Column along which lines go; by default the first one that varies over the
            groups, or of the fixed effects.
        group : str, optional
            Grouping factor; needed where there are several.
        levels : sequence, optional
            Labels of levels to draw.
        n_levels : int
            How many to draw otherwise, at even distances in their order.
        sort : bool
            Whether to order levels by their first conditional mode.
        share_y : bool
            Whether all panels have the same vertical axis.
        axes : array_like of matplotlib Axes, optional
            One per level (one for all, without a covariate); made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Unknown columns, factors or levels; a model that was built from arrays.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> figure = res.plot_groups(levels=["308", "335"])
        """
        fit, table, coded = self._rows_of_picture("plot_groups()")
        factor = find_factor(fit.design, group, "plot_groups()")
        if x is None:
            x = lines.default_covariate(fit, factor, table)
        else:
            lines.check_covariate(fit, table, x)
        first = fit.design.factors[factor][0]
        grouping = fit.design.terms[first].grouping
        order = np.arange(grouping.n_levels)
        if sort:
            order = np.argsort(fit.modes[first][:, 0], kind="stable")
        most = n_levels if x is not None else grouping.n_levels
        codes = lines.picked_levels(grouping, order, levels, most)
        fitted = lines.group_lines(fit, table, factor, codes, x, coded)
        points = {"level": grouping.labels()[grouping.codes]}
        points["y"] = lines.observed(fit)
        title = None
        if len(codes) < grouping.n_levels:
            title = f"{len(codes)} of {grouping.n_levels} levels of {grouping.name}"
        if x is None:
            points = pd.DataFrame(points)
            names = self._drawn_name(), grouping.name
            points = points[points.level.isin(fitted.level)]
            ax = None if axes is None else np.ravel(axes)[0]
            return plot_strip(points, fitted, names, title, ax)
        points["x"] = np.asarray(table.column(x))
        names, points = (x, self._drawn_name(), grouping.name), pd.DataFrame(points)
        return plot_trellis(points, fitted, names, title, share_y, axes)

    def _drawn_name(self):
        """What the response is drawn as."""
        trials = self.fit_record.design.trials
        return self.endog_name if trials is None else "proportion"

    def plot_predictions(
        self,
        x,
        by=None,
        random="none",
        conditional=None,
        points=False,
        at=None,
        level=0.95,
        df_method=None,
        offset=None,
        ax=None,
    ):
        """Means along a covariate or over a factor, with intervals.

        Means are those of `emmeans`: factors that are not named are averaged over on
        the scale of the linear predictor, covariates are at their means.

        Parameters
        ----------
        x : str
            A column of the fixed effects.
        by : str or list of str, optional
            Columns for each of whose levels to draw means.
        random : {"none", "marginal"}
            Means at random effects of zero, or over their distribution, which differ
            behind a nonlinear link.
        conditional : str, optional
            Grouping factor for each of whose levels to draw a line.
        points : bool
            Whether to draw the data.
        at : dict, optional
            Values of columns, as for `emmeans`.
        level : float
            Level of the intervals.
        df_method : str, optional
            As for `fixed_tests`.
        offset : float, optional
            As for `emmeans`.
        ax : matplotlib Axes, optional
            Made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Unknown columns or levels; a model that was built from arrays.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("orthodont")
        >>> res = smm.lmm("distance ~ Sex * age + (age | Subject)", data).fit()
        >>> figure = res.plot_predictions("age", by="Sex", conditional="Subject")
        """
        check_option("random", random, tuple(TITLES))
        fit, table, coded = self._rows_of_picture("plot_predictions()")
        by = [by] if isinstance(by, str) else list(by or ())
        for name in by:
            table.column(name, "by=")
        at, column = dict(at or {}), table.column(x, "x=")
        if x not in at and lines.is_number(column) and x not in coded:
            at[x] = lines.along(column)
        means = self.emmeans(
            [x, *by], at=at, df_method=df_method, level=level, offset=offset
        ).table
        cells = means[[x, *by]]
        shown = lines.predicted_means(fit, table, cells, means, random, coded)
        shown.insert(0, "by", _joined(cells, by))
        shown.insert(0, "x", cells[x])
        own = pd.DataFrame(columns=["line", "by", "x", "mean"])
        if conditional is not None:
            factor = find_factor(fit.design, conditional, "plot_predictions()")
            eta = means["mean"].to_numpy()
            own = lines.conditional_lines(fit, table, cells, eta, factor, by, coded)
            own = own.join(shown[["x", "by"]], on="cell")
        data = _points(fit, table, x, by) if points else None
        names = x, f"mean {self._drawn_name()}", ", ".join(by)
        linear = getattr(fit, "family", None) is None
        return plot_predicted(
            shown, own, names, "" if linear else TITLES[random], data, ax
        )


def _points(fit, table, x, by):
    """The data as `plot_predicted` takes them."""
    data = pd.DataFrame({n: np.asarray(table.column(n)) for n in [x, *by]})
    columns = {"x": data[x], "by": _joined(data, by), "y": lines.observed(fit)}
    return pd.DataFrame(columns)


def _joined(frame, by):
    """Text of the combination of columns, empty where there are none."""
    out = pd.Series("", index=frame.index)
    for i, name in enumerate(by):
        out = out + (", " if i else "") + frame[name].map(_text).astype(str)
    return out


def _text(value):
    """A level as text, the same for 8 and 8.0."""
    return f"{value:g}" if isinstance(value, (int, float, np.number)) else str(value)
