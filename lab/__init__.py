"""Harnesses that attack, check, load and measure a running product. `make lab` lists them."""
