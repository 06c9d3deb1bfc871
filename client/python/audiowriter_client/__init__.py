"""Client library and command for the audiowriter service."""
