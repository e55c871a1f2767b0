"""Saving and loading: plain arrays and a JSON description in one .npz file, no pickle.

`save` and `load` for a network; `save` with the optimizer, history and generator, and
`resume`, to continue a training, bit-identical to one that was never interrupted (same
machine, same threads).

The file is a zip archive of uncompressed .npy members, so that no member can be larger
than the file; its comment is a SHA-256 over all that comes before it, so that any
flipped bit is found. Class names in a file are looked up among the package's own, never
imported.
"""

import hashlib
import io
import json
import os
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import nbhelpers.generalization  # noqa: F401  (its classes can be saved, as those of
import nbhelpers.optimizers  # noqa: F401  pages 02 to 07)
from nbhelpers.dynamic_network import Network, Optimizer
from nbhelpers.guard import kept_arrays
from nbhelpers.layers import Dense, Layer, zeros

FORMAT = "nbhelpers checkpoint 3"  # 2 had running sums where 3 has means, and no state
LARGEST_FILE = 2**30  # bytes; what is larger is refused unread
DIGEST = len(hashlib.sha256().hexdigest())


def classes_below(base: type) -> dict:
    """The package's own classes derived from `base` and imported so far, by name."""
    found = {}
    for cls in base.__subclasses__():
        if cls.__module__.startswith("nbhelpers."):
            found[cls.__name__] = cls
        found |= classes_below(cls)
    return found


GENERATORS = {"PCG64": np.random.PCG64, "PCG64DXSM": np.random.PCG64DXSM}


def save(
    path: str | Path, network, optimizer=None, *, history=None, rng=None, about=None
):
    """Write the network, and what its training needs to continue, to one file.

    about: a dict of plain values that says what the training is of, for `read_about`.
    The old file stays whole until the new one is complete: the bytes go to a temporary
    file in the same folder, which then takes the name. Raises OSError where that fails,
    ValueError for an optimizer or generator that cannot be described.
    """
    generators = [] if rng is None else [rng]
    description = {
        "format": FORMAT,
        "about": about or {},
        "network": describe(network, generators),
        "history": history or {},
        "generators": [describe_generator(g) for g in generators],
        "rng": None if rng is None else 0,
    }
    arrays = {f"network/{name}": array for name, array in kept_arrays(network).items()}
    if optimizer is not None:
        kind = type(optimizer)
        known = classes_below(Optimizer)
        if known.get(kind.__name__) is not kind:
            raise ValueError(f"save: the optimizer must be one of {sorted(known)}")
        slots = {slot: getattr(optimizer, slot) for slot in kind.slots}
        numbers = {k: v for k, v in vars(optimizer).items() if k not in slots}
        description["optimizer"] = {"class": kind.__name__, "numbers": numbers}
        for slot, kept in slots.items():
            arrays |= {
                f"optimizer/{slot}/{name}": array for name, array in kept.items()
            }
    write_whole(Path(path), packed(description, arrays))


def load(path: str | Path, network=None):
    """The network in the file, built anew, or its arrays put into `network`.

    Raises ValueError, naming the path, for a file that is damaged, is no checkpoint or
    does not fit the network given, which then is unchanged; OSError for no file.
    """
    with errors_naming(path):
        description, arrays = unpacked(Path(path))
        if network is None:
            return build_network(description, arrays, build_generators(description))
        put(kept_arrays(network), part(arrays, "network/"))
        return network


def resume(path: str | Path) -> tuple:
    """All that `save` was given: network, optimizer, history, generator; None for none.

    Raises as `load` does.
    """
    with errors_naming(path):
        description, arrays = unpacked(Path(path))
        generators = build_generators(description)
        network = build_network(description, arrays, generators)
        optimizer = build_optimizer(description, arrays, network)
        rng = None if description["rng"] is None else generators[description["rng"]]
        return network, optimizer, description["history"], rng


def read_about(path: str | Path) -> dict:
    """What `save` was told that the training is of.  Raises as `load` does."""
    with errors_naming(path):
        description, _ = unpacked(Path(path))
        return dict(description["about"])


