"""Counts, proportions and ordered classes, from ecology and medicine."""

from __future__ import annotations

from ._table import dataset

salamanders = dataset(
    name="salamanders",
    title="Salamanders in streams near mountaintop mines",
    rows=644,
    endog="count",
    text="""
        Counts of salamanders of several species and life stages, sampled four times at
        each of 23 sites in streams, some of them affected by mountaintop removal coal
        mining.""",
    columns={
        "site": "site (23 levels, ordered)",
        "mined": "whether the site was affected by mining: yes or no",
        "cover": "amount of cover objects in the stream (scaled)",
        "sample": "number of the sample at the site: 1 to 4",
        "DOP": "days since precipitation (scaled)",
        "Wtemp": "water temperature (scaled)",
        "DOY": "day of the year (scaled)",
        "spp": "species, abbreviated, possibly with life stage (7 levels)",
        "count": "number of salamanders observed",
    },
    source="""
        S. J. Price, B. L. Muncy, S. J. Bonner, A. N. Drayer and C. D. Barton (2016).
        Effects of mountaintop removal mining and valley filling on the occupancy and
        abundance of stream salamanders. Journal of Applied Ecology 53, 459-468.""",
    package="glmmTMB",
)

owls = dataset(
    name="owls",
    title="Begging of owl nestlings",
    rows=599,
    endog="SiblingNegotiation",
    text="""
        Calls of barn owl nestlings before a parent arrives, by food treatment and by
        the sex of the parent that arrived, in 27 nests.""",
    columns={
        "Nest": "nest (27 levels)",
        "FoodTreatment": "Deprived or Satiated",
        "SexParent": "sex of the parent: Female or Male",
        "ArrivalTime": "arrival time of the parent (hours; beyond 24 the next morning)",
        "SiblingNegotiation": "number of calls of all nestlings in the interval",
        "BroodSize": "number of nestlings",
        "NegPerChick": "calls per nestling",
        "logBroodSize": "natural logarithm of BroodSize",
    },
    source="""
        A. Roulin and L.-F. Bersier (2007). Nestling barn owls beg more intensely in
        the presence of their mother than in the presence of their father. Animal
        Behaviour 74, 1099-1106. A. F. Zuur et al. (2009). Mixed Effects Models and
        Extensions in Ecology with R. New York: Springer.""",
    package="glmmTMB",
)

epil = dataset(
    name="epil",
    title="Seizure counts of epileptics",
    rows=236,
    endog="y",
    text="""
        Seizure counts of 59 epileptics in four periods of two weeks, in a trial of
        progabide against placebo.""",
    columns={
        "y": "number of seizures in the two weeks",
        "trt": "treatment: placebo or progabide",
        "base": "number of seizures in the 8 weeks of the baseline",
        "age": "age (years)",
        "V4": "1 in period 4, else 0",
        "subject": "number of the subject: 1 to 59",
        "period": "period: 1 to 4",
        "lbase": "logarithm of base, centred",
        "lage": "logarithm of age, centred",
    },
    source="""
        P. F. Thall and S. C. Vail (1990). Some covariance models for longitudinal
        count data with overdispersion. Biometrics 46, 657-671.""",
    package="MASS",
)

toenail = dataset(
    name="toenail",
    title="Treatments of toenail infection",
    rows=1908,
    endog="outcome",
    text="""
        A randomized trial of two oral treatments of toenail infection, with up to
        seven visits of 294 patients over about a year.""",
    columns={
        "patientID": "patient (294 levels)",
        "outcome": "separation of the nail plate from the nail bed: none or mild, or "
        "moderate or severe",
        "treatment": "itraconazole or terbinafine",
        "time": "time of the visit (months)",
        "visit": "number of the visit: 1 to 7",
    },
    source="""
        M. De Backer, C. De Vroey, E. Lesaffre, I. Scheys and P. De Keyser (1998).
        Twelve weeks of continuous oral therapy for toenail onychomycosis caused by
        dermatophytes: a double-blind comparative trial of terbinafine 250 mg/day
        versus itraconazole 200 mg/day. Journal of the American Academy of Dermatology
        38, 57-63. E. Lesaffre and B. Spiessens (2001). On the effect of the number of
        quadrature points in a logistic random effects model: an example. Applied
        Statistics 50, 325-335.""",
    package="HSAUR3",
)

