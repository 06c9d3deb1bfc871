"""Checks the options of a writer that concern neither the config nor the connection."""


def check_options(resume_timeout: object, spool_bytes: object, buffer_seconds: object) -> None:
    """Raise TypeError or ValueError if an option is not a number, or is negative. `buffer_seconds` may be None."""
    _check_seconds("resume_timeout", resume_timeout)
    if buffer_seconds is not None:
        _check_seconds("buffer_seconds", buffer_seconds)
    if not isinstance(spool_bytes, int) or isinstance(spool_bytes, bool):
        raise TypeError(f"spool_bytes: expected an integer, not {type(spool_bytes).__name__}")
    if spool_bytes < 0:
        raise ValueError(f"spool_bytes={spool_bytes}: expected a number of bytes, 0 or more")


def _check_seconds(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number of seconds, not {type(value).__name__}")
    if not value >= 0:  # also for NaN
        raise ValueError(f"{name}={value}: expected a number of seconds, 0 or more")
