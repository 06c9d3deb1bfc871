"""The audiowriter service."""
