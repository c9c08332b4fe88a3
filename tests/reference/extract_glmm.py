"""Copy the generalized mixed models the tests need out of the reference laboratory.

Usage: ``python extract_glmm.py REFERENCE_FOLDER`` after ``extract.py``, which writes
the data. It writes ``gold_glmm.json.gz``: the fits of lme4, glmmTMB and GLMMadaptive
that the package covers, with the fields the tests compare.

The gold files were written by gold_glmm.R, gold_lme4new.R, gold_tmb.R, gold_tmb_new.R
and gold_glmmadaptive.R. Numbers keep all 17 digits.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

import left_out
from extract import HERE, SHIPPED, TESTS_ONLY, blocks_of, concerns_lmm, write_gz
from left_out_glmm import LEFT_OUT

FAMILIES = {
    "binomial": "binomial",
    "poisson": "poisson",
    "Gamma": "gamma",
    "gaussian": "gaussian",
    "nbinom2": "negative_binomial",
    "negative binomial": "negative_binomial",
}
# columns the loader derives, by the name of its function there, and special columns
DERIVED = {
    "cbpp_olre": {"derive": "number_of_row"},
    "cbpp_prop_agq1": {"n_trials": "size"},
    "contraception_cross": {"derive": "any_living_children"},
    "epil_weights": {"derive": "weights_one_two_three", "weights": "w"},
    "glmma_contraception_slope_agq15": {"derive": "any_living_children"},
    "glmma_contraception_slope_agq5": {"derive": "any_living_children"},
}
# What R's formula says otherwise: the response as 0/1 where it is a factor here,
# and arithmetic, which here stands in I()
FORMULAS = {
    "cbpp_prop_agq1": "I(incidence / size) ~ period + (1 | herd)",
    **{
        f"glmma_contraception_slope_agq{k}": "use ~ age * ch + I(age**2) + urban"
        for k in (5, 15)
    },
}


def concerns_glmm(gold):
    """Whether a gold file is about a generalized mixed model."""
    log_link = "Gaussian with log link: a generalized model"
    return not concerns_lmm(gold) or left_out.LEFT_OUT.get(gold["id"]) == log_link


def python_formula(gold):
    """Return the formula for Python, bars and all."""
    if gold["kind"] != "glmmadaptive":
        return FORMULAS.get(gold["id"], gold["formula_py"])
    fixed = FORMULAS.get(gold["id"], gold["fixed"])
    return f"{fixed} + ({gold['random'].removeprefix('~')})"


def covariances(gold):
    """Return each block: group, effects and their covariance matrix."""
    if gold["kind"] == "glmmadaptive":
        group = gold["random"].split("|")[1].strip()
        blocks = [(group, gold["D_names"], gold["D"])]
    else:
        blocks = blocks_of(gold)
    return [{"group": g, "effects": e, "cov": cov} for g, e, cov in blocks]


def dispersion(gold):
    """Return phi or alpha, None for a family without.

    glmmTMB's sigma is the standard deviation of a Gaussian response, the coefficient of
    variation of Gamma and 1/alpha of the negative binomial; GLMMadaptive's phi is the
    logarithm of 1/alpha, and of the shape of Gamma.
    """
    family = FAMILIES[gold["family"]]
    if family in ("binomial", "poisson"):
        return None
    if gold["kind"] == "glmmadaptive":
        return math.exp(-gold["phis"]["phi_1"])
    sigma = gold["sigma"]
    return 1 / sigma if family == "negative_binomial" else sigma**2


def random_effects(gold, keep=20):
    """Return per group the first and last levels with their effects."""
    if gold["kind"] == "glmmadaptive":
        groups = {gold["random"].split("|")[1].strip(): gold["post_modes"]}
    else:
        groups = gold["ranef"].get("cond", gold["ranef"])
    result = {}
    for group, entry in groups.items():
        levels, values = entry["levels"], entry["b"]
        if len(levels) > 3 * keep:
            levels = levels[:keep] + levels[-keep:]
            values = values[:keep] + values[-keep:]
        result[group] = {
            "nlevels": entry["nlevels"],
            "levels": levels,
            "effects": entry["cols"],
            "b": values,
        }
    return result


def record(gold, names):
    """Return the fields the tests use."""

    def coefficients(table):
        return table.get("cond", table)

    link = gold["link"]
    # lme4's scale of the log-likelihood with nAGQ > 1, see NOTES.md, fact 3
    saturated = gold["kind"] == "glmm" and gold["nAGQ"] > 1
    return {
        "id": gold["id"],
        "package": gold["package"],
        "formula_r": gold.get("formula") or gold["call"],
        "formula": re.sub(r"I\((\w+)\^", r"I(\1**", python_formula(gold)),
        "data": names[gold["data"]],
        "derive": None,
        "weights": None,
        "n_trials": None,
        **DERIVED.get(gold["id"], {}),
        "family": FAMILIES[gold["family"]],
        "link": link,
        "nagq": 1 if gold.get("nAGQ") is None else gold["nAGQ"],
        "loglik": gold["logLik"],
        "loglik_without_saturated": saturated,
        "fixef": coefficients(gold["fixef"]),
        "se": coefficients(gold["se"]),
        "dispersion": dispersion(gold),
        "covariances": covariances(gold),
        "ranef": random_effects(gold),
        "fitted": gold["fitted"]["first"] if "fitted" in gold else None,
        "deviance": gold.get("deviance"),
    }


def main(root):
    """Write everything; fail if a fit is neither kept nor left out."""
    names = {file: name for name, file in (SHIPPED | TESTS_ONLY).items()}
    golds = [json.loads(p.read_text()) for p in sorted((root / "gold").glob("*.json"))]
    golds = [gold for gold in golds if concerns_glmm(gold)]
    kept = [record(g, names) for g in golds if g["id"] not in LEFT_OUT]
    unknown = set(LEFT_OUT) - {gold["id"] for gold in golds}
    assert not unknown, f"left out, but not there: {sorted(unknown)}"
    lines = ",\n".join(json.dumps(r, separators=(",", ":")) for r in kept)
    write_gz(HERE / "gold_glmm.json.gz", f"[\n{lines}\n]\n")
    print(f"{len(kept)} fits kept, {len(LEFT_OUT)} files left out")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
