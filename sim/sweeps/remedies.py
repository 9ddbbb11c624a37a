"""What to do first when the system refuses to write. Nothing heavy is imported: every command has it at hand."""

from __future__ import annotations

import errno

_FULL = "free some space"
_NO_LOCKS = "copy it to a disk on which files can be locked"
REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "allow larger files (`ulimit -f unlimited`)",
    errno.EMFILE: "allow more open files (`ulimit -n 256`)",
    errno.ENOLCK: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
    errno.EIO: "check the disk",
    errno.EISDIR: "remove what stands in its place",
}
"""By the number of the error."""
