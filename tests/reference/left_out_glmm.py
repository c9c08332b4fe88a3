"""Generalized-model files of the reference laboratory the tests do not use, and why.

`extract_glmm.py` fails if such a file is neither here nor among the kept fits.
"""

_IDS_BY_REASON = {
    "lme4 takes expected weights into the determinant at noncanonical links": """
        cbpp_cauchit cbpp_cloglog cbpp_probit contraception_cauchit
        contraception_cloglog contraception_probit nb_epil nb_grouseticks
        nb_salamanders salamanders_pois_sqrt
    """,
    "lme4 with an estimated dispersion: not maximum likelihood": """
        gamma_identity_sleep gamma_log_sleep gaussian_log_sleep
        invgauss_log_sleep lme4new_gaussian_log_sleep
        lme4new_invgauss_log_sleep
    """,
    "quantities derived from fits (some are in gold_inference.json.gz)": """
        dharma_grouseticks dharma_sal_pois dharma_sal_zinb2 profile_cbpp r2_glmm
    """,
    "penalised quasi-likelihood: another criterion, tested elsewhere": """
        pql_bacteria pql_epil
    """,
    "cumulative link model: ordinal response": """
        clmm_soup clmm_wine clmm_wine_agq10 clmm_wine_agq25 clmm_wine_agq5
        clmm_wine_cross clmm_wine_equi clmm_wine_loglog clmm_wine_probit
        clmm_wine_symm
    """,
    "beta-binomial family": """
        tmb_cbpp_betabinomial tmb_cbpp_betabinomial_nore tmb_seeds_betabin
        tmbnew_cbpp_betabinomial tmbnew_fam_betabinomial
    """,
    "beta family": """
        glmma_fam_beta_agq11 tmb_fam_beta tmb_fam_beta_probit tmbnew_fam_beta
        tmbnew_fam_beta_probit tmbnew_fam_ordbeta
    """,
    "negative binomial 1 or 12, generalized Poisson, Bell, Tweedie": """
        tmb_epil_genpois tmb_epil_nb1 tmb_fam_genpois tmb_fam_nb1
        tmb_fam_tweedie tmb_grouseticks_nb1 tmb_sal_genpois tmbnew_fam_bell
        tmbnew_fam_nb1 tmbnew_fam_tweedie tmbnew_sal_genpois
        tmbnew_sal_nbinom12
    """,
    "Student t or lognormal family": """
        glmma_fam_t_agq11 tmb_fam_t tmbnew_fam_lognormal tmbnew_fam_t
        tmbnew_sleep_lognormal
    """,
    "truncated family": """
        tmb_fam_truncgenpois tmb_fam_truncpois tmbnew_fam_truncgenpois
        tmbnew_fam_truncnb2 tmbnew_fam_truncpois
    """,
    "zero inflation or hurdle": """
        glmma_sal_zip_agq11 tmb_fam_ziGamma tmb_fam_zinb2 tmb_fam_zip
        tmb_owls_zinb1 tmb_owls_zinb2 tmb_owls_zip tmb_sal_hurdle_nb2
        tmb_sal_hurdle_pois tmb_sal_zinb1 tmb_sal_zinb2 tmb_sal_zip
        tmb_sal_zip1 tmb_sal_zip_full tmb_sal_zip_re
        tmbnew_fam_hurdle_lognormal tmbnew_fam_ziGamma tmbnew_fam_zinb2
        tmbnew_fam_zip tmbnew_owls_zinb1 tmbnew_owls_zinb2_disp
        tmbnew_sal_hurdle_nb1 tmbnew_sal_hurdle_pois tmbnew_sal_zinb1
        tmbnew_sal_zinb2
    """,
    "a formula for the dispersion": """
        tmb_dietox_gamma_disp tmb_fam_beta_disp tmb_owls_nb2_disp
        tmbnew_fam_beta_disp tmbnew_sal_nb2_disp
    """,
    "autoregressive, compound-symmetry, Toeplitz or reduced-rank structure": """
        lme4new_epil2_ar1 lme4new_epil2_cs tmb_epil2_pois_ar1
        tmb_epil2_pois_cs tmb_epil2_pois_toep tmb_sal_csspp tmb_sal_rr1
        tmb_sal_rr2 tmbnew_epil2_pois_ar1 tmbnew_epil2_pois_cs
        tmbnew_sal_rr1 tmbnew_sal_rr2
    """,
}

LEFT_OUT = {
    name: reason for reason, ids in _IDS_BY_REASON.items() for name in ids.split()
}
