"""Data sets of the R package lme4."""

from __future__ import annotations

from ._table import dataset

_DAVIES = """
    O. L. Davies and P. L. Goldsmith, eds. (1972). Statistical Methods in Research and
    Production, 4th ed. Edinburgh: Oliver and Boyd"""

sleepstudy = dataset(
    name="sleepstudy",
    title="Reaction times in a sleep deprivation study",
    rows=180,
    endog="Reaction",
    text="""
        Average reaction time per day of the 18 subjects in the most sleep-deprived
        group (3 hours in bed each night) during the first 10 days of the study, up to
        the recovery period. Days 0 and 1 were adaptation and training, day 2 was the
        baseline; sleep deprivation started after day 2.""",
    columns={
        "Reaction": "average reaction time (ms)",
        "Days": "day of the study, 0 to 9",
        "Subject": "subject (18 levels)",
    },
    source="""
        G. Belenky, N. J. Wesensten, D. R. Thorne, M. L. Thomas, H. C. Sing, D. P.
        Redmond, M. B. Russo and T. J. Balkin (2003). Patterns of performance
        degradation and restoration during sleep restriction and subsequent recovery: a
        sleep dose-response study. Journal of Sleep Research 12, 1-12.""",
    package="lme4",
)

dyestuff = dataset(
    name="dyestuff",
    title="Yield of dyestuff by batch",
    rows=30,
    endog="Yield",
    text="""
        Yield of dyestuff (Naphthalene Black 12B) in 5 preparations from each of 6
        batches of an intermediate product (H-acid). Balanced one-way layout.""",
    columns={
        "Batch": "batch of the intermediate product (6 levels)",
        "Yield": "yield of dyestuff (grams of standard colour)",
    },
    source=_DAVIES + ", section 6.4.",
    package="lme4",
)

dyestuff2 = dataset(
    name="dyestuff2",
    title="Simulated yield of dyestuff by batch",
    rows=30,
    endog="Yield",
    text="""
        Simulated data in the layout of `dyestuff`, with a residual variance that is
        large against the variance between batches: the estimated variance of the
        batches is exactly zero.""",
    columns={"Batch": "batch (6 levels)", "Yield": "simulated yield"},
    source="""
        G. E. P. Box and G. C. Tiao (1973). Bayesian Inference in Statistical Analysis.
        Reading: Addison-Wesley, section 5.1.2.""",
    package="lme4",
)

penicillin = dataset(
    name="penicillin",
    title="Variation in penicillin testing",
    rows=144,
    endog="diameter",
    text="""
        Six samples of penicillin were tested with the B. subtilis plate method on each
        of 24 plates. Completely crossed, one observation per cell.""",
    columns={
        "diameter": "diameter of the zone of inhibition of growth (mm)",
        "plate": "assay plate (24 levels)",
        "sample": "penicillin sample (6 levels)",
    },
    source=_DAVIES + ", section 6.6.",
    package="lme4",
)

pastes = dataset(
    name="pastes",
    title="Strength of a chemical paste by batch and cask",
    rows=60,
    endog="strength",
    text="""
        Strength of a chemical paste product. Three casks were sampled from each of ten
        delivery batches, and two analytical tests carried out on each of the 30
        samples. Casks are nested in batches.""",
    columns={
        "strength": "paste strength",
        "batch": "delivery batch (10 levels)",
        "cask": "cask within the batch (3 levels)",
        "sample": "the sample, that is batch and cask (30 levels)",
    },
    source=_DAVIES + ".",
    package="lme4",
)

insteval = dataset(
    name="insteval",
    title="Lecture evaluations by students at ETH Zurich",
    rows=73421,
    endog="y",
    text="""
        Ratings of lectures by the students who attended them, anonymised. Students and
        instructors are partially crossed.""",
    columns={
        "s": "student (2972 levels)",
        "d": "instructor (1128 levels)",
        "studage": "semesters the student has been enrolled, ordered: 2 < 4 < 6 < 8",
        "lectage": "how many semesters back the lecture was given, ordered: "
        "1 < ... < 6",
        "service": "1 if the lecture is held for a department other than the "
        "instructor's main one, else 0",
        "dept": "department of the lecture, coded at random (14 levels)",
        "y": "rating, from 1 (poor) to 5 (very good)",
    },
    source="Data set InstEval of the R package lme4.",
    package="lme4",
)

