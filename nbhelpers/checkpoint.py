"""Saving and loading: plain arrays and their description in one file, no pickle.

`save` and `load` for a network; `save` with the optimizer, history and generator, and
`resume`, to continue a training, bit-identical to one that was never interrupted (same
machine, same threads).

The file has the layout of safetensors, which other libraries read too: the length of
the header, the header in JSON, the arrays one after the other. Its `__metadata__` has
the description, and a SHA-256 over the file, so that any flipped bit is found. Class
names in a file are looked up among the package's own, never imported.
"""

import hashlib
import inspect
import json
import math
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import nbhelpers.generalization  # noqa: F401  (its classes can be saved, as those of
import nbhelpers.optimizers  # noqa: F401  pages 02 to 07)
from nbhelpers.border import every_layer
from nbhelpers.dynamic_network import Network, Optimizer
from nbhelpers.files import write_whole
from nbhelpers.guard import kept_arrays
from nbhelpers.layers import Dense, Layer, zeros

FORMAT = "nbhelpers checkpoint 4"  # up to 3 it was a zip archive
START = b'{"__metadata__": {"sha256": "'  # of the header
DIGEST = slice(8 + len(START), 8 + len(START) + 64)  # where the SHA-256 stands
BLANK = "0" * 64  # what stands there while it is computed
CODES = {"bool": "BOOL", "float16": "F16", "float32": "F32", "float64": "F64"} | {
    f"{kind}{bits}": f"{kind[0].upper()}{bits}"
    for kind in ("int", "uint")
    for bits in (8, 16, 32, 64)
}
GENERATORS = {"PCG64": np.random.PCG64, "PCG64DXSM": np.random.PCG64DXSM}


def classes_below(base: type) -> dict:
    """The package's own classes derived from `base` and imported so far, by name."""
    found = {}
    for cls in base.__subclasses__():
        if cls.__module__.startswith("nbhelpers."):
            found[cls.__name__] = cls
        found |= classes_below(cls)
    return found


def save(
    path: str | Path, network, optimizer=None, *, history=None, rng=None, about=None
):
    """Write the network, and what its training needs to continue, to one file.

    about: a dict of plain values that says what the training is of, for `read_about`.
    What could not be loaded again is refused with a ValueError. The old file stays
    whole until the new one is complete, see `write_whole`, which raises OSError.
    """
    with refusing(f"{path} cannot be saved"):
        arrays = {f"network/{k}": array for k, array in kept_arrays(network).items()}
        description = {
            "about": about or {},
            "network": describe(network),
            "history": history or {},
            "random": describe_generators(network, rng),
            "optimizer": None,
        }
        if optimizer is not None:
            kind = type(optimizer)
            if not in_package(kind, Optimizer):
                names = sorted(classes_below(Optimizer))
                raise ValueError(f"the optimizer must be one of {names}")
            slots = {slot: getattr(optimizer, slot) for slot in kind.slots}
            numbers = {k: v for k, v in vars(optimizer).items() if k not in slots}
            description["optimizer"] = {"class": kind.__name__, "numbers": numbers}
            for slot, kept in slots.items():
                arrays |= {f"optimizer/{slot}/{k}": array for k, array in kept.items()}
        content = packed(description, arrays)
        layers = [network, *every_layer(network)]
        known = all(in_package(type(layer), Layer) for layer in layers)
        checked(*unpacked(content), None if known else network)
    write_whole(Path(path), content)


def load(path: str | Path, network=None):
    """The network in the file, built anew, or its arrays put into `network`.

    Raises ValueError, naming the path, for a file that is damaged, is no checkpoint or
    does not fit the network given, which then is unchanged; OSError for no file.
    """
    if network is None:
        return resume(path)[0]
    with refusing(f"{path} cannot be loaded"):
        _, arrays = read(Path(path))
        check_arrays(network, arrays)
        put(network, arrays)
        return network


def resume(path: str | Path, network=None) -> tuple:
    """All that `save` was given: network, optimizer, history, generator; None for none.

    network: one with layers of your own, which cannot be built from the file; its
    arrays and generators become those saved. Raises as `load` does.
    """
    with refusing(f"{path} cannot be loaded"):
        description, arrays = read(Path(path))
        network, optimizer, generators = checked(description, arrays, network)
        random, history = description["random"], description["history"]
        held = [generators[i] for i in random["held"]]
        rng = None if random["rng"] is None else generators[random["rng"]]
        put(network, arrays)  # from here on nothing can fail
        for (layer, name), its in zip(generator_places(network), held, strict=True):
            setattr(layer, name, its)
        return network, optimizer, history, rng


