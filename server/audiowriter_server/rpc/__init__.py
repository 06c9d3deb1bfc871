"""gRPC around the core: the service, its authentication and admission, and the mapping between messages and the core."""