cake = dataset(
    name="cake",
    title="Breakage angle of chocolate cakes",
    rows=270,
    endog="angle",
    text="""
        Breakage angle of chocolate cakes made with three recipes and baked at six
        temperatures. A split-plot design: recipes are applied to whole units, the
        temperatures to sub-units within replicates.""",
    columns={
        "replicate": "replicate (15 levels)",
        "recipe": "recipe: A, B or C",
        "temperature": "baking temperature (degrees F), ordered: 175 < 185 < ... < 225",
        "angle": "angle at which the cake broke",
        "temp": "baking temperature as a number (degrees F)",
    },
    source="""
        F. E. Cook (1938). Chocolate cake, I. Optimum baking temperature. Master's
        thesis, Iowa State College. W. G. Cochran and G. M. Cox (1957). Experimental
        Designs, 2nd ed. New York: Wiley.""",
    package="lme4",
)

cbpp = dataset(
    name="cbpp",
    title="Contagious bovine pleuropneumonia",
    rows=56,
    endog="incidence",
    text="""
        Within-herd incidence of contagious bovine pleuropneumonia during a follow-up
        of 15 zebu herds in the Ethiopian highlands.""",
    columns={
        "herd": "herd (15 levels)",
        "incidence": "number of new serological cases in the herd and period",
        "size": "size of the herd at the beginning of the period",
        "period": "time period: 1, 2, 3 or 4",
    },
    source="""
        M. Lesnoff, G. Laval, P. Bonnet, S. Abdicho, A. Workalemahu, D. Kifle, A.
        Peyraud, R. Lancelot and F. Thiaucourt (2004). Within-herd spread of contagious
        bovine pleuropneumonia in Ethiopian highlands. Preventive Veterinary Medicine
        64, 27-40.""",
    package="lme4",
)

verbagg = dataset(
    name="verbagg",
    title="Verbal aggression item responses",
    rows=7584,
    endog="r2",
    text="""
        Answers of 316 persons to 24 items of a questionnaire on verbal aggression. An
        item combines a situation, a behaviour, and whether one would want to or would
        actually do it. Persons and items are crossed.""",
    columns={
        "Anger": "trait anger score of the person",
        "Gender": "gender of the person: F or M",
        "item": "item (24 levels)",
        "resp": "response, ordered: no < perhaps < yes",
        "id": "person (316 levels)",
        "btype": "behaviour: curse, scold or shout",
        "situ": "situation, who is to blame: other or self",
        "mode": "want (to do it) or do (it)",
        "r2": "response as two classes: N (no) or Y (perhaps or yes)",
    },
    source="""
        P. De Boeck and M. Wilson, eds. (2004). Explanatory Item Response Models. New
        York: Springer. Data of K. Vansteelandt (2000).""",
    package="lme4",
)

grouseticks = dataset(
    name="grouseticks",
    title="Ticks on red grouse chicks",
    rows=403,
    endog="TICKS",
    text="""
        Number of ticks on the heads of red grouse chicks sampled in the field; chicks
        are nested in broods, broods in locations.""",
    columns={
        "INDEX": "chick, one level per row (403 levels)",
        "TICKS": "number of ticks sampled",
        "BROOD": "brood (118 levels)",
        "HEIGHT": "height above sea level (m)",
        "YEAR": "year: 95, 96 or 97",
        "LOCATION": "geographic location (63 levels)",
        "cHEIGHT": "HEIGHT, centred (m)",
    },
    source="""
        D. A. Elston, R. Moss, T. Boulinier, C. Arrowsmith and X. Lambin (2001).
        Analysis of aggregation, a worked example: numbers of ticks on red grouse
        chicks. Parasitology 122, 563-569.""",
    package="lme4",
)

arabidopsis = dataset(
    name="arabidopsis",
    title="Fruits of Arabidopsis after clipping and fertilization",
    rows=625,
    endog="total_fruits",
    text="""
        Fruit set of plants of Arabidopsis thaliana under simulated herbivory and two
        levels of nutrients, from genotypes of nine populations in three regions.""",
    columns={
        "reg": "region: NL (Netherlands), SP (Spain) or SW (Sweden)",
        "popu": "population (9 levels)",
        "gen": "genotype (24 different numbers)",
        "rack": "greenhouse rack: 1 or 2",
        "nutrient": "nutrient level: 1 (minimal) or 8 (added)",
        "amd": "apical meristem damage: clipped or unclipped",
        "status": "germination method: Normal, Petri.Plate or Transplant",
        "total_fruits": "number of fruits of the plant",
    },
    source="""
        J. A. Banta, M. H. H. Stevens and M. Pigliucci (2010). A comprehensive test of
        the 'limiting resources' framework applied to plant tolerance to apical
        meristem damage. Oikos 119, 359-369.""",
    package="lme4",
)
