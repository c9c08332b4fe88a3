"""Scales on which means and contrasts are told: of the link, the response, ratios."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...errors import DataError, check_option
from ...families.links import Log

# What the exponential of a difference is, by link
RATIOS = {"log": "ratio", "logit": "odds_ratio", "cloglog": "hazard_ratio"}
LOGARITHM = re.compile(r"(np\.|numpy\.)?log\([^()]*\)")
SCALES = ("link", "response")


@dataclass(frozen=True)
class LinkScale:
    """The scale of the linear predictor: nothing is changed."""

    value: str | None = None  # name of the column of estimates, if it is a special one
    sign: str = "-"
    note: str | None = None

    def back(self, estimate, se, lower, upper):
        """Estimates, standard errors and ends of intervals on this scale."""
        return estimate, se, lower, upper

    def of_contrast(self, sum_to_zero):
        """The scale of contrasts of what is on this scale."""
        return replace(self, note=None)


@dataclass(frozen=True)
class ResponseScale:
    """The scale of the response, through the inverse of a link.

    Attributes
    ----------
    mean, slope : callable
        Inverse of the link and its derivative.
    outside : callable
        Where the link has no mean; None for nowhere.
    link : str
    note : str
    """

    mean: Callable
    slope: Callable
    outside: Callable
    link: str
    note: str
    value: str | None = None
    sign: str = "-"

    def back(self, estimate, se, lower, upper):
        """Means, delta-method standard errors, and the ends through the link."""
        ends = np.sort([self._mean(lower), self._mean(upper)], axis=0)
        slope = np.where(self._inside(estimate), self.slope(estimate), np.nan)
        return self._mean(estimate), np.abs(slope) * se, *ends

    def _inside(self, eta):
        outside = self.outside(eta)
        return np.ones(eta.shape, bool) if outside is None else ~outside

    def _mean(self, eta):
        return np.where(self._inside(eta), self.mean(eta), np.nan)

    def of_contrast(self, sum_to_zero):
        """Ratios where differences on the scale of the link have that meaning."""
        if sum_to_zero and self.link in RATIOS:
            return RatioScale(RATIOS[self.link])
        return LinkScale(note=f"Contrasts are on the scale of the {self.link} link.")


@dataclass(frozen=True)
class RatioScale:
    """Exponentials of contrasts; tests are those of the contrasts."""

    value: str
    sign: str = "/"

    @property
    def note(self):
        """What the tests are of."""
        return f"Tests are of {self.value} = 1, on the scale of its logarithm."

    def back(self, estimate, se, lower, upper):
        """Ratios, delta-method standard errors, and exponentials of the ends."""
        with np.errstate(over="ignore"):
            ratio = np.exp(estimate)
            return ratio, ratio * se, np.exp(lower), np.exp(upper)

    def of_contrast(self, sum_to_zero):
        """Ratios of ratios."""
        return self if sum_to_zero else LinkScale()


def choose_scale(fit, scale, table):
    """The scale a user asks for.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    scale : {"link", "response"}
    table : Table
        Data of the model: a response that is a column is not transformed.

    Raises
    ------
    DataError
        The response of a linear model is transformed by something else than ``log``.
    """
    check_option("scale", scale, SCALES)
    if scale == "link":
        return LinkScale()
    family = getattr(fit, "family", None)
    if family is not None:
        return ResponseScale(
            family.mean,
            family.mean_derivative,
            family.outside,
            family.link.name,
            f"Means are back-transformed from the {family.link.name} link, at random "
            "effects of zero.",
        )
    response = fit.design.response
    if response is None or response.name in table:
        return LinkScale()
    if LOGARITHM.fullmatch(response.text):
        log = Log()
        return ResponseScale(
            log.mean,
            log.mean_derivative,
            lambda eta: None,
            log.name,
            f"Means are exponentials of means of {response.text}: geometric means.",
        )
    raise DataError(
        f"scale='response' knows how to undo a logarithm, not {response.text}: use "
        "scale='link' and transform means and ends of intervals back yourself."
    )
