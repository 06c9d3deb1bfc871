"""Runs the examples and the parts of the client that need packages of their own, against real programs."""
