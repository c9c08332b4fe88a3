"""Copy what the tests need out of the reference laboratory.

Usage: ``python extract.py REFERENCE_FOLDER``, where the folder holds ``gold/``,
``data/`` and ``truth/data/``. It writes

* ``gold_lmm.json.gz``: the linear mixed models of R (lme4, glmmTMB, nlme) that the
  formula language covers, with the fields the tests compare,
* ``data/*.csv.gz`` and ``data/schema.json``: data only the tests use,
* the data of ``statsmodels_mixed.datasets``, in the same format.

The gold files were written by gold_lmm.R, gold_lme4new.R, gold_tmb.R, gold_tmb_new.R
and gold_nlme.R, the data by export_data.R. Numbers keep all 17 digits.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

from left_out import LEFT_OUT

HERE = Path(__file__).resolve().parent
PACKAGE_DATA = HERE.parents[1] / "statsmodels_mixed" / "datasets" / "data"

# name of the data set -> file; those without a schema of their own follow below
SHIPPED = {
    "arabidopsis": "data/Arabidopsis.csv",
    "bodyweight": "data/BodyWeight.csv",
    "cake": "data/cake.csv",
    "cbpp": "data/cbpp.csv",
    "chem97": "data/Chem97.csv",
    "contraception": "data/Contraception.csv",
    "culcita": "truth/data/culcitalogreg.csv",
    "dyestuff": "data/Dyestuff.csv",
    "dyestuff2": "data/Dyestuff2.csv",
    "epil": "data/epil.csv",
    "ergostool": "data/ergoStool.csv",
    "exam": "data/Exam.csv",
    "grouseticks": "data/grouseticks.csv",
    "guimmun": "data/guImmun.csv",
    "hsb82": "data/Hsb82.csv",
    "insteval": "data/InstEval.csv.gz",
    "machines": "data/Machines.csv",
    "oats": "data/Oats.csv",
    "orthodont": "data/Orthodont.csv",
    "owls": "data/Owls.csv",
    "pastes": "data/Pastes.csv",
    "penicillin": "data/Penicillin.csv",
    "pixel": "data/Pixel.csv",
    "rail": "data/Rail.csv",
    "salamander_mating": "truth/data/salamander.csv",
    "salamanders": "data/Salamanders.csv",
    "schizophrenia": "truth/data/schizophrenia.csv",
    "scotssec": "data/ScotsSec.csv",
    "seeds": "data/agridat_crowder.seeds.csv",
    "sleepstudy": "data/sleepstudy.csv",
    "toenail": "data/HSAUR3_toenail.csv",
    "verbagg": "data/VerbAgg.csv",
}
TESTS_ONLY = {
    "bacteria": "data/bacteria.csv",
    "bdf": "data/bdf.csv",
    "crowder_seeds": "data/agridat_crowder.seeds.csv",
    "dietox": "data/dietox.csv",
    "egsingle": "data/egsingle.csv",
    "epil2": "data/epil2.csv",
    "families": "data/derived_families.csv",
    "faraway_penicillin": "data/faraway_penicillin.csv",
    "hessianfly": "data/agridat_gotway.hessianfly.csv",
    "ohio": "data/ohio.csv",
    "ovary": "data/Ovary.csv",
    "s3bb1": "data/derived_s3bb1.csv",
}
NUMERIC = "numeric"  # levels are integers in increasing order
NO_SCHEMA = {
    "culcita": {
        "block": NUMERIC,
        "ttt_1": [
            "No Symbionts",
            "Pair of Shrimp",
            "Pair of Crabs",
            "Pair of Shrimp and Crabs",
        ],
        "crab": ["C-", "C+"],
        "shrimp": ["S-", "S+"],
        "ttt2": ["a", "b", "c", "d"],
        "crab2": ["n", "y"],
        "shrimp2": ["n", "y"],
    },
    "salamander_mating": {
        "Season": ["Summer", "Fall"],
        "TypeM": ["R", "W"],
        "TypeF": ["R", "W"],
        "Cross": ["RR", "RW", "WR", "WW"],
        "Male": NUMERIC,
        "Female": NUMERIC,
    },
    "schizophrenia": {},
    "seeds": {
        "plate": [f"P{i}" for i in range(1, 22)],
        "gen": ["O75", "O73"],
        "extract": ["bean", "cucumber"],
    },
    "families": {},
    "s3bb1": {},
}

# What R's formula says with functions or names that Python reads otherwise.
FORMULAS = {
    # R's poly() as two columns made by the loader: the same basis, so REML agrees
    "sleep_poly2": "Reaction ~ poly1 + poly2 + (Days + I(Days**2) | Subject)",
    # R gives an ordered factor polynomial contrasts, patsy treatment contrasts
    "cake_rr": "angle ~ recipe * C(temperature, Poly) + (1 | recipe:replicate)",
}
RENAMED = {
    "sleep_poly2": {"poly(Days, 2)": "poly"},
    "cake_rr": {
        f"temperature{short}": f"C(temperature, Poly){long}"
        for short, long in {
            ".L": ".Linear",
            ".Q": ".Quadratic",
            ".C": ".Cubic",
            "^4": "^4",
            "^5": "^5",
        }.items()
    },
}
NLME_RANDOM = {
    "nlme_bw_slope": "(Time | Rat)",
    "nlme_machines_nested": "(1 | Worker/Machine)",
    "nlme_ortho_diag": "(age || Subject)",
    "nlme_ortho_slope": "(age | Subject)",
    "nlme_ovary_diag": "(np.sin(2 * np.pi * Time) || Mare)",
    "nlme_ovary_int": "(1 | Mare)",
}
# columns or rows the loader derives, by the name of its function there
DERIVED = {
    "arabidopsis_log": {"derive": "factor_nutrient_and_rack"},
    "sleep_missing": {"derive": "three_responses_missing"},
    "sleep_offset": {"derive": "offset_five_days", "offset": "off"},
    "sleep_poly2": {"derive": "orthogonal_polynomial_of_days"},
    "sleep_weights": {"derive": "weights_of_four_kinds", "weights": "w"},
}

GAUSSIAN_KINDS = {"lmm", "lme", "gls", "lmm_inference"}


def concerns_lmm(gold):
    """Whether a gold file is about a Gaussian mixed model at all."""
    return (
        gold["id"] in LEFT_OUT
        or gold.get("kind") in GAUSSIAN_KINDS
        or gold.get("family") == "gaussian"
    )


def stem(name):
    """Return the id of a fit without its criterion."""
    return re.sub(r"_(re)?ml$", "", name)


def unpack(theta, size):
    """Return L L' for theta, the lower triangle of L column by column."""
    factor, rest = [[0.0] * size for _ in range(size)], iter(theta)
    for column in range(size):
        for row in range(column, size):
            factor[row][column] = next(rest)
    return [
        [sum(a * b for a, b in zip(x, y, strict=True)) for y in factor] for x in factor
    ]


