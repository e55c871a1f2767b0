"""The data: MNIST and Fashion-MNIST from their IDX files, and three toy sets.

An IDX file is a magic number (two zero bytes, the type, the number of dimensions), the
size of each dimension as four bytes, the most significant first, and then the values,
here one byte each. `data/README.md` says where the files in this repository come from.

The supporting cast. A file is trusted in nothing: what its header promises is compared
with what it can hold before memory is taken, and never more than that is decompressed.
"""

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from nbhelpers.border import count, number

CLONE = Path(__file__).resolve().parents[1]  # unless it is installed elsewhere
DATA = Path(os.environ.get("NBHELPERS_DATA") or CLONE / "data")
MAGIC = {bytes([0, 0, 8, ndim]): ndim for ndim in (1, 2, 3)}  # 8: unsigned bytes
CHUNK = 2**18  # bytes decompressed at a time
DEFLATE = 1032  # no gzip file grows by more than this factor
LARGEST = 2**30  # bytes accepted from one file
REMEDY = "get it again from its source (for this repository's own: git checkout data)"


def load_mnist(folder: str | Path = DATA / "mnist") -> tuple:
    """MNIST, 70,000 handwritten digits of 28 x 28: x_train, y_train, x_test, y_test.

    x float32 (n, 784) in [0, 1]    y int64 (n,), 0 to 9    n: 60,000 and 10,000
    """
    return load_idx_folder(folder, classes=10)


def load_fashion_mnist(folder: str | Path = DATA / "fashion_mnist") -> tuple:
    """Fashion-MNIST, 70,000 articles of clothing, in the form of `load_mnist`."""
    return load_idx_folder(folder, classes=10)


def load_idx_folder(folder: str | Path, classes: int | None = None) -> tuple:
    """x_train, y_train, x_test, y_test from a folder with the four files of MNIST.

    The files: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte,
    t10k-labels-idx1-ubyte, each with or without .gz. The images may have any one size.

    x float32 (n, pixels) in [0, 1]    y int64 (n,), 0 to classes - 1; where classes is
    not given, the largest label of the training set sets it
    """
    folder = Path(folder)
    if not folder.is_dir():
        found = "is a file, not a folder" if folder.exists() else "does not exist"
        raise FileNotFoundError(
            f"{folder} {found}; give the folder of the four files, or let "
            "NBHELPERS_DATA name the folder `data` of a clone of the repository"
        )
    x_train, y_train = _read_pair(folder, "train", classes)
    x_test, y_test = _read_pair(folder, "t10k", classes or int(y_train.max()) + 1)
    if x_train.shape[1] != x_test.shape[1]:
        raise ValueError(
            f"{folder}: training images have {x_train.shape[1]:,} pixels, test images "
            f"{x_test.shape[1]:,}; all four files must come from one data set"
        )
    return x_train, y_train, x_test, y_test


def _read_pair(folder: Path, part: str, classes: int | None) -> tuple:
    """x and y of one part, "train" or "t10k": as many images as labels."""
    images, images_path = _read_kind(folder, f"{part}-images-idx3-ubyte")
    labels, labels_path = _read_kind(folder, f"{part}-labels-idx1-ubyte")
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} holds {len(images):,} images but {labels_path} "
            f"{len(labels):,} labels; both must come from one data set"
        )
    if classes and labels.max() >= classes:
        at = int((labels >= classes).argmax())
        raise ValueError(
            f"{labels_path} must hold labels from 0 to {classes - 1}, got {labels[at]} "
            f"at row {at}; {REMEDY}"
        )
    images = images.reshape(len(images), -1)
    x = np.divide(images, np.float32(255), dtype=np.float32)  # one pass, no float64
    return x, labels.astype(np.int64)


def _read_kind(folder: Path, name: str) -> tuple:
    """The array in one of the four files, with or without .gz, and its path."""
    path = folder / name
    path = path if path.exists() else folder / f"{name}.gz"
    array = read_idx(path)
    found = "labels" if array.ndim == 1 else "images"
    if found not in name:
        raise ValueError(
            f"{path} holds {found} (magic number 0x80{array.ndim}), not what its name "
            "says; have the files of images and labels changed places?"
        )
    return array, path


