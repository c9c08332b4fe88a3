"""A drop-in for ``statsmodels.formula.api.mixedlm`` and ``statsmodels.api.MixedLM``."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pandas as pd

from ..covariance import STRUCTURES
from ..errors import DataError, MixedModelWarning, warn_user
from . import mixedlm_arguments as arguments
from .lmm import LMM
from .random import RandomEffects

# what steers the optimiser of statsmodels' MixedLM: accepted, and of no effect here
STEERING = {"maxiter", "gtol", "ftol", "eps", "maxcor", "maxls", "disp", "cov_type"}
OWN = {"start", "optimizer", "tol", "max_iter", "use_t", "df_method"}


class MixedLM(LMM):
    """Linear mixed model with the arguments of ``sm.MixedLM``.

    For formulas see `mixedlm`.

    Parameters
    ----------
    endog : array_like, shape (n,)
        Response.
    exog : array_like, shape (n, p)
        Fixed-effects columns.
    groups : array_like, shape (n,)
        Grouping factor.
    exog_re : array_like, shape (n,) or (n, k), optional
        Columns whose coefficients vary over the groups; an intercept by default
        (nothing, when `exog_vc` is given).
    exog_vc : VCSpec or dict, optional
        Variance components: per name and group, columns whose coefficients are
        independent and have one variance.
    use_sqrt : bool
        How ``start_params`` of `fit` are to be read.
    missing : {"none", "drop", "raise"}
        ``"none"`` and ``"raise"`` refuse missing values.

    Examples
    --------
    >>> import numpy as np
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> exog = np.column_stack([np.ones(180), data.Days])
    >>> model = smm.MixedLM(data.Reaction, exog, data.Subject, exog_re=exog)
    >>> round(float(model.fit().llf), 4)
    -871.8141
    """

    def __init__(
        self,
        endog,
        exog,
        groups,
        exog_re=None,
        exog_vc=None,
        use_sqrt=True,
        missing="none",
    ):
        pandas = [v for v in (endog, exog) if isinstance(v, pd.Series | pd.DataFrame)]
        index = pandas[0].index if pandas else pd.RangeIndex(len(endog))
        name = str(getattr(groups, "name", None) or arguments.GROUPS)
        random, components = [], {}
        if exog_vc is not None:
            components = arguments.array_components(exog_vc, groups, index)
        if exog_re is not None or not components:
            random.append(RandomEffects(groups, exog_re, name))
        self._describe(bool(random), tuple(components), use_sqrt)
        missing = "raise" if missing == "none" else missing
        super().__init__(endog, exog, [*random, *components.values()], missing=missing)

    @classmethod
    def from_formula(
        cls,
        formula,
        data,
        re_formula=None,
        vc_formula=None,
        subset=None,
        use_sparse=False,
        missing="none",
        *,
        groups=None,
        weights=None,
        offset=None,
        use_sqrt=True,
        eval_env=0,
    ):
        """Linear mixed model with the arguments of ``smf.mixedlm``.

        Parameters
        ----------
        formula : str
            Fixed part; lme4's random terms may stand in it too.
        data : DataFrame, dict, ...
        re_formula : str, optional
            Effects that vary over `groups`, such as ``"~time"``; an intercept alone
            by default (none, when `vc_formula` is given).
        vc_formula : dict, optional
            Variance components within groups: name to a formula, such as
            ``"0 + C(pen)"``, all columns of which vary with one variance.
        subset : array_like, optional
            Rows to use.
        use_sparse : bool
            Accepted; the algorithm here is always sparse.
        missing : {"none", "drop", "raise"}
            ``"none"`` and ``"raise"`` refuse missing values.
        groups : str or array_like, optional
            Grouping factor; needed unless the formula holds random terms.
        weights, offset
            As in `lmm`.
        use_sqrt : bool
            How ``start_params`` of `fit` are to be read.
        eval_env : int, dict or EvalEnvironment
            As in `lmm`; -1 is an empty namespace.

        Returns
        -------
        MixedLM

        Raises
        ------
        DataError
            Neither groups nor random terms, or a variance component that statsmodels
            codes differently in each group.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> model = smm.mixedlm("Reaction ~ Days", data, "~Days", groups="Subject")
        >>> round(float(model.fit().llf), 4)
        -871.8141
        """
        namespace = arguments.namespace_of(eval_env, 1)
        specs, terms = arguments.parse_components(vc_formula), []
        if groups is not None:
            data, group = arguments.with_groups(data, groups)
            terms = arguments.terms(specs, re_formula, data, group, namespace)
        elif re_formula or specs or "|" not in formula:
            raise DataError(
                "mixedlm needs groups=, or random terms in the formula such as (1 | g)."
            )
        model = super().from_formula(
            " + ".join([formula, *terms]),
            data,
            weights=weights,
            offset=offset,
            subset=subset,
            missing=missing,
            eval_env=namespace,
        )
        model._describe(len(terms) > len(specs), tuple(specs), use_sqrt)
        if specs:
            arguments.check_components(specs, data, model.design.rows, group, namespace)
        return model

    def _describe(self, has_effects, components, use_sqrt):
        """What `fit` must know to read statsmodels' parameters."""
        self._has_effects, self._components = has_effects, components
        self._use_sqrt = use_sqrt

    def _own_terms(self):
        """Terms that `groups` stands for: of the effects, and of the components."""
        first = len(self.terms) - len(self._components)
        effects = [self.terms[first - 1]] if self._has_effects else []
        return effects, self.terms[first:]

    # ---- fitting ------------------------------------------------------------

    def fit(
        self,
        start_params=None,
        reml=True,
        niter_sa=0,
        do_cg=True,
        fe_pen=None,
        cov_pen=None,
        free=None,
        full_output=False,
        method=None,
        **kwargs,
    ):
        """Estimate the model.

        Parameters
        ----------
        start_params : MixedLMParams or array_like, optional
            Where to start from, as statsmodels packs it. Without effect when the
            formula has random terms of its own.
        reml : bool
            Restricted maximum likelihood, or maximum likelihood.
        fe_pen, cov_pen : None
            Penalties are not supported: estimates would not be those of a likelihood,
            on which everything else here rests.
        free : MixedLMParams, optional
            Its ``cov_re`` the identity matrix: independent random effects. No other
            parameters can be held fixed.
        niter_sa, do_cg, full_output, method
            Steer statsmodels' optimiser. Accepted so that existing calls run; the
            fit does not depend on them.
        **kwargs
            ``maxiter``, ``gtol``, ``ftol``, ``disp`` and others likewise;
            ``start``, ``optimizer``, ``tol``, ``max_iter``, ``df_method`` and ``use_t``
            as in `LMM.fit`; tests are by the normal distribution without the last two.

        Returns
        -------
        LMMResults

        Warns
        -----
        MixedModelWarning
            Arguments that neither knows were ignored, as statsmodels does.

        Raises
        ------
        DataError
            Penalties, another mask, or start values of another length.
        """
        arguments.refuse_penalties(fe_pen, cov_pen)
        unknown = sorted(set(kwargs) - STEERING - OWN)
        if unknown:
            warn_user(f"fit() ignores {', '.join(unknown)}.", MixedModelWarning)
        options = {name: value for name, value in kwargs.items() if name in OWN}
        if not {"use_t", "df_method"} & set(options):
            options["df_method"] = "normal"  # as statsmodels' MixedLM
        effects, components = self._own_terms()
        k_re, k_vc = sum(term.k for term in effects), len(components)
        model = self
        if free is not None and arguments.is_independent(
            free, k_re, k_vc, start_params
        ):
            model = self._independent()
        if start_params is not None:
            options.setdefault("start", self._start(start_params, k_re, k_vc))
        return super(MixedLM, model).fit(reml=reml, **options)

    def _start(self, params, k_re, k_vc):
        """Relative covariances of all terms to start from, where they are known."""
        found = arguments.start_covariances(
            params, self.k_fe, k_re, k_vc, self._use_sqrt
        )
        effects, components = self._own_terms()
        if found is None or len(self.terms) > len(effects) + len(components):
            return None
        cov_re, vcomp = found
        by_name = dict(zip(sorted(self._components), vcomp, strict=True))
        pairs = zip(self._components, components, strict=True)
        blocks = [by_name[name] * np.eye(term.k) for name, term in pairs]
        return [cov_re, *blocks] if effects else blocks

    def _independent(self):
        """The same model, its random effects independent of one another."""
        (effects,), _ = self._own_terms()
        term = replace(
            effects,
            text=effects.text.replace(" | ", " || "),
            structure=STRUCTURES["diag"](effects.k),
        )
        terms = tuple(term if t is effects else t for t in self.terms)
        first, *others = self.design.predictors
        predictors = (replace(first, terms=terms), *others)
        other, frame = copy.copy(self), getattr(self.data, "frame", None)
        other._set_design(replace(self.design, predictors=predictors))
        if frame is not None:
            other.data.frame = frame
        return other


mixedlm = MixedLM.from_formula
