"""Saving and loading: plain arrays and a JSON description in one .npz file, no pickle.

`save` and `load` for a network; `save` with the optimizer, history and generator, and
`resume`, for a training to be gone on with, equal to the bit to one that never stopped
(same machine, same threads).

The file is a zip archive of uncompressed .npy members, so that no member can be larger
than the file; its comment is a SHA-256 over all that comes before it, so that any
flipped bit is found. Class names in a file are looked up in the tables below, never
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

from nbhelpers import activations, optimizers
from nbhelpers.dynamic_network import GradientDescent, Network
from nbhelpers.generalization import Dropout
from nbhelpers.layers import Dense, zeros

FORMAT = "nbhelpers checkpoint 1"
LARGEST_FILE = 2**30  # bytes; what is larger is refused unread
DIGEST = len(hashlib.sha256().hexdigest())

# each class that a file may name, with the settings that its constructor takes
LAYERS = {
    "Dense": (Dense, ()),
    "Network": (Network, ()),
    "Dropout": (Dropout, ("rate",)),
    "LeakyReLU": (activations.LeakyReLU, ("slope",)),
    "ELU": (activations.ELU, ("alpha",)),
    **{
        name: (getattr(activations, name), ())
        for name in ("ReLU", "Sigmoid", "Tanh", "Softmax", "Softplus", "SiLU", "GELU")
    },
}
OPTIMIZERS = {
    "GradientDescent": GradientDescent,
    **{
        name: getattr(optimizers, name)
        for name in ("SGD", "RMSprop", "Adam", "AdamW", "NAdam")
    },
}
GENERATORS = {"PCG64": np.random.PCG64, "PCG64DXSM": np.random.PCG64DXSM}


def save(path, network, optimizer=None, *, history=None, rng=None):
    """Write the network, and what its training needs to go on, to one file.

    The old file stays whole until the new one is complete: the bytes go to a temporary
    file in the same folder, which then takes the name. Raises OSError where that fails,
    ValueError for an optimizer or generator that cannot be described.
    """
    generators = [] if rng is None else [rng]
    description = {
        "format": FORMAT,
        "network": describe(network, generators),
        "history": history or {},
    }
    arrays = {f"network/{name}": array for name, array in network.params.items()}
    if optimizer is not None:
        kind = type(optimizer).__name__
        if type(optimizer) is not OPTIMIZERS.get(kind):
            raise ValueError(f"save: the optimizer must be one of {sorted(OPTIMIZERS)}")
        settings = {k: v for k, v in vars(optimizer).items() if not isinstance(v, dict)}
        description["optimizer"] = {"class": kind, "settings": settings}
        for slot, state in vars(optimizer).items():
            if isinstance(state, dict):
                arrays |= {f"optimizer/{slot}/{k}": array for k, array in state.items()}
    description["generators"] = [described_generator(g) for g in generators]
    write_whole(Path(path), packed(description, arrays))


def load(path, network=None):
    """The network in the file, built anew, or its parameters put into `network`.

    Raises ValueError, naming the path, for a file that is damaged, is no checkpoint or
    does not fit the network given, which then is unchanged; OSError for no file.
    """
    with telling(path):
        description, arrays = unpacked(Path(path))
        if network is None:
            return built_network(description, arrays, built_generators(description))
        put(network.params, part(arrays, "network/"))
        return network


def resume(path):
    """All that `save` was given: network, optimizer, history, generator (or None).

    Raises as `load` does.
    """
    with telling(path):
        description, arrays = unpacked(Path(path))
        generators = built_generators(description)
        network = built_network(description, arrays, generators)
        optimizer = built_optimizer(description, arrays, network)
        rng = generators[0] if generators else None
        return network, optimizer, description["history"], rng


@contextmanager
def telling(path):
    """Turn what goes wrong with a file's content into a ValueError with its path."""
    odd = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError)
    try:
        yield
    except (ValueError, zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise ValueError(f"{path} cannot be loaded: {error}") from error
    except odd as error:
        raise ValueError(f"{path} cannot be loaded: it is no checkpoint") from error


def describe(layer, generators):
    """A layer as plain data; generators it uses are added to the list."""
    kind = type(layer).__name__
    _, names = LAYERS.get(kind, (None, ()))
    told = {"class": kind, "settings": {name: getattr(layer, name) for name in names}}
    if isinstance(layer, Network):
        told["layers"] = [describe(inner, generators) for inner in layer.layers]
    if isinstance(layer, Dropout):
        known = [i for i, g in enumerate(generators) if g is layer.rng]
        if not known:
            generators.append(layer.rng)
        told["generator"] = known[0] if known else len(generators) - 1
    return told


def built(told, prefix, arrays, generators):
    """The layer that `describe` told of, its Dense layers sized as the arrays are."""
    kind = told["class"]
    if kind not in LAYERS:
        raise ValueError(
            f"it has a layer of class {kind!r}, which is none of "
            f"{sorted(LAYERS)}; build that network yourself and give it to load"
        )
    cls, names = LAYERS[kind]
    if cls is Network:
        inner = [
            built(layer, f"{prefix}{i}.", arrays, generators)
            for i, layer in enumerate(told["layers"])
        ]
        return Network(*inner)
    if cls is Dense:
        W = arrays.get(f"{prefix}W")
        if W is None or W.ndim != 2 or W.dtype.kind != "f":
            raise ValueError(f"{prefix}W is missing or is no matrix of floats")
        return Dense(*W.shape, np.random.default_rng(0), zeros, W.dtype)
    settings = {name: told["settings"][name] for name in names}
    if cls is Dropout:
        settings["rng"] = generators[told["generator"]]
    return cls(**settings)


def built_optimizer(description, arrays, network):
    """The optimizer of the file with its state, or None."""
    told = description.get("optimizer")
    if told is None:
        return None
    if told["class"] not in OPTIMIZERS:
        raise ValueError(f"there is no optimizer {told['class']!r}")
    optimizer = OPTIMIZERS[told["class"]](lr=0.0)
    slots = {k for k, v in vars(optimizer).items() if isinstance(v, dict)}
    if set(told["settings"]) != set(vars(optimizer)) - slots:
        raise ValueError(f"the settings are not those of {told['class']}")
    vars(optimizer).update(told["settings"])
    for name, array in part(arrays, "optimizer/").items():
        slot, _, parameter = name.partition("/")
        like = network.params.get(parameter)
        if slot not in slots or like is None or like.shape != array.shape:
            raise ValueError(f"the optimizer's array {name} fits no parameter")
        getattr(optimizer, slot)[parameter] = array.copy()
    return optimizer


def described_generator(rng):
    """The state of a generator as plain data."""
    state = rng.bit_generator.state
    if state["bit_generator"] not in GENERATORS:
        raise ValueError(
            f"save: the generator is a {state['bit_generator']}; np.random.default_rng "
            "makes one that can be saved"
        )
    return state


def built_generators(description):
    """The generators of the file, each in its saved state."""
    generators = []
    for state in description["generators"]:
        if state["bit_generator"] not in GENERATORS:
            raise ValueError(f"no generator {state['bit_generator']!r} is known")
        bits = GENERATORS[state["bit_generator"]]()
        bits.state = state
        generators.append(np.random.Generator(bits))
    return generators


def built_network(description, arrays, generators):
    """The network of the file with its parameters."""
    found = part(arrays, "network/")
    network = built(description["network"], "", found, generators)
    put(network.params, found)
    return network


def part(arrays, prefix):
    """The arrays whose name starts with the prefix, without it."""
    return {
        k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)
    }


def put(params, found):
    """Copy the arrays into the parameters: all of them, or ValueError and none."""
    faults = [f"{name} is missing" for name in params.keys() - found.keys()]
    faults += [f"{name} is not wanted" for name in found.keys() - params.keys()]
    for name in params.keys() & found.keys():
        wanted, got = params[name], found[name]
        if (wanted.shape, wanted.dtype) != (got.shape, got.dtype):
            faults.append(
                f"{name} is {got.dtype} {got.shape}, the network has "
                f"{wanted.dtype} {wanted.shape}"
            )
    if faults:
        raise ValueError(f"it holds another network: {'; '.join(sorted(faults))}")
    for name, w in params.items():
        w[...] = found[name]


def packed(description, arrays):
    """The bytes of a checkpoint file."""
    told = np.frombuffer(json.dumps(description).encode(), np.uint8)
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


def unpacked(path):
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


def read_members(content):
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


def read_array(name, content):
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


def write_whole(path, content):
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
