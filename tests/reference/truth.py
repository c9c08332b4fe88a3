"""Values that follow from closed forms of balanced designs, by rational arithmetic.

No package defines them. Copied from lmm_exact.txt of the reference laboratory. Per fit:
data set, formula, criterion (reml), its value (deviance: -2 log-likelihood, or the REML
criterion), the fixed effects and standard errors, residual variance, and the covariance
of the random effects by (group, effect, effect), as far as known.
"""

EXACT = {
    "dyestuff_reml": {
        "data": "dyestuff",
        "formula": "Yield ~ 1 + (1 | Batch)",
        "reml": True,
        "deviance": 319.654276842257,
        "fixef": {"Intercept": 1527.5},
        "se": {"Intercept": 19.383412152319},
        "sigma2": 2451.25,
        "vcov": {("Batch", "Intercept", "Intercept"): 1764.05},
    },
    "dyestuff_ml": {
        "data": "dyestuff",
        "formula": "Yield ~ 1 + (1 | Batch)",
        "reml": False,
        "deviance": 327.327059881135,
        "fixef": {"Intercept": 1527.5},
        "se": {},
        "sigma2": 2451.25,
        "vcov": {("Batch", "Intercept", "Intercept"): 1388.33333333333},
    },
    # on the boundary: the variance of the batches is zero, not small
    "dyestuff2_reml": {
        "data": "dyestuff2",
        "formula": "Yield ~ 1 + (1 | Batch)",
        "reml": True,
        "deviance": 161.828277812288,
        "fixef": {"Intercept": 5.6656},
        "se": {"Intercept": 0.678388031232524},
        "sigma2": 13.8063096275862,
        "vcov": {("Batch", "Intercept", "Intercept"): 0.0},
    },
    "dyestuff2_ml": {
        "data": "dyestuff2",
        "formula": "Yield ~ 1 + (1 | Batch)",
        "reml": False,
        "deviance": 162.873036653826,
        "fixef": {"Intercept": 5.6656},
        "se": {},
        "sigma2": 13.3460993066667,
        "vcov": {("Batch", "Intercept", "Intercept"): 0.0},
    },
    "penicillin_reml": {
        "data": "penicillin",
        "formula": "diameter ~ 1 + (1 | plate) + (1 | sample)",
        "reml": True,
        "deviance": 330.860588991086,
        "fixef": {"Intercept": 22.9722222222222},
        "se": {"Intercept": 0.808573390985487},
        "sigma2": 0.302415458937198,
        "vcov": {
            ("plate", "Intercept", "Intercept"): 0.716908212560386,
            ("sample", "Intercept", "Intercept"): 3.73091787439614,
        },
    },
    "pastes_reml": {
        "data": "pastes",
        "formula": "strength ~ 1 + (1 | batch/cask)",
        "reml": True,
        "deviance": 246.990745853486,
        "fixef": {"Intercept": 60.0533333333333},
        "se": {"Intercept": 0.676870066127727},
        "sigma2": 0.678,
        "vcov": {
            ("batch", "Intercept", "Intercept"): 1.65730864197531,
            ("cask:batch", "Intercept", "Intercept"): 8.43366666666667,
        },
    },
    "sleepstudy_reml": {
        "data": "sleepstudy",
        "formula": "Reaction ~ Days + (Days | Subject)",
        "reml": True,
        "deviance": 1743.62827195849,
        "fixef": {"Intercept": 251.405104848485, "Days": 10.467285959596},
        "se": {"Intercept": 6.82455653206907, "Days": 1.54578889629473},
        "sigma2": 654.941027072299,
        "vcov": {
            ("Subject", "Intercept", "Intercept"): 612.089938662525,
            ("Subject", "Days", "Days"): 35.0716604983174,
            ("Subject", "Intercept", "Days"): 9.60433331674409,
        },
    },
    "sleepstudy_ml": {
        "data": "sleepstudy",
        "formula": "Reaction ~ Days + (Days | Subject)",
        "reml": False,
        "deviance": 1751.9393444632,
        "fixef": {"Intercept": 251.405104848485, "Days": 10.467285959596},
        "se": {"Intercept": 6.63227680702451, "Days": 1.50223678231343},
        "sigma2": 654.941027072299,
        "vcov": {
            ("Subject", "Intercept", "Intercept"): 565.515366803119,
            ("Subject", "Days", "Days"): 32.6821971864093,
            ("Subject", "Intercept", "Days"): 11.0554290225986,
        },
    },
    # split-plot: variances by analysis of variance
    "cake_reml": {
        "data": "cake",
        "formula": "angle ~ recipe * C(temperature) + (1 | recipe:replicate)",
        "reml": True,
        "deviance": None,
        "fixef": {},
        "se": {},
        "sigma2": 20.4708994708995,
        "vcov": {("recipe:replicate", "Intercept", "Intercept"): 41.837037037037},
    },
}

# F statistics and degrees of freedom of the cake split-plot, for small-sample tests
CAKE_F = {
    "recipe": (0.24878878707208, 2, 42),
    "temperature": (20.5198604290514, 5, 210),
    "recipe:temperature": (1.00619798397519, 10, 210),
}
# t statistic of Days in sleepstudy by REML, and its exact degrees of freedom
SLEEPSTUDY_T_DAYS = (6.77148476398437, 17)
# F statistics of the one-way layouts
ONE_WAY_F = {"dyestuff": 4.59826619071902, "dyestuff2": 0.557767117455491}
