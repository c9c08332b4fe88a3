"""Images of covariances as methods of the results."""

from __future__ import annotations

from ..diagnostics.row_covariance import (
    as_correlation,
    effect_cells,
    row_covariance,
    sorted_rows,
)
from ..errors import DataError
from ..plotting.covariances import plot_covariances, plot_row_covariance


class CovariancePictures:
    """Mixin for results with ``fit_record``, ``cov_re`` and `_rows_of_picture`."""

    def plot_covariance(self, group=None, correlation=False, axes=None):
        """Image of the covariance of the random effects of each grouping factor.

        Parameters
        ----------
        group : str, optional
            One factor; all by default.
        correlation : bool
            Whether to draw correlations.
        axes : array_like of matplotlib Axes, optional
            One per factor; made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Unknown factors.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> figure = res.plot_covariance(correlation=True)
        """
        matrices = self.cov_re
        if group is not None and group not in matrices:
            raise DataError(
                f"group={group!r} is not a grouping factor; there are "
                f"{', '.join(matrices) or 'none'}."
            )
        matrices = {n: m for n, m in matrices.items() if group in (None, n)}
        if not matrices:
            raise DataError("The model has no random effects, so no covariance.")
        if correlation:
            matrices = {name: as_correlation(m) for name, m in matrices.items()}
        return plot_covariances(matrices, correlation, axes)

    def plot_marginal_covariance(
        self, group=None, levels=None, max_rows=200, correlation=False, ax=None
    ):
        """Image of the covariance of rows, ``Z Sigma Z' + R``.

        Rows are sorted by groups: those of nested factors make blocks within blocks,
        those of crossed ones stripes beside the blocks. For a generalized model it is
        the covariance of the linear predictor, ``Z Sigma Z'``.

        Parameters
        ----------
        group : str, optional
            Factor by which rows are sorted first; the one with fewest levels by
            default.
        levels : sequence, optional
            Labels of its levels; as many of the first as `max_rows` admits by default.
        max_rows : int
            How many rows to draw at most.
        correlation : bool
            Whether to draw correlations.
        ax : matplotlib Axes, optional
            Made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Unknown factors or levels, or levels with too many rows.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("penicillin")
        >>> formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
        >>> figure = smm.lmm(formula, data).fit().plot_marginal_covariance()
        """
        fit = self._fit_with_rows("plot_marginal_covariance()")
        rows, edges, blocks = sorted_rows(fit, group, levels, max_rows)
        linear = getattr(fit, "family", None) is not None
        matrix = row_covariance(fit, rows, residual=not linear)
        what = "linear predictor" if linear else self.endog_name
        title = _title(what, correlation)
        if len(rows) < fit.design.nobs:
            title += f"\n{len(rows)} of {fit.design.nobs} rows"
        matrix = as_correlation(matrix) if correlation else matrix
        name = f"rows by {blocks.name}"
        return plot_row_covariance(
            matrix, None, edges, blocks, name, title, correlation, ax
        )

    def plot_effect_covariance(
        self,
        group=None,
        by=None,
        levels=None,
        n_levels=2,
        correlation=False,
        ax=None,
    ):
        """Image of the covariance that random effects give combinations of factors.

        For some groups and each value of the columns that effects vary over, the
        covariance of ``z'b``. A factor whose effects vary over groups, an interaction
        of factor and group, and a slope are so seen on the same scale.

        Parameters
        ----------
        group : str, optional
            Grouping factor; needed where there are several.
        by : str or list of str, optional
            Columns of the data; by default those of the random-effects terms.
        levels : sequence, optional
            Labels of the groups to draw.
        n_levels : int
            How many groups to draw otherwise.
        correlation : bool
            Whether to draw correlations.
        ax : matplotlib Axes, optional
            Made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            No columns, columns that do not determine the effects, or too many
            combinations.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("machines")
        >>> formula = "score ~ Machine + (Machine | Worker)"
        >>> figure = smm.lmm(formula, data).fit().plot_effect_covariance()
        """
        fit, table, _ = self._rows_of_picture("plot_effect_covariance()")
        rows, labels, edges, blocks, name = effect_cells(
            fit, table, group, by, levels, n_levels
        )
        matrix = row_covariance(fit, rows, residual=False)
        matrix = as_correlation(matrix) if correlation else matrix
        title = _title("random effects", correlation)
        return plot_row_covariance(
            matrix, labels, edges, blocks, name, title, correlation, ax
        )


def _title(what, correlation):
    return f"{'Correlation' if correlation else 'Covariance'} of {what}"
