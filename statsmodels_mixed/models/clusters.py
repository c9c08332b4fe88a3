"""What ``fit(cov_type=, cov_kwds=)`` ask for."""

from __future__ import annotations

from functools import partial

from ..errors import DataError, check_option
from ..inference.fixed_effects.sandwich import cluster_robust

COV_TYPES = ("nonrobust", "cluster")
KEYWORDS = ("groups", "kind")


def robust_covariance(model, cov_type, cov_kwds):
    """How a fit of a model gets its robust covariance.

    Parameters
    ----------
    model : MixedModel
    cov_type : {"nonrobust", "cluster"}
    cov_kwds : dict or None
        ``groups`` and ``kind``, as `cluster_robust` takes them; `groups` may also be
        a column of the data.

    Returns
    -------
    callable or None
        From a fit to its `ClusterRobust`.

    Raises
    ------
    DataError
        Unknown types or keywords, or a column that does not exist.
    """
    check_option("cov_type", cov_type, COV_TYPES)
    keywords = dict(cov_kwds or {})
    unknown = [name for name in keywords if name not in KEYWORDS]
    if unknown or (keywords and cov_type == "nonrobust"):
        raise DataError(
            f"cov_kwds={cov_kwds!r} does not fit cov_type={cov_type!r}: 'cluster' "
            "takes 'groups' and 'kind', 'nonrobust' nothing."
        )
    if cov_type == "nonrobust":
        return None
    if isinstance(keywords.get("groups"), str):
        keywords["groups"] = _groups(model, keywords["groups"])
    return partial(cluster_robust, **keywords)


def _groups(model, name):
    """A grouping factor's name as it is, or the column of that name."""
    frame = getattr(model.data, "frame", None)
    factors = [term.group for term in model.terms]
    if name in factors or frame is None or name not in frame:
        return name
    if frame.index.is_unique:
        return frame.loc[model.design.row_labels, name]
    if len(frame) == model.design.nobs_given:
        return frame[name].to_numpy()
    raise DataError(
        f"Rows of the column {name!r} cannot be told apart, since row labels repeat "
        "and subset= was used: give groups= as an array with one label per row used."
    )
