"""Bootstrap as a method of results."""

from __future__ import annotations

import copy
from functools import partial

from ..errors import DataError
from ..inference.bootstrap.bootstrap import bootstrap_fit
from ..inference.bootstrap.frames import frame_of_draw
from ..inference.bootstrap.measures import Statistic


class BootstrapMethods:
    """Mixin for results with a ``fit_record``, a ``model`` and ``options``."""

    def bootstrap(
        self,
        n=1000,
        kind="parametric",
        rng=None,
        statistic=None,
        *,
        random=None,
        cluster=None,
        resample_rows=None,
        progress=False,
        n_jobs=1,
    ):
        """Fit the model again and again to data like those it was fitted to.

        Parameters
        ----------
        n : int
            Number of draws.
        kind : {"parametric", "residual", "case"}
            Draw responses from the fitted distribution; from the conditional modes and
            residuals, brought to the estimated covariance (linear models); or draw
            whole clusters with replacement.
        rng : int or numpy.random.Generator, optional
            Seed or generator. The draws do not depend on `n_jobs`.
        statistic : callable, optional
            Of results, returning a number, or a dict, Series or sequence of numbers, in
            place of all parameters. Fits are then made one by one. The results have
            the data of the draw: the user's with the response replaced if it is a
            column by itself, or the rows drawn. Standard errors of results of
            ``kind="case"`` are those of the model, never cluster-robust.
        random : {"new", "conditional"}, optional
            Parametric and residual: new random effects (the default), or the
            conditional modes for all draws, so that only residuals vary.
        cluster : str, optional
            Grouping factor whose levels are the clusters, of ``kind="case"`` and of the
            jackknife of ``conf_int(method="bca")``; by default the one all others are
            nested in. Crossed factors need it.
        resample_rows : bool, optional
            Case: draw the rows within the drawn clusters with replacement, too.
        progress : bool
            Show a progress bar (needs tqdm).
        n_jobs : int
            Processes (needs joblib).

        Returns
        -------
        Bootstrap
            With ``draws``, ``table``, ``conf_int()`` and ``failures``. When interrupted
            from the keyboard, with the draws done so far.

        Raises
        ------
        DataError
            An argument that does not go with the kind or the model.
        IdentifiabilityError
            Residual: fewer levels than varying effects.

        Notes
        -----
        Parametric: Morris (2002), Statistics and Probability Letters 56, 425-430, says
        why not to draw from the shrunken modes as they are. Residual: Carpenter,
        Goldstein and Rasbash (2003), JRSS C 52, 431-443.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> boot = res.bootstrap(200, rng=1)
        >>> boot.draws.shape, boot.n_failed
        ((200, 6), 0)
        >>> list(boot.conf_int(0.9).columns)
        ['lower', 'upper']
        """
        fit = self._fit_with_rows("bootstrap")
        measure = None
        if statistic is not None:
            if not callable(statistic):
                raise DataError("statistic= must be a function of results.")
            how = self.df_method, self.options, self._robust
            results_of = partial(results_of_fit, self.model, how)
            measure = Statistic(statistic, results_of, fit)
        return bootstrap_fit(
            fit,
            self.options,
            n,
            kind,
            rng,
            measure,
            random=random,
            cluster=cluster,
            resample_rows=resample_rows,
            progress=progress,
            n_jobs=n_jobs,
        )


def results_of_fit(model, how, fit):
    """Results of a fit of other data by the model of given ones.

    Parameters
    ----------
    model : LMM or GLMM
    how : tuple
        Method of degrees of freedom, FitOptions, and the cluster-robust covariance
        (None without one); the last is left out where rows are not those of `model`.
    fit : Fit or GeneralizedFit
        Of a design with the same columns.

    Returns
    -------
    LMMResultsWrapper or GLMMResultsWrapper
    """
    df_method, options, robust = how
    same_rows = fit.design.predictors is model.design.predictors
    other = copy.copy(model)
    vars(other).pop("separation", None)  # of the old response
    other._set_design(fit.design, fit.model)
    frame = getattr(model.data, "frame", None)
    other.data.frame = frame_of_draw(frame, model.design, fit.design)
    given = (robust,) if robust is not None and same_rows else ()
    return other._wrap(fit, df_method, options, *given)
