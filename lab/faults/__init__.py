"""Faults from the field, caused on purpose to a real server. `make lab-faults` runs all of them and prints a table."""
