"""Version 1 of the contract, generated from audio_writer.proto by `make generate`."""
