"""Random input, for the server and for the core.

`make lab-fuzz` sends random calls to a server with little memory. `make lab-fuzz-core` uses Atheris, which searches for
options, PCM and file headers that reach new code. Both print what repeats a failure: a seed, or the file with the input.
"""
