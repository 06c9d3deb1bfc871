"""Runs the examples that need packages of their own, against real parts."""
