"""The exit codes of ``alliance``. Wrong command lines leave with click's own code, which is 2."""

FINE = 0
CANNOT_WRITE = 1
"""Could not write, something unexpected in the environment, or a bug."""
BAD_FILE = 3
SOME_FAILED = 4
"""Some runs of a sweep failed; the others are stored."""
INTERRUPTED = 130
"""Ctrl-C; what was complete is kept."""
