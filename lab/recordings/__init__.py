"""A recording of two hours whose speakers have clocks of their own."""
