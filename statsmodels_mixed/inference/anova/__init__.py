"""Tests of terms of a formula, and models without them."""
