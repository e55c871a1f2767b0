"""Files that are whole at every moment, folders that are claimed, output that may fail.

The supporting cast of `checkpoint` and the command: a kill, a full disk or a second
process at the worst moment leaves the old file or the new one, and nothing between.
"""

import errno
import io
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, which instead refuses to rename or remove an open file
    fcntl = None


def write_whole(path: str | Path, content: bytes):
    """Put the bytes into the file at once; OSError, naming it, if that fails.

    They go to a file beside it, which then takes its name. A link is followed, the
    permissions stay, and a file that has these bytes already is left alone.
    """
    mode = None
    try:
        path = Path(os.path.realpath(path))
        if path.exists():
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                raise OSError(errno.EINVAL, "it is a folder or a device")
            if path.read_bytes() == content:
                return
        with turn_in(path.parent):
            _replace(path, path.with_name(f".{path.name[:40]}.new"), content, mode)
    except OSError as error:
        stays = "" if mode is None else ", the old file stays"
        raise OSError(
            error.errno, f"{path} was not saved{stays}: {error.strerror}"
        ) from error


def _replace(path: Path, new: Path, content: bytes, mode: int | None):
    """Write the new file, with the permissions of the old, and let it take its name."""
    bits = 0o666 if mode is None else stat.S_IMODE(mode)  # less what the umask says

    def opener(name, flags):
        return os.open(name, flags, bits)

    new.unlink(missing_ok=True)  # what a killed process left
    try:
        with open(new, "xb", opener=opener) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(new, bits)
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


@contextmanager
def turn_in(folder: Path):
    """Wait for whoever else writes in the folder; at the end its disk has it all.

    The turn of a killed process ends with it.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network drives have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        with suppress(OSError):  # nor can every one be told to sync
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def claimed(folder: Path):
    """Keep the folder to this process; BlockingIOError where another has it.

    The claim is the lock of a file in it, `.lock`, and ends with the process.
    """
    path = Path(folder, ".lock")
    if fcntl is None:
        path.unlink(missing_ok=True)  # PermissionError while another has it open
    with open(path, "a") as file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            words = "another training is writing here"
            raise BlockingIOError(error.errno, words, str(folder)) from None
        except OSError:  # no locks
            pass
        yield


class Lasting:
    """A stream for messages; where it cannot be written to they are lost, no more."""

    def __init__(self, stream):
        self.stream = io.StringIO() if stream is None else stream  # None: was closed
        with suppress(AttributeError):
            self.stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text: str):
        with suppress(OSError):  # a pipe without reader, a full disk
            self.stream.write(text)
            self.stream.flush()  # so that Python finds nothing left to write at its end

    def flush(self):
        self.write("")
