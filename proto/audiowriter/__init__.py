"""audiowriter: the gRPC contract."""