def read_about(path: str | Path) -> dict:
    """What `save` was told that the training is of.  Raises as `load` does."""
    with refusing(f"{path} cannot be loaded"):
        return dict(read(Path(path))[0]["about"])


@contextmanager
def refusing(sentence: str):
    """Raise what is wrong with a content as a ValueError that begins as given."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{sentence}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"{sentence}: it makes no sense ({error!r})") from error
    except RecursionError:
        raise ValueError(f"{sentence}: it is nested too deeply") from None
    except MemoryError:
        raise ValueError(f"{sentence}: it is too large for the memory") from None


# ---------------------------------------------------------------- the description


def in_package(kind: type, base: type) -> bool:
    """Whether it is the very class that the package has by its name."""
    return classes_below(base).get(kind.__name__) is kind


def describe(layer) -> dict:
    """A layer as plain data; a class of the reader's own only by its full name."""
    kind = type(layer)
    if not in_package(kind, Layer):
        return {"class": f"{kind.__module__}.{kind.__qualname__}"}
    if kind is Network:
        return {"class": "Network", "layers": [describe(in_) for in_ in layer.layers]}
    settings = {name: getattr(layer, name) for name in layer.settings}
    return {"class": kind.__name__, "settings": settings}


def describe_generators(network, rng) -> dict:
    """The generators of the layers, and rng: those that draw from one are one."""
    held = [getattr(layer, name) for layer, name in generator_places(network)]
    drawn = [g.bit_generator for g in (held if rng is None else [*held, rng])]
    every = list(dict.fromkeys(drawn))
    for bits in every:
        kind, seeds = type(bits).__name__, type(bits.seed_seq)
        if kind not in GENERATORS or seeds is not np.random.SeedSequence:
            raise ValueError(
                f"a generator is a {kind} of a {seeds.__name__}; np.random.default_rng "
                "makes one that can be saved"
            )
    return {
        "generators": [{"seeds": b.seed_seq.state, "state": b.state} for b in every],
        "held": [every.index(bits) for bits in drawn[: len(held)]],
        "rng": None if rng is None else every.index(drawn[-1]),
    }


def generator_places(network) -> list:
    """Where the layers hold their generators: pairs of a layer and a name."""
    return [
        (layer, name)
        for layer in every_layer(network)
        for name, value in vars(layer).items()
        if isinstance(value, np.random.Generator)
    ]


def checked(description: dict, arrays: dict, network=None) -> tuple:
    """Network, optimizer and generators as described; ValueError for what does not fit.

    A network that is given is only compared.
    """
    random = description["random"]
    generators = [build_generator(told) for told in random["generators"]]
    if network is None:
        network = build_layer(description["network"], "network/", arrays)
    check_arrays(network, arrays)
    held, wanted = len(random["held"]), len(generator_places(network))
    if held != wanted:
        raise ValueError(f"it has generators for {held} layers, not for {wanted}")
    every = [*random["held"], *([] if random["rng"] is None else [random["rng"]])]
    if not set(every) <= set(range(len(generators))):
        raise ValueError(f"it has {len(generators)} generators, and no {max(every)}")
    return network, build_optimizer(description, arrays, network), generators


def build_layer(described: dict, prefix: str, arrays: dict):
    """The layer described, its Dense layers sized as the arrays are."""
    kind, known = described["class"], classes_below(Layer)
    if kind not in known:
        raise ValueError(
            f"it has a layer of class {kind!r}, which is none of "
            f"{sorted(known)}; build that network yourself and give it to load, resume"
        )
    cls, start = known[kind], np.random.default_rng(0)  # its numbers are replaced
    if cls is Network:
        inner = enumerate(described["layers"])
        return Network(*(build_layer(d, f"{prefix}{i}.", arrays) for i, d in inner))
    if cls is Dense:
        W = arrays.get(f"{prefix}W")
        if W is None or W.ndim != 2 or W.dtype.kind != "f":
            raise ValueError(f"{prefix}W is missing or is no matrix of floats")
        return Dense(*W.shape, start, zeros, W.dtype)
    settings = {name: described["settings"][name] for name in cls.settings}
    if "rng" in inspect.signature(cls).parameters:
        settings["rng"] = start
    return cls(**settings)


