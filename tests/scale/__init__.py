"""Several servers behind the real Envoy: `make scale`."""
