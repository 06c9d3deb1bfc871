"""Judges that we did not write. `make interop` runs them; plain `make test` does not."""