salamander_mating = dataset(
    name="salamander_mating",
    title="Mating of two populations of salamanders",
    rows=360,
    endog="Mate",
    text="""
        Whether pairs of salamanders from two populations (R: Rough Butt, W: Whiteside)
        mated, in three experiments with 20 males and 20 females each. Males and
        females are crossed.""",
    columns={
        "Season": "Summer or Fall",
        "Experiment": "experiment: 1, 2 or 3",
        "TypeM": "population of the male: R or W",
        "TypeF": "population of the female: R or W",
        "Cross": "both populations: RR, RW, WR or WW",
        "Male": "male (60 levels: those of each experiment are apart)",
        "Female": "female (60 levels: those of each experiment are apart)",
        "Mate": "1 if the pair mated, else 0",
    },
    source="""
        P. McCullagh and J. A. Nelder (1989). Generalized Linear Models, 2nd ed.
        London: Chapman and Hall, section 14.5.""",
)

schizophrenia = dataset(
    name="schizophrenia",
    title="Severity of schizophrenia under treatment",
    rows=1603,
    endog="imps79o",
    text="""
        Severity of illness of 437 patients of the NIMH Schizophrenia Collaborative
        Study, rated up to week 6 of treatment with placebo or a drug.""",
    columns={
        "id": "number of the patient (437 different)",
        "imps79": "severity of illness, item 79 of the Inpatient Multidimensional "
        "Psychiatric Scale, from 1 to 7",
        "imps79b": "imps79 in two classes: 0 or 1",
        "imps79o": "imps79 in four ordered classes: 1 to 4",
        "int": "constant 1",
        "TxDrug": "treatment: 0 (placebo) or 1 (drug)",
        "Week": "week: 0 to 6",
        "SqrtWeek": "square root of Week (four decimals)",
        "TxSWeek": "TxDrug times SqrtWeek",
    },
    source="""
        D. Hedeker and R. D. Gibbons (2006). Longitudinal Data Analysis. Hoboken:
        Wiley.""",
)

seeds = dataset(
    name="seeds",
    title="Germination of Orobanche seeds",
    rows=21,
    endog="germ",
    text="""
        Numbers of seeds that germinated among those brushed onto each of 21 plates, in
        a two by two factorial of the seed (Orobanche aegyptiaca 75 or 73) and the
        extract of roots on the plate. In a formula write ``cbind(germ, n - germ)``.""",
    columns={
        "plate": "plate (21 levels)",
        "gen": "genotype of the seed: O75 or O73",
        "extract": "extract of roots: bean or cucumber",
        "germ": "number of seeds that germinated",
        "n": "number of seeds",
    },
    source="""
        M. J. Crowder (1978). Beta-binomial anova for proportions. Applied Statistics
        27, 34-37. N. E. Breslow and D. G. Clayton (1993). Approximate inference in
        generalized linear mixed models. Journal of the American Statistical
        Association 88, 9-25.""",
    package="agridat",
)

culcita = dataset(
    name="culcita",
    title="Defence of corals against a sea star",
    rows=80,
    endog="predation",
    text="""
        Whether corals were attacked by the sea star Culcita, with no symbionts, with
        shrimp, with crabs or with both, in a randomized block experiment with two
        corals per treatment and block. The outcome is nearly separated by the
        treatment.""",
    columns={
        "block": "block (10 levels)",
        "ttt": "treatment as a number: 1 to 4",
        "predation": "1 if the coral was attacked, else 0",
        "ttt_1": "treatment: No Symbionts, Pair of Shrimp, Pair of Crabs, or Pair of "
        "Shrimp and Crabs",
        "crab": "crabs present: C- or C+",
        "shrimp": "shrimp present: S- or S+",
        "ttt2": "treatment as a letter: a to d",
        "crab2": "crabs present: n or y",
        "shrimp2": "shrimp present: n or y",
    },
    source="""
        C. S. McKeon, A. C. Stier, S. E. McIlroy and B. M. Bolker (2012). Multiple
        defender effects: synergistic coral defense by mutualist crustaceans. Oecologia
        169, 1095-1103.""",
)