def blocks_of(gold):
    """Return the covariance blocks: group, effects and their covariance matrix.

    lme4 1.1 writes a second term of a group as ``Subject.1``, nlme calls the inner
    group of ``Worker/Machine`` only ``Machine``.
    """
    table = gold.get("reStruct") or gold["varcorr"]
    table = table.get("cond", table)
    inner = {"Machine": "Worker:Machine"} if "nested" in gold["id"] else {}
    for group, entry in table.items():
        group = re.sub(r"\.\d+$", "", group)
        if gold["kind"] == "lme":
            group = inner.get(group, group)
        yield group, entry["names"], entry["cov"]


def relative_covariances(gold):
    """Return each block's covariance divided by sigma squared.

    From theta where lme4 1.1 stored it (Newton-polished), else from the covariance;
    at an optimum the criterion feels an error in them only to second order.
    """
    theta, sigma2 = iter(gold.get("theta") or ()), gold["sigma"] ** 2
    for group, effects, cov in blocks_of(gold):
        size = len(effects)
        if gold["kind"] == "lmm":
            relative = unpack(
                [next(theta) for _ in range(size * (size + 1) // 2)], size
            )
        else:
            relative = [[value / sigma2 for value in row] for row in cov]
        yield {"group": group, "effects": effects, "cov": relative}


def varcorr_rows(gold):
    """Return rows (group, effect, effect2, vcov, sdcor), the residual last."""
    rows = []
    for group, effects, cov in blocks_of(gold):
        sds = [cov[i][i] ** 0.5 for i in range(len(effects))]
        rows += [[group, e, None, s * s, s] for e, s in zip(effects, sds, strict=True)]
        for i, first in enumerate(effects):
            for j in range(i + 1, len(effects)):
                scale = sds[i] * sds[j]
                correlation = cov[i][j] / scale if scale else None
                rows.append([group, first, effects[j], cov[i][j], correlation])
    return [*rows, ["Residual", None, None, gold["sigma"] ** 2, gold["sigma"]]]


def random_effects(gold, keep=20):
    """Return per group the first and last levels with their effects."""
    result = {}
    for group, entry in gold["ranef"].get("cond", gold["ranef"]).items():
        levels, values = entry["levels"], entry["b"]
        if gold["kind"] == "lme" and "/" in levels[0]:
            group, levels = (
                f"Worker:{group}",
                [level.replace("/", ":") for level in levels],
            )
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


def python_formula(gold):
    """Return the formula for Python, bars and all."""
    formula = FORMULAS.get(stem(gold["id"]), gold["formula_py"])
    if gold["kind"] == "lme":
        formula += " + " + NLME_RANDOM[stem(gold["id"])]
    # a keyword of Python cannot be a variable there
    return re.sub(r"^yield\b", 'Q("yield")', formula)


def record(gold, names):
    """Return the fields the tests use."""
    renamed = RENAMED.get(stem(gold["id"]), {})

    fixef = gold["fixef"].get("cond", gold["fixef"])

    def coefficients(table):
        if isinstance(table, dict):
            table = table.get("cond", table)
        if not isinstance(table, dict):  # R drops the name of a single one
            table = dict.fromkeys(fixef, table)
        result = {}
        for name, value in table.items():
            for old, new in renamed.items():
                name = name.replace(old, new)
            result[name] = value
        return result

    # None only where R had nothing to say (lme4 2.1 has no theta names)
    return {
        "id": gold["id"],
        "package": gold["package"],
        "formula_r": gold["formula"],
        "formula": python_formula(gold),
        "data": names[gold["data"]],
        "derive": None,
        "weights": None,
        "offset": None,
        **DERIVED.get(stem(gold["id"]), {}),
        "reml": gold["REML"],
        "nobs": gold["nobs"],
        "criterion": gold.get("criterion", -2 * gold["logLik"]),
        "theta": gold.get("theta"),
        "theta_names": gold.get("theta_names"),
        "covariances": list(relative_covariances(gold)),
        "fixef": coefficients(fixef),
        "se": coefficients(gold["se"]),
        "sigma": gold["sigma"],
        "varcorr": varcorr_rows(gold),
        "ranef": random_effects(gold),
        "fitted": gold["fitted"]["first"],
        "singular": gold.get("isSingular"),
    }


def write_gz(path, text):
    """Write text compressed, the same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def compact_levels(levels):
    """Return ``"numeric"`` for integers in order, else the list."""
    levels = [str(level) for level in levels]
    plain = all(re.fullmatch(r"0|[1-9]\d*", level) for level in levels)
    return NUMERIC if plain and levels == sorted(levels, key=int) else levels


def factors(name, file, schema):
    """Return {column: {levels, ordered}} of one data set."""
    if name in NO_SCHEMA:
        found = {column: (levels, False) for column, levels in NO_SCHEMA[name].items()}
    else:
        found = {
            column.replace(".", "_"): (
                compact_levels(info["levels"]),
                info["type"] == "ordered",
            )
            for column, info in schema[Path(file).name]["columns"].items()
            if info["type"] in ("factor", "ordered")
        }
    return {c: {"levels": lev, "ordered": o} for c, (lev, o) in found.items()}


def write_tables(root, files, target):
    """Write each data set compressed, dots in column names as underscores."""
    entries = json.loads((root / "data" / "schema.json").read_text()).values()
    schema = {entry["file"]: entry for entry in entries}
    compact = {name: factors(name, file, schema) for name, file in files.items()}
    for name, file in files.items():
        raw = (root / file).read_bytes()
        raw = gzip.decompress(raw) if file.endswith(".gz") else raw
        header, rest = raw.decode().split("\n", 1)
        text = header.replace(".", "_").replace('"', "") + "\n" + rest
        write_gz(target / f"{name}.csv.gz", text)
    text = json.dumps(compact, separators=(",", ":"), ensure_ascii=False)
    (target / "schema.json").write_text(text.replace('},"', '},\n"') + "\n")


def main(root):
    """Write everything; fail if a Gaussian fit is neither kept nor left out."""
    names = {file: name for name, file in (SHIPPED | TESTS_ONLY).items()}
    golds = [json.loads(p.read_text()) for p in sorted((root / "gold").glob("*.json"))]
    golds = [gold for gold in golds if concerns_lmm(gold)]
    kept = [record(g, names) for g in golds if g["id"] not in LEFT_OUT]
    unknown = set(LEFT_OUT) - {gold["id"] for gold in golds}
    assert not unknown, f"left out, but not there: {sorted(unknown)}"
    lines = ",\n".join(json.dumps(r, separators=(",", ":")) for r in kept)
    write_gz(HERE / "gold_lmm.json.gz", f"[\n{lines}\n]\n")
    write_tables(root, SHIPPED, PACKAGE_DATA)
    write_tables(root, TESTS_ONLY, HERE / "data")
    print(f"{len(kept)} fits kept, {len(LEFT_OUT)} files left out")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
