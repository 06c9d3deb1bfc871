"""What the server says about itself: log, metrics, spans, and the record of each call."""
