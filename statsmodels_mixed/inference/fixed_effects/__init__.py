"""Tests of fixed effects: covariances and degrees of freedom."""
