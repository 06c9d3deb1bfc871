"""Judges that we did not write. `make lab-reference-decoders` runs them; plain `make test` does not."""
