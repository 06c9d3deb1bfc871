"""The subcommands of `audiowriter`."""
