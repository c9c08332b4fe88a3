"""Data sets of the R package mlmRev: pupils in schools, women in districts."""

from __future__ import annotations

from ._table import dataset

chem97 = dataset(
    name="chem97",
    title="Scores on A-level chemistry in 1997",
    rows=31022,
    endog="score",
    text="""
        Results of the A-level examination in chemistry of 31,022 students in 2,410
        schools of 131 local education authorities.""",
    columns={
        "lea": "local education authority (131 levels)",
        "school": "school (2410 levels)",
        "student": "student, one level per row (31022 levels)",
        "score": "point score on A-level chemistry in 1997",
        "gender": "M or F",
        "age": "age in months, centred at 222 months (18.5 years)",
        "gcsescore": "average GCSE score",
        "gcsecnt": "average GCSE score, centred at its mean",
    },
    source="""
        A. Fielding, M. Yang and H. Goldstein (2003). Multilevel ordinal models for
        examination grades. Statistical Modelling 3, 127-153.""",
    package="mlmRev",
)

contraception = dataset(
    name="contraception",
    title="Contraceptive use in Bangladesh",
    rows=1934,
    endog="use",
    text="""
        Use of contraception by women in urban and rural areas of 60 districts, a
        subsample of the Bangladesh Fertility Survey.""",
    columns={
        "woman": "woman, one level per row (1934 levels)",
        "district": "district (60 levels)",
        "use": "contraceptive use at the time of the survey: N or Y",
        "livch": "number of living children: 0, 1, 2 or 3+",
        "age": "age at the time of the survey (years), centred",
        "urban": "type of region: N (rural) or Y (urban)",
    },
    source="""
        N. M. Huq and J. Cleland (1990). Bangladesh Fertility Survey 1989. Dhaka:
        National Institute of Population Research and Training.""",
    package="mlmRev",
)

exam = dataset(
    name="exam",
    title="Exam scores from inner London",
    rows=4059,
    endog="normexam",
    text="""
        Examination scores of 4,059 students in 65 schools in inner London.""",
    columns={
        "school": "school (65 levels)",
        "normexam": "exam score, normalized",
        "schgend": "gender of the school: mixed, boys or girls",
        "schavg": "average intake score of the school",
        "vr": "verbal reasoning band: bottom 25%, mid 50% or top 25%",
        "intake": "band of the intake score: bottom 25%, mid 50% or top 25%",
        "standLRT": "score on the London reading test, standardized",
        "sex": "F or M",
        "type": "type of school: Mxd or Sngl",
        "student": "student within the school (650 levels)",
    },
    source="""
        H. Goldstein, J. Rasbash, M. Yang, G. Woodhouse, H. Pan, D. Nuttall and S.
        Thomas (1993). A multilevel analysis of school examination results. Oxford
        Review of Education 19, 425-433.""",
    package="mlmRev",
)

guimmun = dataset(
    name="guimmun",
    title="Immunization of children in Guatemala",
    rows=2159,
    endog="immun",
    text="""
        Whether children who received at least one immunization received the full set;
        the children of 1,595 mothers in 161 communities.""",
    columns={
        "kid": "child, one level per row (2159 levels)",
        "mom": "mother (1595 levels)",
        "comm": "community (161 levels)",
        "immun": "fully immunized: N or Y",
        "kid2p": "child is 2 years or older: N or Y",
        "mom25p": "mother is 25 years or older: N or Y",
        "ord": "birth order: 01 (first), 23, 46 or 7p (seven and more)",
        "ethn": "ethnicity: L (Ladino), N (indigenous, no Spanish) or "
        "S (indigenous, Spanish)",
        "momEd": "mother's education: N (none), P (primary) or S (secondary)",
        "husEd": "husband's education: N, P, S or U (unknown)",
        "momWork": "mother ever worked outside the home: N or Y",
        "rural": "the community is rural: N or Y",
        "pcInd81": "proportion of indigenous people in the community, 1981",
    },
    source="""
        A. R. Pebley, N. Goldman and G. Rodriguez (1996). Prenatal and delivery care
        and childhood immunization in Guatemala: do family and community matter?
        Demography 33, 231-247. G. Rodriguez and N. Goldman (2001). Improved estimation
        procedures for multilevel models with binary response: a case-study. Journal of
        the Royal Statistical Society A 164, 339-355.""",
    package="mlmRev",
)

hsb82 = dataset(
    name="hsb82",
    title="High School and Beyond, 1982",
    rows=7185,
    endog="mAch",
    text="""
        Mathematics achievement and socio-economic status of 7,185 students in 160
        schools.""",
    columns={
        "school": "school (160 levels, ordered)",
        "minrty": "member of a minority: No or Yes",
        "sx": "Male or Female",
        "ses": "socio-economic status",
        "mAch": "mathematics achievement score",
        "meanses": "mean of ses in the school",
        "sector": "Public or Catholic",
        "cses": "ses minus meanses",
    },
    source="""
        S. W. Raudenbush and A. S. Bryk (2002). Hierarchical Linear Models:
        Applications and Data Analysis Methods, 2nd ed. Newbury Park: Sage.""",
    package="mlmRev",
)

scotssec = dataset(
    name="scotssec",
    title="Attainment in Scottish secondary schools",
    rows=3435,
    endog="attain",
    text="""
        Scores of 3,435 pupils of 19 Scottish secondary schools on a test at age 16;
        they had come from 148 primary schools. Primary and secondary schools are
        crossed.""",
    columns={
        "verbal": "verbal reasoning score on entry to secondary school",
        "attain": "attainment score at age 16",
        "primary": "primary school (148 levels)",
        "sex": "M or F",
        "social": "social class, from low to high",
        "second": "secondary school (19 levels)",
    },
    source="""
        L. Paterson (1991). Socio-economic status and educational attainment: a
        multi-dimensional and multi-level study. Evaluation and Research in Education
        5, 97-121.""",
    package="mlmRev",
)
