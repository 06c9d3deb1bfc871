"""The server process: settings, start, drain, workers, and the server embedded in another process."""
