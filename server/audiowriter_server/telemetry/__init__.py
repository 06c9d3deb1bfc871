"""Telemetry: log, metrics, spans, and the record of each call from which they are made."""
