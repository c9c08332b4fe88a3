"""Scales on which means and contrasts are told: of the link, the response, ratios."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...errors import DataError
from ...families.links import Log
from ...prediction import marginal_mean, marginal_slope
from ..options import chosen

# What the exponential of a difference is, by link
RATIOS = {"log": "ratio", "logit": "odds_ratio", "cloglog": "hazard_ratio"}
LOGARITHM = re.compile(r"(np\.|numpy\.)?log\([^()]*\)")
SCALES = ("link", "response")
# What a mean behind a link is called, by family; R's emmeans has these names
MEANS = {"binomial": "prob", "poisson": "rate", "negative_binomial": "rate"}


@dataclass(frozen=True)
class LinkScale:
    """The scale of the linear predictor: nothing is changed."""

    value: str | None = None  # name of the column of estimates, if it is a special one
    sign: str = "-"
    note: str | None = None
    axis: str = ""  # how to name it along an axis

    def back(self, estimate, se, lower, upper):
        """Estimates, standard errors and ends of intervals on this scale."""
        return estimate, se, lower, upper

    def of_contrast(self, sum_to_zero):
        """The scale of contrasts of what is on this scale."""
        return self

    def hypothesis(self, noun, value):
        """That all of some estimates are one value, in words."""
        return f"{noun} = {value:g}"


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
    value : str
        Name of the column of means.
    contrast_note : str
        What contrasts are instead of ratios, where there are none.
    """

    mean: Callable
    slope: Callable
    outside: Callable
    link: str
    note: str
    value: str = "response"
    contrast_note: str | None = None
    sign: str = "-"
    axis: str = ""

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
        if self.contrast_note:
            return LinkScale(note=self.contrast_note, axis=f"{self.link} scale")
        if sum_to_zero and self.link in RATIOS:
            return RatioScale(RATIOS[self.link])
        note = f"Contrasts are on the scale of the {self.link} link."
        return LinkScale(note=note, axis=f"{self.link} scale")

    def hypothesis(self, noun, value):
        """That all of some estimates are one value, in words."""
        return f"{noun} = {value:g} on the {self.link} scale"


@dataclass(frozen=True)
class RatioScale:
    """Exponentials of contrasts; tests are those of the contrasts."""

    value: str
    sign: str = "/"
    axis: str = ""

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
        note = f"Estimates are of the logarithm of {self.value}."
        return self if sum_to_zero else LinkScale(note=note)

    def hypothesis(self, noun, value):
        """That all of some estimates are one value, in words."""
        return f"{self.value} = {np.exp(value):g}"


def choose_scale(fit, scale, table, spread=None):
    """The scale a user asks for.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    scale : {"link", "response"}
    table : Table
        Data of the model: a response that is a column is not transformed.
    spread : ndarray, optional
        Variance of the random part of each mean, over which to take the mean of the
        response; random effects are zero otherwise.

    Raises
    ------
    DataError
        The response of a linear model is transformed by something else than ``log``;
        `spread` for a linear model, or on the scale of the link.
    """
    scale = chosen("scale", scale, SCALES)
    family = getattr(fit, "family", None)
    if spread is not None and (family is None or scale == "link"):
        raise DataError(
            "random='marginal' is for means of the response of a generalized model "
            "(scale='response'): on the scale of the linear predictor means over the "
            "random effects are those at random effects of zero."
        )
    if family is None:
        return _of_linear_model(fit, scale, table)
    link = family.link.name
    if scale == "link":
        return LinkScale() if link == "identity" else _named_scale(link)
    if spread is not None:
        return _over_random_effects(family, spread)
    value = MEANS.get(family.name, "response")
    return ResponseScale(
        family.mean,
        family.mean_derivative,
        family.outside,
        link,
        f"{value}: back-transformed from {link}, at random effects of zero "
        "(random='marginal': over them).",
        value,
    )


def _named_scale(text):
    note = f"Results are on the {text} scale, not that of the response."
    return LinkScale(note=note, axis=f"{text} scale")


def _over_random_effects(family, spread):
    """Means over normal random effects, which have no ratios of their own."""
    value = MEANS.get(family.name, "response")
    return ResponseScale(
        partial(_with_spread, marginal_mean, family, spread),
        partial(_with_spread, marginal_slope, family, spread),
        family.outside,
        family.link.name,
        f"{value}: means over the random effects (normal, variances as estimated).",
        value,
        f"Contrasts are on the {family.link.name} scale, at random effects of zero.",
    )


def _with_spread(function, family, spread, eta):
    return function(family, eta, spread)


def _of_linear_model(fit, scale, table):
    response = fit.design.response
    if response is None or response.name in table:
        return LinkScale()
    if scale == "link":
        return _named_scale(response.text)
    if LOGARITHM.fullmatch(response.text):
        log = Log()
        return ResponseScale(
            log.mean,
            log.mean_derivative,
            lambda eta: None,
            log.name,
            f"response: exponentials of means of {response.text}, which are geometric "
            "means.",
        )
    raise DataError(
        f"scale='response' knows how to undo a logarithm, not {response.text}: use "
        "scale='link' and transform means and ends of intervals back yourself."
    )