def read_idx(path: str | Path) -> np.ndarray:
    """The uint8 array in an IDX file, gzipped or not, of 1 to 3 dimensions.

    FileNotFoundError or IsADirectoryError where there is no file, ValueError where the
    file is not whole: it is read to its end, so that gzip's checksum is compared.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the path of a file in it")
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; {REMEDY}")
    length = path.stat().st_size
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            content = gzip.GzipFile(fileobj=file) if zipped else file
            return _read_idx(content, min(DEFLATE * length, LARGEST))
        except EOFError:
            fault = f"is cut short: it ends after {length:,} bytes, amid its data"
        except (gzip.BadGzipFile, zlib.error) as error:
            fault = f"is damaged ({error})"
        except ValueError as error:
            fault = error
    raise ValueError(f"{path} {fault}; {REMEDY}")


def _read_idx(file, most: int) -> np.ndarray:
    """The array in an open IDX file; ValueError with what is wrong with the file."""
    magic = file.read(4)
    if not magic:
        raise ValueError("is empty")
    if magic[::-1] in MAGIC:
        raise ValueError(
            f"is little-endian: it begins with {magic.hex(' ')}, expected "
            f"{magic[::-1].hex(' ')}; every number of its header must be byte-swapped"
        )
    if magic not in MAGIC:
        raise ValueError(
            f"is not an IDX file of bytes, gzipped or bare: it begins with {magic}, "
            "expected 00 00 08 01 (labels) or 00 00 08 03 (images); perhaps a browser "
            "saved a web page in its place"
        )
    sizes = file.read(4 * MAGIC[magic])
    if len(sizes) < 4 * MAGIC[magic]:
        raise ValueError("is cut short: it ends inside its header")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    size = math.prod(shape)
    promise = f"{' x '.join(map(str, shape))} = {size:,} bytes"
    if size == 0:
        raise ValueError(f"holds nothing: its header promises {promise}")
    if size > most:
        raise ValueError(
            f"cannot be right: its header promises {promise}, but no more than "
            f"{most:,} are accepted from a file of its length"
        )
    array = np.empty(shape, np.uint8)
    room, got = memoryview(array).cast("B"), 0
    while count := file.readinto(room[got : got + CHUNK]):
        got += count
    if got < size:
        raise ValueError(f"is too short: its header promises {promise}, it has {got:,}")
    if file.read(1):
        raise ValueError(f"is too long: its header promises {promise}, it has more")
    return array


def read_picture(path: str | Path, n: int) -> np.ndarray:
    """The grey levels of a PNG or JPEG of n pixels: x float32 (1, n) in [0, 1].

    ValueError for other pixels than n, as many in a row as in a column where n is a
    square, for transparency, and for more than 8 bits a colour.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            side = math.isqrt(n)
            if width * height != n or (side**2 == n and width != height):
                wanted = f"{side} x {side}" if side**2 == n else f"{n:,} in all"
                raise ValueError(f"it has {width} x {height} pixels, not {wanted}")
            if "A" in image.getbands() or "transparency" in image.info:
                raise ValueError("it has transparent pixels; put it on a background")
            if image.mode[0] in "IF":
                raise ValueError("it has more than 8 bits a pixel; save it with 8")
            grey = np.asarray(image.convert("L"))
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged picture can bring about any
        raise ValueError(f"{path} cannot be used: {error}") from error
    return np.divide(grey.reshape(1, n), np.float32(255), dtype=np.float32)


def spirals(n: int, rng: np.random.Generator, classes: int = 3, noise: float = 0.2):
    """n points on interleaved spiral arms, one arm a class, in random order.

    x float64 (n, 2) within about 1 of the origin    y int64 (n,)
    noise: standard deviation of the angle, in radians
    """
    y = _labels("spirals", n, rng, classes, noise)
    radius = rng.uniform(0.05, 1, n)
    angle = 2 * np.pi * y / classes + 4 * radius + rng.normal(0, noise, n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


def moons(n: int, rng: np.random.Generator, noise: float = 0.1):
    """n points on two half circles, each reaching into the other, in random order.

    x float64 (n, 2), -1 to 2 by -0.5 to 1, and noise beyond: its standard deviation
    y int64 (n,), 0 for the upper moon, 1 for the lower
    """
    y = _labels("moons", n, rng, 2, noise)
    angle = rng.uniform(0, np.pi, n)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    x = np.where(y[:, None] == 0, upper, [1, 0.5] - upper)
    return x + rng.normal(0, noise, (n, 2)), y


def circles(n: int, rng: np.random.Generator, noise: float = 0.1):
    """n points on a circle of radius 1 (class 0) and one of 0.5, in random order.

    x float64 (n, 2), noise: its standard deviation    y int64 (n,)
    """
    y = _labels("circles", n, rng, 2, noise)
    angle = rng.uniform(0, 2 * np.pi, n)
    x = np.column_stack([np.cos(angle), np.sin(angle)]) / (1 + y[:, None])
    return x + rng.normal(0, noise, (n, 2)), y


def _labels(owner: str, n: int, rng, classes: int, noise: float):
    """n labels in random order, as many of each class as n allows."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{owner}: rng must be a numpy.random.Generator, such as "
            f"np.random.default_rng(0), got {rng!r}"
        )
    count(owner, "n", n)
    count(owner, "classes", classes)
    number(0)(owner, "noise", noise)
    return rng.permutation(np.arange(n) % classes)
