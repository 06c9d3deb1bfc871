"""Several servers behind the real Envoy: `make lab-envoy`."""
