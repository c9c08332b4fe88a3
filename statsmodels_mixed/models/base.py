"""What the models share: formulas, names, new responses, pickling."""

from __future__ import annotations

import copy
from functools import lru_cache

import numpy as np
import pandas as pd

from ..compat import LikelihoodModel
from ..covariance import STRUCTURES
from ..design.build import build_design
from ..design.matrices import place_columns
from ..design.table import Table, resolve_subset
from ..errors import DataError, RankDeficiencyWarning, warn_user
from ..formula import parse_formula, variables
from ..results.equations import ModelEquation
from ..results.removed import removed_error
from .namespace import caller_namespace
from .random import as_terms

# arguments that may be names of columns
BY_NAME = ("weights", "offset", "exposure", "n_trials")


class MixedModel(ModelEquation, LikelihoodModel):
    """Base of the model classes: a design, its engine, and statsmodels' attributes.

    Attributes
    ----------
    engine : GaussianModel or GeneralizedModel
    exog_names_full : list of str
        Names of all fixed-effects columns, aliased ones included.
    kept : ndarray of int
        Columns that are not aliased.
    """

    _takes_trials = False  # whether the response may be successes and failures

    def _make_engine(self, design):
        """The numerics of a design."""
        raise NotImplementedError

    def _set_formula(self, formula, data, eval_env, subset, **arguments):
        """Build from a formula; `eval_env` counts as in `from_formula`."""
        namespace = eval_env
        if isinstance(eval_env, int):
            namespace = caller_namespace(eval_env + 2)
        spec = self.spec = _parsed(formula, self._takes_trials)
        table = Table.from_data(data)
        design = build_design(spec, table, namespace, subset=subset, **arguments)
        self._set_design(design)
        self.formula = spec.fixed_formula
        self.formula_full = formula
        given = map(arguments.get, BY_NAME)
        named = {value for value in given if isinstance(value, str)}
        self.data.frame = _frame(data, table, variables(spec) | named, subset)
        return self

    # ---- set-up -------------------------------------------------------------

    def _set_design(self, design, engine=None):
        self.engine = engine or self._make_engine(design)
        self.kept = np.sort(self.engine.coordinates.basis.kept)
        mean = design.mean
        names = mean.exog_names
        self.exog_names_full = list(names)
        exog = mean.exog
        if len(self.kept) < len(names):
            lost = [n for j, n in enumerate(names) if j not in self.kept]
            warn_user(
                f"The fixed-effects columns {', '.join(lost)} are linear combinations "
                "of the others and were left out.",
                RankDeficiencyWarning,
            )
            exog, names = exog[:, self.kept], [names[j] for j in self.kept]
        labels = design.row_labels
        endog = pd.Series(
            design.endog, index=labels, name=design.endog_name, copy=False
        )
        # object labels: pandas' own strings take longer to make than the frame
        columns = pd.Index(list(names), dtype=object)
        frame = pd.DataFrame(exog, index=labels, columns=columns, copy=False)
        # told outright: statsmodels would look for a constant by two SVDs of exog
        super().__init__(endog, frame, hasconst=self.engine.has_constant)
        self._attach_coding()

    def _attach_coding(self):
        """patsy's description of the fixed effects, where statsmodels looks for it."""
        coding = self.design.mean.encoder.design_info
        if coding is not None and len(self.kept) == len(self.exog_names_full):
            self.data.model_spec = coding

    def initialize(self):
        """Set the counts every statsmodels model has."""
        self.nobs = float(self.design.nobs)
        rank = len(self.kept)
        self.df_model = float(rank - self.k_constant)
        self.df_resid = float(self.design.nobs - rank)
        self.k_fe = rank
        self.k_re = sum(t.k for t in self.terms)

    @property
    def design(self):
        """Everything the numerics use."""
        return self.engine.design

    @property
    def terms(self):
        """Random-effects terms, nestings expanded."""
        return self.design.terms

    @property
    def weights(self):
        """Prior weights of the rows, None when there are none."""
        return self.design.weights

    @property
    def offset(self):
        """Known part of the mean, None when there is none."""
        return self.design.mean.offset

    @staticmethod
    def _random_entries(random_data):
        """What a user gives as ``random_data=``, one `RandomEffects` per term."""
        return None if random_data is None else as_terms(random_data, "random_data")

    def with_response(self, endog):
        """The same model for another response; nothing else is computed again."""
        other = copy.copy(self)
        design = self.design.with_response(endog)
        frame = getattr(self.data, "frame", None)
        other._set_design(design, self.engine.with_design(design))
        if frame is not None:
            other.data.frame = frame
        return other

    def __getstate__(self):
        state = self.__dict__.copy()
        # ModelData would evaluate the formula again when loaded; we need not
        data = object.__new__(type(self.data))
        data.__dict__.update(self.data.__dict__)
        data.__dict__.pop("model_spec", None)
        state["data"] = data
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._attach_coding()

    def predict(self, params, exog=None, which="mean", offset=None):
        """Mean of the response at random effects of zero.

        Parameters
        ----------
        params : array_like, shape (p,)
        exog : array_like, shape (n, p), optional
            The model's own by default (its offset included). Columns that were
            dropped as aliased may be among them; a DataFrame is matched by names.
        which : {"mean", "linear"}
            On the scale of the response, or of the linear predictor.
        offset : array_like, optional
        """
        if which not in ("mean", "linear"):
            raise DataError(f"which={which!r}: use 'mean' or 'linear'.")
        if exog is None:
            if self.exog is None:
                raise removed_error("predict() without exog=")
            exog, offset = self.exog, self.offset if offset is None else offset
        names = self.exog_names_full
        exog = place_columns(exog, names, self.kept, "exog")[:, self.kept]
        params = np.asarray(params, dtype=float)
        eta = exog @ params if offset is None else exog @ params + offset
        return eta if which == "linear" else self._mean(eta)

    def _mean(self, eta):
        """Mean at a linear predictor: the identity, unless a link says otherwise."""
        return eta


@lru_cache(maxsize=128)  # the text says it all, and loops fit one formula often
def _parsed(formula, trials):
    return parse_formula(formula, tuple(STRUCTURES), trials=trials)


def _frame(data, table, wanted, subset):
    """Rows of the subset as pandas: the user's frame, or the wanted columns."""
    frame = data
    if not isinstance(data, pd.DataFrame):
        used = [name for name in table.names if name in wanted]
        columns = {name: table.column(name) for name in used}
        frame = pd.DataFrame(columns, index=table.index, copy=False)
    return frame if subset is None else frame.iloc[resolve_subset(subset, table)]
