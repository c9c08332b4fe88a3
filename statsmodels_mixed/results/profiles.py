"""Profile likelihood of the results of all mixed models."""

from __future__ import annotations

from ..inference.profile.profile import profile


class ProfileMethods:
    """Mixin for results with a ``fit_record``."""

    def profile(self, which=None, up_to=0.99, progress=False):
        """Profile likelihood of fixed effects, standard deviations and correlations.

        Parameters
        ----------
        which : str or sequence of str, optional
            Names of parameters, "fixed", or "random" (the same as "variance"). All by
            default.
        up_to : float
            How far to go: to the ends of intervals at this level, or a bound. The
            level of intervals is an argument of ``conf_int``.
        progress : bool
            Whether to show a progress bar (needs tqdm).

        Returns
        -------
        Profile
            With ``points``, ``conf_int(level)`` and ``plot()``. A REML fit is repeated
            by maximum likelihood, which ``refitted`` says.

        Raises
        ------
        DataError
            Unknown names, `up_to` outside (0, 1), or a fit without a likelihood of all
            parameters.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> res.profile("fixed").conf_int().round(3).to_numpy().tolist()
        [[237.681, 265.13], [7.359, 13.576]]
        """
        return profile(self._fit_with_rows("profile()"), which, up_to, progress)
