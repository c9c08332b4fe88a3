"""Likelihood-ratio tests, of fixed effects and of variances."""
