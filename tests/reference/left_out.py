"""Gaussian mixed-model files of the reference laboratory the tests do not use, and why.

`extract.py` fails if such a file is neither here nor among the kept fits.
"""

_IDS_BY_REASON = {
    "quantities derived from fits (some are in gold_inference.json.gz)": """
        anova_lrt dharma_sleep emmeans influence krmodcomp predict
        profile_dyestuff profile_dyestuff2 profile_penicillin
        profile_sleep rlrsim
    """,
    "smooth terms": """
        gam_smooths
    """,
    "Gaussian with log link: a generalized model": """
        gaussian_log_sleep lme4new_gaussian_log_sleep
        tmb_sleep_gaussian_log
    """,
    "tables of inference, in gold_inference.json.gz": """
        infer_bodyweight infer_cake_rr infer_cake_temp infer_ergostool
        infer_machines_slope infer_oats_factor infer_oats_split
        infer_oats_unbal infer_ortho_sexage infer_penicillin
        infer_sleep_int infer_sleep_int_unbal infer_sleep_slope
        infer_sleep_slope_unbal infer_sleep_uncorr
    """,
    "compound symmetry: not an us or diag structure": """
        lme4new_machines_cs_hom_ml lme4new_machines_cs_hom_reml
        lme4new_machines_cs_ml lme4new_machines_cs_reml lme4new_oats_cs_ml
        lme4new_oats_cs_reml lme4new_sleep_cs_ml lme4new_sleep_cs_reml
        nlme_machines_pdcs_ml nlme_machines_pdcs_reml tmb_ortho_cs_disp0
        tmb_ortho_cs_disp0_reml tmbnew_ortho_homcs_disp0
    """,
    "one variance for several effects: not a heterogeneous diag": """
        lme4new_machines_diag_hom_ml lme4new_machines_diag_hom_reml
        lme4new_sleep_diag_hom_ml lme4new_sleep_diag_hom_reml
    """,
    "autoregressive structure": """
        lme4new_sleep_ar1_ml lme4new_sleep_ar1_reml tmb_ortho_ar1_disp0
        tmb_ortho_ar1_disp0_reml tmb_ortho_ar1_resid
    """,
    "structured residuals (corStruct or varFunc)": """
        nlme_bw_corgaus_ml nlme_bw_corgaus_reml nlme_bw_exp_ml
        nlme_bw_exp_reml nlme_bw_varexp_ml nlme_bw_varexp_reml
        nlme_bw_varpower_ml nlme_bw_varpower_reml nlme_bw_varpower_time_ml
        nlme_bw_varpower_time_reml nlme_dialyzer_varpower_reml
        nlme_ortho_sexident_comb_ml nlme_ortho_sexident_comb_reml
        nlme_ovary_car1_ml nlme_ovary_car1_reml
    """,
    "gls: no random effects, structured residuals": """
        nlme_dialyzer_gls_reml nlme_ortho_gls_ar1_het_ml
        nlme_ortho_gls_ar1_het_reml nlme_ortho_gls_ar1_ml
        nlme_ortho_gls_ar1_reml nlme_ortho_gls_cs_ml
        nlme_ortho_gls_cs_reml nlme_ortho_gls_symm_ml
        nlme_ortho_gls_symm_reml nlme_ovary_gls_ar1_ml
        nlme_ovary_gls_ar1_reml
    """,
    "Ornstein-Uhlenbeck or exponential structure over coordinates": """
        tmb_bodyweight_ou tmb_bodyweight_ou_disp0 tmb_nin_exp
    """,
    "a formula for the residual variance": """
        tmb_fam_gauss_disp tmb_sleep_disp_days tmb_sleep_disp_days_reml
        tmbnew_fam_gauss_disp
    """,
    "dispformula ~0: no residual variance, fixed near zero": """
        tmb_ortho_diag_disp0 tmbnew_ortho_homdiag_disp0
    """,
    "Toeplitz structure": """
        tmb_ortho_toep_disp0 tmb_ortho_toep_disp0_reml
        tmbnew_ortho_homtoep_disp0 tmbnew_ortho_toep_disp0
        tmbnew_ortho_toep_disp0_reml
    """,
}

LEFT_OUT = {
    name: reason for reason, ids in _IDS_BY_REASON.items() for name in ids.split()
}
