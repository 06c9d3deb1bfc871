"""What goes wrong in the field, done on purpose to a real server. `make lab-faults` runs all and prints a table."""
