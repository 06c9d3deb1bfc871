"""Each distribution and each extra, installed alone."""
