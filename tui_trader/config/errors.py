"""What is said when a configuration can't be used."""


class ConfigError(Exception):
    """A configuration mistake. The message says what, where, and how to mend it; exit code 2."""
