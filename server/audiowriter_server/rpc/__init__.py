"""The gRPC service around the core: methods, authentication, admission, and conversion between messages and the core."""
