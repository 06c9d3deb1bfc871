"""Search for the stream that delays other callers most: `make lab-search`.

A stream of 20 ms frames from one caller, the canary, runs beside streams of another caller, which sends as fast as the
server reads. The search starts with random configurations, and changes the worst ones a little, again and again. Two
things must be true beside every configuration that the server accepts: the canary receives the bytes that it would receive
alone, and 99 % of its frames come back within 50 ms after they were due.
"""
