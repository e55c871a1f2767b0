"""The data files are the genuine ones, broken files are named, toy sets are repeatable.

A longer run of the fuzz: FUZZ_EXAMPLES=20000 python -m pytest tests/test_datasets.py
"""

import contextlib
import gzip
import hashlib
import io
import math
import os
import re
import struct
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from nbhelpers.datasets import (
    DATA,
    LARGEST,
    circles,
    load_fashion_mnist,
    load_idx_folder,
    load_mnist,
    moons,
    read_idx,
    read_picture,
    spirals,
)

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", 200))
FILES = {  # SHA-256 and length of the decompressed bytes
    "mnist/train-images-idx3-ubyte.gz": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        47_040_016,
    ),
    "mnist/train-labels-idx1-ubyte.gz": (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        60_008,
    ),
    "mnist/t10k-images-idx3-ubyte.gz": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        7_840_016,
    ),
    "mnist/t10k-labels-idx1-ubyte.gz": (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        10_008,
    ),
    "fashion_mnist/train-images-idx3-ubyte.gz": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        47_040_016,
    ),
    "fashion_mnist/train-labels-idx1-ubyte.gz": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        60_008,
    ),
    "fashion_mnist/t10k-images-idx3-ubyte.gz": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        7_840_016,
    ),
    "fashion_mnist/t10k-labels-idx1-ubyte.gz": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        10_008,
    ),
}
PARTS = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


def idx(array, byteorder=">"):
    """The bytes of an IDX file."""
    header = struct.pack(f"{byteorder}I", 0x800 + array.ndim)
    header += struct.pack(f"{byteorder}{array.ndim}I", *array.shape)
    return header + array.tobytes()


def header(*shape):
    return struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape)


def flip(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def write_folder(folder, **changed):
    """A small data set of 4 x 5 images in three classes; None leaves a file out."""
    rng = np.random.default_rng(0)
    contents = [
        rng.integers(0, 256, (6, 4, 5), dtype=np.uint8),
        np.array([0, 1, 2, 0, 1, 2], np.uint8),
        rng.integers(0, 256, (2, 4, 5), dtype=np.uint8),
        np.array([2, 1], np.uint8),
    ]
    folder.mkdir(exist_ok=True)
    for name, array in zip(PARTS, contents, strict=True):
        array = changed.get(name.rsplit("-", 2)[0].replace("-", "_"), array)
        if array is not None:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array), 1))
    return folder


# ----------------------------------------------------------------- the real files


@pytest.mark.parametrize("name", FILES)
def test_file_is_the_genuine_one(name):
    content = gzip.decompress((DATA / name).read_bytes())
    assert (hashlib.sha256(content).hexdigest(), len(content)) == FILES[name]


