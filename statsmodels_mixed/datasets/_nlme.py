"""Data sets of the R package nlme; see Pinheiro and Bates (2000)."""

from __future__ import annotations

from ._table import dataset

_BOOK = """
    J. C. Pinheiro and D. M. Bates (2000). Mixed-Effects Models in S and S-PLUS. New
    York: Springer."""

machines = dataset(
    name="machines",
    title="Productivity scores of workers and machines",
    rows=54,
    endog="score",
    text="""
        Three brands of machines used in an industrial process were compared. Six
        workers, chosen at random among the employees of a factory, operated each
        machine three times.""",
    columns={
        "Worker": "worker (6 levels, ordered)",
        "Machine": "brand of machine: A, B or C",
        "score": "productivity score, from number and quality of components produced",
    },
    source="""
        G. A. Milliken and D. E. Johnson (1992). Analysis of Messy Data, volume 1:
        Designed Experiments. London: Chapman and Hall, p. 285."""
    + _BOOK,
    package="nlme",
)

orthodont = dataset(
    name="orthodont",
    title="Growth curves of an orthodontic measurement",
    rows=108,
    endog="distance",
    text="""
        Investigators at the University of North Carolina Dental School followed the
        growth of 27 children (16 boys, 11 girls) from age 8 to age 14. Every two years
        they measured the distance between the pituitary and the pterygomaxillary
        fissure on x-ray images of the skull.""",
    columns={
        "distance": "distance from the pituitary to the pterygomaxillary fissure (mm)",
        "age": "age (years): 8, 10, 12 or 14",
        "Subject": "child (27 levels, ordered)",
        "Sex": "Male or Female",
    },
    source="""
        R. F. Potthoff and S. N. Roy (1964). A generalized multivariate analysis of
        variance model useful especially for growth curve problems. Biometrika 51,
        313-326."""
    + _BOOK,
    package="nlme",
)

oats = dataset(
    name="oats",
    title="Split-plot experiment on varieties of oats",
    rows=72,
    endog="yield",
    text="""
        Three varieties of oats and four concentrations of nitrogen in six blocks. Each
        block has three whole plots, one for each variety, of four subplots, one for
        each concentration. In a formula write ``Q("yield")``: yield is a keyword of
        Python.""",
    columns={
        "Block": "block (6 levels, ordered)",
        "Variety": "variety: Golden Rain, Marvellous or Victory",
        "nitro": "nitrogen concentration (cwt/acre): 0, 0.2, 0.4 or 0.6",
        "yield": "yield (bushels/acre)",
    },
    source="""
        F. Yates (1935). Complex experiments. Supplement to the Journal of the Royal
        Statistical Society 2, 181-247."""
    + _BOOK,
    package="nlme",
)

ergostool = dataset(
    name="ergostool",
    title="Effort to arise from four types of stools",
    rows=36,
    endog="effort",
    text="""
        Each of nine subjects got up from each of four types of stools. A randomized
        block design with the subjects as blocks.""",
    columns={
        "effort": "effort to arise from the stool (Borg scale)",
        "Type": "type of stool: T1, T2, T3 or T4",
        "Subject": "subject (9 levels, ordered)",
    },
    source="""
        J. L. Devore (2000). Probability and Statistics for Engineering and the
        Sciences, 5th ed. Boston: Duxbury. Data of Wretenberg et al. (1993)."""
    + _BOOK,
    package="nlme",
)

rail = dataset(
    name="rail",
    title="Travel time of ultrasonic waves in railway rails",
    rows=18,
    endog="travel",
    text="""
        Six rails, chosen at random, were tested three times each by measuring the time
        a certain type of ultrasonic wave takes to travel their length. Balanced
        one-way classification.""",
    columns={
        "Rail": "rail (6 levels, ordered)",
        "travel": "travel time minus 36,100 (nanoseconds)",
    },
    source="""
        J. L. Devore (2000). Probability and Statistics for Engineering and the
        Sciences, 5th ed. Boston: Duxbury, example 10.10."""
    + _BOOK,
    package="nlme",
)

pixel = dataset(
    name="pixel",
    title="Pixel intensities of lymph nodes over time",
    rows=102,
    endog="pixel",
    text="""
        Mean pixel intensity of the right and the left lymph node in the axillary
        region, from CT scans of 10 dogs over 14 days after intravenous application of
        a contrast.""",
    columns={
        "Dog": "dog (10 levels)",
        "Side": "side: L (left) or R (right)",
        "day": "days since the injection of the contrast",
        "pixel": "mean pixel intensity",
    },
    source=_BOOK,
    package="nlme",
)

bodyweight = dataset(
    name="bodyweight",
    title="Weight of rats on three diets",
    rows=176,
    endog="weight",
    text="""
        Body weights of rats on three different diets, measured on day 1 and every
        seven days until day 64, with an extra measurement on day 44. The experiment
        started several weeks before day 1.""",
    columns={
        "weight": "body weight (g)",
        "Time": "time of the measurement (days)",
        "Rat": "rat (16 levels, ordered)",
        "Diet": "diet: 1, 2 or 3",
    },
    source="""
        D. Hand and M. Crowder (1996). Practical Longitudinal Data Analysis. London:
        Chapman and Hall."""
    + _BOOK,
    package="nlme",
)
