"""The audit: locked packages and Go code, looked up in databases of known vulnerabilities."""
