"""The audiowriter server: the gRPC service around audiowriter_core."""
