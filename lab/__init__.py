"""What attacks, judges, loads and measures a running product. `make lab` lists the parts."""
