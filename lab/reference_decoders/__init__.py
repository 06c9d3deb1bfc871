"""Files checked by third-party decoders. `make lab-reference-decoders` runs the checks; plain `make test` does not."""