def build_generator(described: dict) -> np.random.Generator:
    """The generator described, in its state, with the seeds that it can yet spawn."""
    kind = described["state"]["bit_generator"]
    if kind not in GENERATORS:
        raise ValueError(f"no generator {kind!r} is known")
    bits = GENERATORS[kind](np.random.SeedSequence(**described["seeds"]))
    bits.state = described["state"]
    return np.random.Generator(bits)


def build_optimizer(description: dict, arrays: dict, network):
    """The optimizer described, with its memory, or None."""
    described = description["optimizer"]
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


# ---------------------------------------------------------------- the arrays


def part(arrays: dict, prefix: str) -> dict:
    """The arrays whose name starts with the prefix, without it."""
    return {
        k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)
    }


def check_arrays(network, arrays: dict):
    """ValueError unless the file has just the arrays of the network."""
    kept, found = kept_arrays(network), part(arrays, "network/")
    faults = [f"{name} is missing" for name in kept.keys() - found.keys()]
    faults += [f"{name} is not wanted" for name in found.keys() - kept.keys()]
    for name in kept.keys() & found.keys():
        wanted, got = ((w.shape, w.dtype.name) for w in (kept[name], found[name]))
        if wanted != got:
            faults.append(
                f"{name} is {got[1]} {got[0]}, the network has {wanted[1]} {wanted[0]}"
            )
    if faults:
        raise ValueError(
            f"its arrays are another network's: {'; '.join(sorted(faults))}"
        )


def put(network, arrays: dict):
    """Copy the arrays, which fit, into those of the network."""
    for name, w in kept_arrays(network).items():
        w[...] = arrays[f"network/{name}"]


def plain(value):
    """A NumPy scalar or array as Python's own, for json."""
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.name in CODES:
        return value.tolist()
    raise ValueError(f"{value!r} is neither a number nor a text nor a list of such")


# ---------------------------------------------------------------- the bytes


def packed(description: dict, arrays: dict) -> bytearray:
    """The bytes of a file."""
    told = {key: json.dumps(value, default=plain) for key, value in description.items()}
    header = {"__metadata__": {"sha256": BLANK, "format": FORMAT} | told}
    written, end = [], 0
    for name, array in arrays.items():
        dtype = array.dtype.name
        if dtype not in CODES:
            raise ValueError(f"{name} is {dtype}, the file can have {sorted(CODES)}")
        little = np.dtype(dtype).newbyteorder("<")
        written.append(np.asarray(array, little, order="C"))
        start, end = end, end + array.nbytes
        offsets = {"data_offsets": [start, end]}
        header[name] = {"dtype": CODES[dtype], "shape": array.shape} | offsets
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the arrays start at a multiple of 8
    content = bytearray().join([len(text).to_bytes(8, "little"), text, *written])
    content[DIGEST] = digest(content)
    return content


def digest(content) -> bytes:
    """The SHA-256 of a file in which its own place is blank."""
    blank = content[: DIGEST.start] + BLANK.encode()
    sha = hashlib.sha256(blank)
    sha.update(memoryview(content)[DIGEST.stop :])
    return sha.hexdigest().encode()


def read(path: Path) -> tuple:
    """Description and arrays in a file, or ValueError."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; was the network saved?")
    if not path.is_file():
        raise ValueError("it is a folder or a device, not a saved network")
    return unpacked(path.read_bytes())


def unpacked(content) -> tuple:
    """Description and arrays in the bytes of a file, or ValueError."""
    if content.startswith(b"PK"):
        raise ValueError("it is a zip archive, as up to format 3; train and save anew")
    if content[DIGEST] != digest(content):
        raise ValueError(
            f"its checksum does not fit its {len(content)} bytes; it is damaged, cut "
            "short or no saved network; take another copy or train again"
        )
    start = 8 + int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8:start]), memoryview(content)[start:]
    told = header.pop("__metadata__")
    if told.pop("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    del told["sha256"]
    dtypes = {code: np.dtype(name).newbyteorder("<") for name, code in CODES.items()}
    arrays, end = {}, 0
    for name, entry in header.items():
        dtype, shape = dtypes[entry["dtype"]], entry["shape"]
        start, end = end, end + dtype.itemsize * math.prod(shape)  # it cannot overflow
        wrong = entry["data_offsets"] != [start, end] or end > len(data)
        if wrong or min(shape, default=0) < 0:
            raise ValueError(f"{name} tells of {dtype} {shape}, but of other bytes")
        arrays[name] = np.frombuffer(data[start:end], dtype).reshape(shape)
    if end != len(data):
        raise ValueError("it has bytes that are in no array")
    return {key: json.loads(text) for key, text in told.items()}, arrays
