"""Pictures of a fitted model as methods of the results."""

from __future__ import annotations

import numpy as np

from ..diagnostics import pictures
from ..diagnostics.profile_pairs import check_levels, level_of_profile, profile_pairs
from ..errors import DataError
from ..inference.variances.levels import LevelModel
from ..plotting.compromise import plot_compromise
from ..plotting.modes import plot_densities, plot_modes
from ..plotting.pairs import plot_pairs
from ..plotting.shrinkage import plot_shrinkage
from .covariance_pictures import CovariancePictures
from .estimates import plot_estimates
from .line_pictures import LinePictures


class PictureMethods(CovariancePictures, LinePictures):
    """Mixin for results with ``fit_record``, ``random_effects`` and ``profile``."""

    def plot_modes(self, group=None, effects=None, level=0.95, sort=True, axes=None):
        """Caterpillar plot: conditional modes with intervals, sorted.

        Each grouping factor has a row of panels, one per effect.

        Intervals are normal with the conditional standard deviations, fixed effects
        and variances held at their estimates.

        Parameters
        ----------
        group : str or list of str, optional
            Grouping factors; all by default.
        effects : str or list of str, optional
            Effects; all by default.
        level : float
            Level of the intervals.
        sort : bool or str
            By the first effect, in all panels of a factor, or by the effect named;
            False for the order of the levels.
        axes : array_like of matplotlib Axes, optional
            One per factor and effect; made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Unknown factors or effects.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> figure = res.plot_modes(sort="Days")
        """
        self._refuse_without_effects("plot_modes()")
        modes, sds = self.random_effects, self.random_effects_sd
        table = pictures.mode_table(modes, sds, group, effects, level, sort)
        return plot_modes(table, level, axes)

    def plot_random_densities(self, axes=None):
        """Estimated normal density of each random effect, over its modes.

        Conditional modes are shrunk, so they spread less than the density does, the
        more so the less is known of each group.

        Parameters
        ----------
        axes : array_like of matplotlib Axes, optional
            One per factor and effect; made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> figure = res.plot_random_densities()
        """
        self._refuse_without_effects("plot_random_densities()")
        modes = self.random_effects
        sds = {
            (group, effect): float(np.sqrt(variance))
            for group, cov in self.cov_re.items()
            for effect, variance in zip(cov.columns, np.diag(cov), strict=True)
        }
        nothing = {name: 0.0 * frame for name, frame in modes.items()}
        return plot_densities(pictures.mode_table(modes, nothing), sds, axes)

    def plot_shrinkage(self, group=None, effects=None, ax=None):
        """From least squares in each group to the mixed model, as arrows.

        In the plane of two coefficients, such as intercept and slope, or for a single
        one with the groups on the other axis. Ellipses hold half and 95% of the groups
        of the estimated distribution, or bars one standard deviation to both sides of
        the population. Groups that cannot be fitted alone have no arrow.

        With several grouping factors, the effects of the others at their conditional
        modes are taken out of the response before the least squares, as they are in
        neither the coefficients of the mixed model nor the population.

        Parameters
        ----------
        group : str, optional
            Grouping factor; needed where there are several.
        effects : str or list of str, optional
            One or two of the effects; the first two by default.
        ax : matplotlib Axes, optional
            Made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            A generalized model, which has no least squares of groups; unknown factors
            or effects.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> figure = res.plot_shrinkage()
        """
        fit = self._fit_with_rows("plot_shrinkage()")
        if getattr(fit, "family", None) is not None:
            raise DataError(
                "plot_shrinkage() compares with least squares in each group, which a "
                "generalized model does not have: estimates of single groups may be "
                "infinite. Use plot_modes() or plot_likelihood_compromise()."
            )
        factor = pictures.find_factor(fit.design, group, "plot_shrinkage()")
        model = LevelModel(fit, factor)
        picked = pictures.picked_effects(model.effects, effects)
        terms = fit.design.factors[factor]
        modes = np.concatenate([fit.modes[t] for t in terms], axis=1)
        partial = model.partial().estimates
        ways = {
            "separate": model.separate(model.others()).estimates,
            "partial": partial,
            "population": partial - modes,
        }
        ways = {name: values[:, picked] for name, values in ways.items()}
        cov = self.cov_re[model.grouping.name].to_numpy()[np.ix_(picked, picked)]
        names = [model.effects[j] for j in picked]
        note = pictures.without_others(fit.design, factor)
        return plot_shrinkage(ways, cov, names, model.grouping.labels(), ax, note)

    def plot_likelihood_compromise(self, level, group=None, effect=None, ax=None):
        """What the rows of a group and what all groups say about a random effect.

        The likelihood of the rows of the group, the normal distribution of the effect,
        and their product, the conditional density, whose top is the conditional mode.
        Parameters and other random effects are held at their estimates. For a
        generalized model also the normal curve by which Laplace's method replaces the
        conditional density.

        Parameters
        ----------
        level : str
            Label of the group.
        group : str, optional
            Grouping factor; needed where there are several.
        effect : str, optional
            The first of the factor by default.
        ax : matplotlib Axes, optional
            Made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Unknown names, or an effect without variance.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> figure = res.plot_likelihood_compromise("F")
        """
        what = "plot_likelihood_compromise()"
        fit = self._fit_with_rows(what)
        factor = pictures.find_factor(fit.design, group, what)
        curves, name = pictures.compromise(fit, factor, level, effect)
        of = pictures.factor_names(fit.design)[factor]
        return plot_compromise(curves, name, f"{of} {level}", ax)

    def plot_profile_pairs(
        self, which=None, levels=(0.5, 0.8, 0.95), profile=None, axes=None
    ):
        """Profile likelihood of all pairs of parameters: traces and contours.

        Contours are interpolated from profiles of single parameters, below the
        diagonal on the scale of the parameters, above it on that of zeta.

        Parameters
        ----------
        which : str or sequence of str, optional
            As for `profile`.
        levels : sequence of float
            Of the regions within contours, for two parameters together.
        profile : Profile, optional
            One that was computed before; `which` then picks from it by name. Its level
            should be such that it goes as far as the contours.
        axes : array_like of matplotlib Axes, shape (k, k), optional
            Made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Fewer than two parameters, or no profile of this fit (see `profile`).

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> figure = res.plot_profile_pairs()
        """
        levels = check_levels(levels)
        if profile is None:
            profile = self.profile(which, level_of_profile(levels))
            which = None
        names = profile.parameters if which is None else which
        names = [names] if isinstance(names, str) else list(names)
        for name in names:
            if name not in profile.parameters:
                raise DataError(
                    f"which={name!r} was not profiled; there are "
                    f"{', '.join(profile.parameters)}."
                )
        return plot_pairs(
            profile_pairs(names, profile.points, profile.curves, levels), axes
        )

    def plot_fixed(
        self,
        level=0.95,
        parameters=None,
        intercept=False,
        exponentiate=False,
        ax=None,
        **options,
    ):
        """Forest plot of the fixed effects; see `plot_estimates` for several results.

        Parameters
        ----------
        level : float
            Level of the intervals.
        parameters : str or sequence of str, optional
            Which to draw, and in which order; all by default.
        intercept : bool
            Whether to draw the intercept, if there is anything beside it.
        exponentiate : bool
            Whether to draw odds ratios or ratios of rates, on a logarithmic axis.
        ax : matplotlib Axes, optional
            Made by default.
        **options
            Of `intervals`, such as ``method="profile"``.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            Unknown parameters.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("cbpp")
        >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        >>> res = smm.glmm(formula, data, family="binomial").fit()
        >>> figure = res.plot_fixed(exponentiate=True)
        """
        arguments = level, parameters, intercept, exponentiate, ax
        return plot_estimates(self, *arguments, **options)

    def _refuse_without_effects(self, what):
        if not self.fit_record.design.terms:
            raise DataError(
                f"The model has no random effects, so {what} has no picture."
            )
