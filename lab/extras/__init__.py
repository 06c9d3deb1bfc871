"""Tests each distribution and each extra, installed alone."""