@contextmanager
def errors_naming(path: str | Path):
    """Raise an error in the content of a file as a ValueError that names the file."""
    odd = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError)
    try:
        yield
    except (ValueError, zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise ValueError(f"{path} cannot be loaded: {error}") from error
    except odd as error:
        raise ValueError(f"{path} cannot be loaded: it is no checkpoint") from error


def describe(layer, generators: list) -> dict:
    """A layer as plain data, its generator added to the list if it is not there.

    A class of the reader's own is named with its module and not built by `load`.
    """
    kind = type(layer)
    known = classes_below(Layer).get(kind.__name__) is kind
    name = kind.__name__ if known else f"{kind.__module__}.{kind.__qualname__}"
    described = {"class": name}
    if isinstance(layer, Network):
        described["layers"] = [describe(inner, generators) for inner in layer.layers]
        return described
    described["settings"] = {name: getattr(layer, name) for name in layer.settings}
    if isinstance(vars(layer).get("rng"), np.random.Generator):
        places = [i for i, g in enumerate(generators) if g is layer.rng]
        described["generator"] = places[0] if places else len(generators)
        generators += [] if places else [layer.rng]
    return described


def build_layer(described: dict, prefix: str, arrays: dict, generators: list):
    """The layer described, its Dense layers sized as the arrays are."""
    kind, known = described["class"], classes_below(Layer)
    if kind not in known:
        raise ValueError(
            f"it has a layer of class {kind!r}, which is none of "
            f"{sorted(known)}; build that network yourself and give it to load"
        )
    cls = known[kind]
    if cls is Network:
        inner = [
            build_layer(layer, f"{prefix}{i}.", arrays, generators)
            for i, layer in enumerate(described["layers"])
        ]
        return Network(*inner)
    if cls is Dense:
        W = arrays.get(f"{prefix}W")
        if W is None or W.ndim != 2 or W.dtype.kind != "f":
            raise ValueError(f"{prefix}W is missing or is no matrix of floats")
        return Dense(*W.shape, np.random.default_rng(0), zeros, W.dtype)
    settings = {name: described["settings"][name] for name in cls.settings}
    if "generator" in described:
        settings["rng"] = generators[described["generator"]]
    return cls(**settings)


def build_optimizer(description: dict, arrays: dict, network):
    """The optimizer described, with its memory, or None."""
    described = description.get("optimizer")
    if described is None:
        return None
    kind, known = described["class"], classes_below(Optimizer)
    if kind not in known:
        raise ValueError(f"there is no optimizer {kind!r}")
    cls, numbers = known[kind], described["numbers"]
    optimizer = cls(**{name: numbers[name] for name in cls.settings})
    if set(numbers) != set(vars(optimizer)) - set(cls.slots):
        raise ValueError(f"the settings are not those of {cls.__name__}")
    vars(optimizer).update(numbers)
    for name, array in part(arrays, "optimizer/").items():
        slot, _, parameter = name.partition("/")
        like = network.params.get(parameter)
        if slot not in cls.slots or like is None or like.shape != array.shape:
            raise ValueError(f"the optimizer's array {name} fits no parameter")
        getattr(optimizer, slot)[parameter] = array.copy()
    return optimizer


def describe_generator(rng: np.random.Generator) -> dict:
    """The state of a generator as plain data."""
    state = rng.bit_generator.state
    if state["bit_generator"] not in GENERATORS:
        raise ValueError(
            f"save: the generator is a {state['bit_generator']}; np.random.default_rng "
            "makes one that can be saved"
        )
    return state


def build_generators(description: dict) -> list:
    """The generators described, each in its saved state."""
    generators = []
    for state in description["generators"]:
        if state["bit_generator"] not in GENERATORS:
            raise ValueError(f"no generator {state['bit_generator']!r} is known")
        bits = GENERATORS[state["bit_generator"]]()
        bits.state = state
        generators.append(np.random.Generator(bits))
    return generators


def build_network(description: dict, arrays: dict, generators: list):
    """The network described, with its arrays."""
    found = part(arrays, "network/")
    network = build_layer(description["network"], "", found, generators)
    put(kept_arrays(network), found)
    return network


def part(arrays: dict, prefix: str) -> dict:
    """The arrays whose name starts with the prefix, without it."""
    return {
        k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)
    }