def test_readme_lists_the_same_files():
    row = re.compile(r"^\| `(\S+)` \| ([\d,]+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)
    rows = row.findall((DATA / "README.md").read_text(encoding="utf-8"))
    listed = {name: (sha, int(size.replace(",", ""))) for name, size, sha in rows}
    assert listed == FILES
    there = {path.relative_to(DATA).as_posix() for path in DATA.glob("*/*")}
    assert there == set(FILES), "data/ holds a file that its README does not list"


DIGITS_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
DIGITS_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize(
    "load, train, test",
    [
        (load_mnist, DIGITS_TRAIN, DIGITS_TEST),
        (load_fashion_mnist, [6000] * 10, [1000] * 10),
    ],
)
def test_data_set(load, train, test):
    x_train, y_train, x_test, y_test = load()
    for x, y, counts in [(x_train, y_train, train), (x_test, y_test, test)]:
        assert x.shape == (sum(counts), 784) and x.dtype == np.float32
        assert x.flags.c_contiguous and x.flags.writeable
        assert x.min() == 0 and x.max() == 1
        assert y.shape == (sum(counts),) and y.dtype == np.int64
        assert np.bincount(y).tolist() == counts


def test_pixels_are_the_bytes_over_255():
    x_test = load_mnist()[2]
    raw = gzip.decompress((DATA / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())
    wanted = (np.frombuffer(raw, np.uint8, offset=16) / 255).astype(np.float32)
    assert np.array_equal(x_test.ravel(), wanted)


def test_loading_takes_little_more_memory_than_the_result():
    tracemalloc.start()
    data = load_fashion_mnist()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.3 * sum(array.nbytes for array in data)


# --------------------------------------------------------------- files of one's own


@settings(max_examples=100)
@given(
    npst.arrays(np.uint8, npst.array_shapes(max_dims=3, max_side=9)),
    st.booleans(),
)
def test_read_idx_returns_what_was_written(tmp_path_factory, array, zipped):
    path = tmp_path_factory.getbasetemp() / "round-trip"
    path.write_bytes(gzip.compress(idx(array), 1) if zipped else idx(array))
    read = read_idx(str(path))
    assert read.dtype == np.uint8 and read.shape == array.shape
    assert np.array_equal(read, array)
    assert read.flags.c_contiguous and read.flags.writeable


def test_read_idx_takes_the_formats_gzip_allows(tmp_path):
    array = np.arange(30, dtype=np.uint8).reshape(5, 6)
    content, path = idx(array), tmp_path / "several.gz"
    members = gzip.compress(content[:20]) + gzip.compress(content[20:])
    path.write_bytes(members + bytes(8))  # zeros may follow
    assert np.array_equal(read_idx(path), array)


def test_folder_of_ones_own(tmp_path):
    write_folder(tmp_path)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    images.with_suffix("").write_bytes(gzip.decompress(images.read_bytes()))
    images.unlink()  # a file without .gz does as well
    x_train, y_train, x_test, y_test = load_idx_folder(tmp_path)
    assert x_train.shape == (6, 20) and x_test.shape == (2, 20)
    assert y_train.tolist() == [0, 1, 2, 0, 1, 2] and y_test.tolist() == [2, 1]
    assert load_mnist(str(tmp_path))[0].shape == (6, 20)


# ---------------------------------------------------------- faults and their messages

GOOD = np.arange(36, dtype=np.uint8).reshape(4, 3, 3)
ZIPPED = gzip.compress(idx(GOOD), 0, mtime=0)  # stored, so that each byte is known
HTML = b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"
AGAIN = "get it again from its source (for this repository's own: git checkout data)"
PROMISE = "its header promises 4 x 3 x 3 = 36 bytes"

# What the file holds, and the message after its path.  "..." is gzip's own word.
FILE_FAULTS = {
    "empty": (b"", f"is empty; {AGAIN}"),
    "empty inside": (gzip.compress(b""), f"is empty; {AGAIN}"),
    "truncated": (
        ZIPPED[:40],
        f"is cut short: it ends after 40 bytes, amid its data; {AGAIN}",
    ),
    "truncated checksum": (
        ZIPPED[:-3],
        f"is cut short: it ends after {len(ZIPPED) - 3} bytes, amid its data; {AGAIN}",
    ),
    "not gzip": (
        HTML,
        "is not an IDX file of bytes, gzipped or bare: it begins with b'<!DO', "
        "expected 00 00 08 01 (labels) or 00 00 08 03 (images); perhaps a browser "
        f"saved a web page in its place; {AGAIN}",
    ),
    "web page, gzipped": (
        gzip.compress(HTML),
        "is not an IDX file of bytes, gzipped or bare: it begins with b'<!DO', ...; "
        f"{AGAIN}",
    ),
    "bit flipped in the data": (
        flip(ZIPPED, len(ZIPPED) // 2),
        f"is damaged (...); {AGAIN}",
    ),
    "bit flipped in the checksum": (
        flip(ZIPPED, len(ZIPPED) - 8),
        f"is damaged (CRC check failed ...); {AGAIN}",
    ),
    "bit flipped in gzip's length": (
        flip(ZIPPED, len(ZIPPED) - 4),
        f"is damaged (Incorrect length of data produced); {AGAIN}",
    ),
    "rubbish after the end": (
        ZIPPED + b"rubbish",
        f"is damaged (Not a gzipped file (b'ru')); {AGAIN}",
    ),
    "unknown compression": (
        ZIPPED[:2] + b"\7" + ZIPPED[3:],
        f"is damaged (Unknown compression method); {AGAIN}",
    ),
    "magic of zeros": (
        gzip.compress(bytes(50)),
        r"is not an IDX file of bytes, gzipped or bare: it begins with "
        rf"b'\x00\x00\x00\x00', ...; {AGAIN}",
    ),
    "another type": (
        gzip.compress(b"\0\0\x0d\3" + idx(GOOD)[4:]),
        r"is not an IDX file of bytes, gzipped or bare: it begins with "
        rf"b'\x00\x00\r\x03', ...; {AGAIN}",
    ),
    "four dimensions": (
        gzip.compress(idx(GOOD[None])),
        r"is not an IDX file of bytes, gzipped or bare: it begins with "
        rf"b'\x00\x00\x08\x04', ...; {AGAIN}",
    ),
    "little-endian": (
        gzip.compress(idx(GOOD, "<")),
        "is little-endian: it begins with 03 08 00 00, expected 00 00 08 03; every "
        f"number of its header must be byte-swapped; {AGAIN}",
    ),
    "little-endian, bare": (
        idx(GOOD, "<"),
        "is little-endian: it begins with 03 08 00 00, expected 00 00 08 03; every "
        f"number of its header must be byte-swapped; {AGAIN}",
    ),
    "header cut": (
        gzip.compress(idx(GOOD)[:15]),
        f"is cut short: it ends inside its header; {AGAIN}",
    ),
    "too short": (
        gzip.compress(idx(GOOD)[:-5]),
        f"is too short: {PROMISE}, it has 31; {AGAIN}",
    ),
    "too short, bare": (
        idx(GOOD)[:-5],
        f"is too short: {PROMISE}, it has 31; {AGAIN}",
    ),
    "too long": (
        gzip.compress(idx(GOOD) + b"x"),
        f"is too long: {PROMISE}, it has more; {AGAIN}",
    ),
    "too long, bare": (
        idx(GOOD) + b"x",
        f"is too long: {PROMISE}, it has more; {AGAIN}",
    ),
    "no images": (
        header(0, 28, 28),
        f"holds nothing: its header promises 0 x 28 x 28 = 0 bytes; {AGAIN}",
    ),
    "absurd sizes": (
        header(2**32 - 1, 2**32 - 1, 2**32 - 1),
        "cannot be right: its header promises 4294967295 x 4294967295 x 4294967295 = "
        f"{(2**32 - 1) ** 3:,} bytes, but no more than 16,512 are accepted from a file "
        f"of its length; {AGAIN}",
    ),
}


def assert_says(error, path, words):
    """The message is the path and the words, where "..." stands for anything."""
    pattern = ".*".join(re.escape(part) for part in words.split("..."))
    assert re.fullmatch(re.escape(f"{path} ") + pattern, str(error.value), re.DOTALL)


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_broken_file(tmp_path, fault):
    content, words = FILE_FAULTS[fault]
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        read_idx(path)
    assert_says(error, path, words)


def test_missing_file(tmp_path):
    path = tmp_path / "labels.gz"
    with pytest.raises(FileNotFoundError) as error:
        read_idx(path)
    assert_says(error, path, f"does not exist; {AGAIN}")


def test_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(IsADirectoryError) as error:
        read_idx(tmp_path)
    assert_says(error, tmp_path, "is a folder; give the path of a file in it")


LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8)
SWAPPED = "have the files of images and labels changed places?"

# What the folder holds, the file that is named first, and the rest of the message.
FOLDER_FAULTS = {
    "labels for images": (
        dict(train_images=LABELS),
        PARTS[0],
        "holds labels (magic number 0x801), not what its name says; " + SWAPPED,
    ),
    "images for labels": (
        dict(t10k_labels=GOOD),
        PARTS[3],
        "holds images (magic number 0x803), not what its name says; " + SWAPPED,
    ),
    "different counts": (
        dict(train_labels=LABELS[:5]),
        PARTS[0],
        "holds 6 images but ...train-labels-idx1-ubyte.gz 5 labels; both must come "
        "from one data set",
    ),
    "label above 9": (
        dict(train_labels=LABELS + np.uint8(8)),
        PARTS[1],
        f"must hold labels from 0 to 9, got 10 at row 2; {AGAIN}",
    ),
    "missing": (dict(t10k_images=None), PARTS[2], f"does not exist; {AGAIN}"),
}


@pytest.mark.parametrize("fault", FOLDER_FAULTS)
def test_broken_folder(tmp_path, fault):
    changed, name, words = FOLDER_FAULTS[fault]
    write_folder(tmp_path, **changed)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        load_mnist(tmp_path)
    assert_says(error, tmp_path / f"{name}.gz", words)


def test_label_that_training_never_showed(tmp_path):
    write_folder(tmp_path, t10k_labels=np.array([0, 7], np.uint8))
    with pytest.raises(ValueError, match="from 0 to 2, got 7 at row 1"):
        load_idx_folder(tmp_path)


def test_more_labels_than_the_ten_digits(tmp_path):
    write_folder(tmp_path, train_labels=np.array([0, 10, 2, 0, 1, 2], np.uint8))
    with pytest.raises(ValueError, match="from 0 to 9, got 10 at row 1"):
        load_mnist(tmp_path)


def test_images_of_two_sizes(tmp_path):
    write_folder(tmp_path, t10k_images=np.ones((2, 3, 3), np.uint8))
    with pytest.raises(ValueError) as error:
        load_idx_folder(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: training images have 20 pixels, test images 9; all four files "
        "must come from one data set"
    )


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        load_mnist(tmp_path / "none")
    words = "does not exist; give the folder of the four files, or let NBHELPERS_DATA "
    words += "name the folder `data` of a clone of the repository"
    assert_says(error, tmp_path / "none", words)


def test_file_in_place_of_the_folder(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(FileNotFoundError) as error:
        load_mnist(path)
    assert_says(error, path, "is a file, not a folder; give the folder of ...")


# -------------------------------------------------------------------- memory and fuzz


def deflated(start, zeros):
    """gzip of start and then so many zeros, made without holding them."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(start)]
    parts += [packer.compress(bytes(2**20)) for _ in range(zeros // 2**20)]
    return b"".join([*parts, packer.flush()])


def refusal(path, bound):
    """The message that path gets, having taken no more memory than bound."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError) as error:
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < bound
    finally:
        tracemalloc.stop()
    return str(error.value)


def test_bomb_is_not_decompressed_beyond_its_header(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(deflated(idx(GOOD), 2**28))  # 260 KB that would become 256 MB
    assert "is too long: its header promises 4 x 3 x 3" in refusal(path, 2**20)


def test_header_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "absurd.gz"
    path.write_bytes(deflated(header(2**31 - 1), 2**22))  # promises 2 GB
    assert "cannot be right: its header promises 2147483647" in refusal(path, 2**20)


def test_header_is_refused_in_a_file_that_could_hold_it(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(header(LARGEST + 1))
        file.truncate(8 + LARGEST + 1)  # a hole, no disk is taken
    assert f"no more than {LARGEST:,} are accepted" in refusal(path, 2**20)


@st.composite
def mutations(draw):
    """An IDX file, whole or with a few of its bytes changed, cut, doubled or added."""
    zipped = draw(st.booleans())
    content = bytearray(gzip.compress(idx(GOOD), mtime=0) if zipped else idx(GOOD))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(content)))
        new = draw(st.binary(max_size=8))
        how = draw(st.sampled_from(["flip", "set", "cut", "insert", "end"]))
        if how == "flip" and at < len(content):
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "set":
            content[at : at + len(new)] = new
        elif how == "cut":
            del content[at : at + draw(st.integers(1, 20))]
        elif how == "insert":
            content[at:at] = new
        elif how == "end":
            del content[at:]
    if draw(st.booleans()):  # damage that gzip's checksum cannot see
        content = gzip.compress(bytes(content), 1, mtime=0)
    return bytes(content)


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(mutations())
@example(b"\x1f")
@example(b"\x1f\x8b")
@example(header(2**32 - 1, 2**32 - 1, 0))
def test_mutated_file_is_read_right_or_refused(tmp_path, content):
    path = tmp_path / "mutated.gz"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        array = read_idx(path)
    except (ValueError, OSError) as error:
        assert str(error).startswith(f"{path} ")
    else:
        zipped = content.startswith(b"\x1f\x8b")
        assert idx(array) == (gzip.decompress(content) if zipped else content)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**20


# --------------------------------------------------------------------------- toy sets


def drawn(size=(4, 4), mode="L", kind="PNG", end=None, **options):
    """The bytes of a grey picture."""
    file = io.BytesIO()
    Image.new(mode, size, 51 if mode == "L" else None).save(file, kind, **options)
    return file.getvalue()[:end]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_picture(tmp_path, kind):
    (tmp_path / "a").write_bytes(drawn(kind=kind))
    x = read_picture(tmp_path / "a", 16)
    assert x.dtype == np.float32 and x.shape == (1, 16)
    assert (x == np.float32(0.2)).all()


NOT_PICTURES = {
    "shape": (drawn((2, 8)), "it has 2 x 8 pixels, not 4 x 4"),
    "size": (drawn((30, 20)), "it has 30 x 20 pixels, not 4 x 4"),
    "alpha": (drawn(mode="RGBA"), "it has transparent pixels; put it on a background"),
    "one colour": (drawn(transparency=51), "it has transparent pixels"),
    "depth": (drawn(mode="I;16"), "it has more than 8 bits a pixel; save it with 8"),
    "cut": (drawn(end=45), "truncated"),
    "cut JPEG": (drawn(end=300, kind="JPEG"), ""),
    "empty": (b"", "cannot identify image file"),
}


@pytest.mark.parametrize("what", NOT_PICTURES)
def test_picture_that_will_not_do(tmp_path, what):
    path, (content, message) = tmp_path / "a", NOT_PICTURES[what]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} cannot be used: .*{message}"):
        read_picture(path, 16)


def test_picture_of_no_square(tmp_path):
    (tmp_path / "a").write_bytes(drawn((2, 8)))
    (tmp_path / "b").write_bytes(drawn((2, 7)))
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "nothing", 15)
    with pytest.raises(ValueError, match="it has 2 x 7 pixels, not 15 in all"):
        read_picture(tmp_path / "b", 15)
    assert read_picture(tmp_path / "b", 14).shape == (1, 14)


@settings(max_examples=100)
@given(at=st.integers(8, 60), new=st.binary(max_size=3), old=st.integers(0, 3))
def test_mutated_picture_is_read_or_refused(tmp_path_factory, at, new, old):
    content = drawn()
    path = tmp_path_factory.mktemp("mutated") / "a"
    path.write_bytes(content[:at] + new + content[at + old :])
    with contextlib.suppress(ValueError):
        assert read_picture(path, 16).shape == (1, 16)


@pytest.mark.parametrize("folder", ["", "elsewhere"])
def test_data_can_lie_elsewhere(folder):
    code = "from nbhelpers import datasets; print(datasets.DATA)"
    env = os.environ | {"NBHELPERS_DATA": folder}
    line = [sys.executable, "-c", code]
    end = subprocess.run(line, env=env, capture_output=True, text=True, check=True)
    assert end.stdout == f"{folder or DATA}\n"


@pytest.mark.parametrize("classes, make", [(3, spirals), (2, moons), (2, circles)])
@pytest.mark.parametrize("n", [1, 10, 300])
def test_toy_set(make, classes, n):
    x, y = make(n, np.random.default_rng(1))
    assert x.shape == (n, 2) and x.dtype == np.float64 and x.flags.c_contiguous
    assert y.shape == (n,) and y.dtype == np.int64
    counts = np.bincount(y, minlength=classes)
    assert len(counts) == classes and np.ptp(counts) <= 1
    again = make(n, np.random.default_rng(1))
    other = make(n, np.random.default_rng(2))
    assert np.array_equal(x, again[0]) and np.array_equal(y, again[1])
    assert not np.array_equal(x, other[0])
    assert n < 300 or (np.diff(y) != 0).mean() > 0.4, "in random order"


def test_spirals_take_any_number_of_arms():
    assert np.bincount(spirals(10, np.random.default_rng(0), classes=5)[1]).size == 5


def test_toy_sets_without_noise_lie_on_their_curves():
    rng = np.random.default_rng(0)
    x, y = circles(1000, rng, noise=0)
    assert np.allclose(np.hypot(*x.T), np.where(y == 0, 1, 0.5))
    quarter = (x[:, 0] > 0) + 2 * (x[:, 1] > 0)
    assert np.bincount(quarter).min() > 200, "points on all sides"
    x, y = moons(100, rng, noise=0)
    centre = np.where(y[:, None] == 0, [0, 0], [1, 0.5])
    assert np.allclose(np.hypot(*(x - centre).T), 1)
    assert (x[y == 0, 1] >= 0).all() and (x[y == 1, 1] <= 0.5).all()
    x, y = spirals(100, rng, noise=0)
    radius = np.hypot(*x.T)
    turn = np.arctan2(x[:, 1], x[:, 0]) - 4 * radius - 2 * math.pi * y / 3
    assert np.allclose(np.cos(turn), 1)


@pytest.mark.parametrize("make", [spirals, moons, circles])
def test_toy_sets_refuse(make):
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match=f"{make.__name__}: rng must be a numpy.random"):
        make(10, 0)
    with pytest.raises(TypeError, match="rng"):
        make(10)
    with pytest.raises(ValueError, match=f"{make.__name__}: n must be a whole number"):
        make(0, rng)
    with pytest.raises(ValueError, match=f"{make.__name__}: noise must be at least 0"):
        make(10, rng, noise=-1)
