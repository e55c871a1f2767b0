"""Files whole at every moment, whatever is in the way; folders that are claimed."""

import errno
import multiprocessing
import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from nbhelpers import files
from nbhelpers.files import claimed, write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has none of these")


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


@posix
@pytest.mark.parametrize("before", [None, 0o600, 0o444, 0o660])
@pytest.mark.parametrize("mask", [0o022, 0o077, 0])
def test_permissions_stay_or_are_what_the_umask_says(old, before, mask, monkeypatch):
    fsync, seen = os.fsync, []

    def look(handle):
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        fsync(handle)

    old.unlink() if before is None else old.chmod(before)
    wanted = 0o666 & ~mask if before is None else before
    mask = os.umask(mask)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", look)
            patch.delattr(os, "umask")  # other threads would see it change
            write_whole(old, b"new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(old.stat().st_mode) == wanted and old.read_bytes() == b"new"
    assert not seen[0] & 0o077 & ~wanted  # nor could others read it a moment before


@posix
def test_links_are_followed(old):
    (old.parent / "link").symlink_to("file")
    (old.parent / "chain").symlink_to("link")
    (old.parent / "to nothing").symlink_to("made")
    write_whole(old.parent / "chain", b"new")
    write_whole(old.parent / "to nothing", b"first")
    assert old.read_bytes() == b"new" and not old.is_symlink()
    assert (old.parent / "made").read_bytes() == b"first"
    for name in ("link", "chain", "to nothing"):
        assert (old.parent / name).is_symlink()


@posix
def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        before = path.stat()
        with pytest.raises(OSError, match=f"{path} was not saved.* folder or a device"):
            write_whole(path, b"new")
        assert (path.stat().st_mode, path.stat().st_ino) == before[:2]


@pytest.mark.parametrize("name", ["n" * 255, "\u00e9" * 127, ".hidden", "a b"])
def test_every_name_will_do(tmp_path, name):
    write_whole(tmp_path / name, b"new")
    assert os.listdir(tmp_path) == [name]


KILLED = """
import sys
from nbhelpers.files import write_whole
k = 0
while True:
    k = k % 255 + 1
    write_whole(sys.argv[1], bytes([k]) * 2_000_000)
    print(k, flush=True)
"""


@posix
@pytest.mark.parametrize("kill", range(12))
def test_killed_at_any_moment_the_file_is_whole(old, kill):
    line = [sys.executable, "-c", KILLED, str(old)]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as child:
        for _ in range(complete := 1 + kill % 3):
            child.stdout.readline()
        time.sleep(0.0037 * kill)
        child.kill()
    content = old.read_bytes()
    assert len(content) == 2_000_000 and len(set(content)) == 1
    assert content[0] >= complete


def test_what_a_killed_process_left_is_swept(old):
    old.with_name(".file.new").write_bytes(b"half of it")
    write_whole(old, b"new")
    assert os.listdir(old.parent) == ["file"] and old.read_bytes() == b"new"


@posix
def test_the_folder_is_synced_when_the_file_has_its_name(old, monkeypatch):
    def look(handle):
        seen.append((stat.S_ISDIR(os.fstat(handle).st_mode), old.read_bytes()))

    seen = []
    monkeypatch.setattr(os, "fsync", look)
    write_whole(old, b"new")
    assert seen == [(False, b"old"), (True, b"new")]


@pytest.mark.parametrize("where", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize("there", [True, False])
def test_a_failure_leaves_the_old_file_or_none(old, monkeypatch, where, there):
    def full(*parts):
        raise OSError(errno.ENOSPC, "No space left on device")

    if not there:
        old.unlink()
    monkeypatch.setattr(os, where, full)
    if where == "chmod" and not there:
        return
    words = "was not saved, the old file stays: No" if there else "was not saved: No"
    with pytest.raises(OSError, match=words) as error:
        write_whole(old, b"new")
    assert error.value.errno == errno.ENOSPC
    assert os.listdir(old.parent) == (["file"] if there else [])
    assert not there or old.read_bytes() == b"old"


def test_the_same_bytes_are_not_written_again(old):
    os.utime(old, ns=(5, 5))
    write_whole(old, b"old")
    assert old.stat().st_mtime_ns == 5


def no_locks(handle, how):
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.mark.parametrize("system", ["as it is", "no locks", "Windows"])
def test_writers_take_turns_and_readers_see_whole_files(old, monkeypatch, system):
    if system == "Windows":  # as far as it can be played
        monkeypatch.setattr(files, "fcntl", None)
    elif system == "no locks":
        monkeypatch.setattr(files.fcntl, "flock", no_locks)
    writers = 4 if system == "as it is" else 1
    contents = [bytes([k]) * 20_000 for k in range(writers)]
    old.write_bytes(contents[0])
    faults = []

    def write(content):
        try:
            for k in range(20):
                write_whole(old, content[: 20_000 - k])
        except OSError as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(c,)) for c in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen = old.read_bytes()
        assert len(set(seen)) == 1 and len(seen) > 19_000
    assert faults == [] and os.listdir(old.parent) == ["file"]


def claim(folder, taken):
    """Claim a folder and never let go."""
    with claimed(folder):
        taken.set()
        threading.Event().wait()


@posix
def test_a_folder_has_one_claim_which_ends_with_its_process(tmp_path):
    context = multiprocessing.get_context("spawn")
    taken = context.Event()
    other = context.Process(target=claim, args=(tmp_path, taken), daemon=True)
    other.start()
    assert taken.wait(60)
    with pytest.raises(BlockingIOError, match=f"another training is .*{tmp_path}"):
        with claimed(tmp_path):
            pass
    other.kill()
    other.join()
    (tmp_path / ".lock").write_text("of somebody")
    for _ in range(2):
        with claimed(tmp_path):
            assert (tmp_path / ".lock").read_text() == "of somebody"


@pytest.mark.parametrize("system", ["no locks", "Windows"])
def test_a_claim_without_locks_does_no_harm(tmp_path, monkeypatch, system):
    if system == "Windows":
        monkeypatch.setattr(files, "fcntl", None)
    else:
        monkeypatch.setattr(files.fcntl, "flock", no_locks)
    for _ in range(2):
        with claimed(tmp_path):
            pass