def put(kept: dict, found: dict):
    """Copy what was found into the arrays of a network: all, or ValueError and none."""
    faults = [f"{name} is missing" for name in kept.keys() - found.keys()]
    faults += [f"{name} is not wanted" for name in found.keys() - kept.keys()]
    for name in kept.keys() & found.keys():
        wanted, got = kept[name], found[name]
        if (wanted.shape, wanted.dtype) != (got.shape, got.dtype):
            faults.append(
                f"{name} is {got.dtype} {got.shape}, the network has "
                f"{wanted.dtype} {wanted.shape}"
            )
    if faults:
        raise ValueError(f"it holds another network: {'; '.join(sorted(faults))}")
    for name, w in kept.items():
        w[...] = found[name]


def plain(value):
    """A NumPy scalar or array as Python's own, for json."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise ValueError(
        f"save: {value!r} is neither a number nor a text nor a list of such"
    )


def packed(description: dict, arrays: dict) -> bytes:
    """The bytes of a checkpoint file."""
    told = np.frombuffer(json.dumps(description, default=plain).encode(), np.uint8)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = b"0" * DIGEST
        for name, array in {"description": told, **arrays}.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(
                f"{name}.npy"
            )  # its fixed date: same bytes each time
            archive.writestr(info, member.getvalue())
    content = buffer.getvalue()[:-DIGEST]
    return content + hashlib.sha256(content).hexdigest().encode()


def unpacked(path: Path) -> tuple:
    """Description and arrays of a checkpoint file, or ValueError."""
    if path.is_dir():
        raise ValueError("it is a folder, not a saved network")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; was the network saved?")
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"it is larger than {LARGEST_FILE} bytes")
    content = path.read_bytes()
    digest = hashlib.sha256(content[:-DIGEST]).hexdigest().encode()
    if content[-DIGEST:] != digest:
        raise ValueError(
            f"its checksum does not fit its {len(content)} bytes; it is damaged, cut "
            "short or no saved network; take another copy or train again"
        )
    arrays = read_members(content)
    description = json.loads(arrays.pop("description").tobytes())
    if description["format"] != FORMAT:
        raise ValueError(f"its format is {description['format']!r}, not {FORMAT!r}")
    return description, arrays


def read_members(content: bytes) -> dict:
    """The arrays in the bytes of an archive, by name; ValueError for what is odd."""
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > len(content):
            raise ValueError("its members claim more bytes than the file has")
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name == member.filename or name in arrays or ".." in name:
                raise ValueError(f"it has a member named {member.filename!r}")
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(
                    f"member {name!r} is compressed, which save never does"
                )
            arrays[name] = read_array(name, archive.read(member))
    return arrays


def read_array(name: str, content: bytes):
    """The array in the bytes of a .npy file, none of it unless the size is as told."""
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"member {name!r} is in an unknown version of .npy")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    data = content[stream.tell() :]
    size = dtype.itemsize
    for n in shape:  # whole numbers of any length: no product can overflow
        size *= n
    if dtype.kind not in "fu" or min(shape, default=0) < 0 or size != len(data):
        raise ValueError(
            f"member {name!r} tells of {dtype} {shape} but has {len(data)} bytes"
        )
    array = np.frombuffer(data, dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def write_whole(path: Path, content: bytes):
    """Put the bytes into the file at once: at any moment it is the old or the new."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)  # read by setting it; mkstemp lets nobody else read the file
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(
            error.errno, f"{path} was not saved, an old file stays: {error.strerror}"
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
