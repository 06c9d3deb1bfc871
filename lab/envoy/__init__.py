"""Tests several servers behind the real Envoy: `make lab-envoy`."""
