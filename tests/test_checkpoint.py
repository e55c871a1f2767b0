"""Saved networks: the same to the bit, whole at every moment, nothing half done."""

import ast
import contextlib
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbhelpers
from nbhelpers import checkpoint
from nbhelpers.activations import LeakyReLU, ReLU
from nbhelpers.checkpoint import load, read_about, resume, save
from nbhelpers.dynamic_network import Network, Optimizer, fit, mlp
from nbhelpers.fashion_mnist import build
from nbhelpers.generalization import Dropout
from nbhelpers.guard import kept_arrays
from nbhelpers.layers import Dense, Layer
from nbhelpers.losses import SoftmaxCrossEntropy
from nbhelpers.optimizers import SGD, AdamW, warmup_cosine
from toys import BatchNorm, everything, variants

X = np.random.default_rng(9).random((60, 6)).astype(np.float32)
Y = np.arange(60) % 3
LONG = int(os.environ.get("FUZZ_EXAMPLES", 150))


LAYERS = {name: made for name, made in variants(Layer).items() if name != "Network"}
OPTIMIZERS = variants(Optimizer)
SEEDS = np.random.SeedSequence


def every_layer(seed=0, dtype=np.float32):
    """A network with each kind of layer that can be saved."""
    rng = np.random.default_rng(seed)
    middle = [made() for name, made in LAYERS.items() if name != "Dense"]
    inner = mlp([5, 4, 3], rng, dtype=dtype)
    return Network(Dense(6, 5, rng, dtype=dtype), *middle, inner, Network())


def small(seed=0):
    return build(np.random.default_rng(seed), (6, 5, 3), 0.2)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net"
    save(path, small())
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["net", "net.safetensors", "net.npz"])
def test_load_gives_the_same_network(tmp_path, name, dtype):
    network, path = every_layer(dtype=dtype), tmp_path / name
    save(path, network)
    again = load(path)
    x = X.astype(dtype)
    np.testing.assert_array_equal(again.predict(x), network.predict(x))
    assert again.predict(x).dtype == dtype
    assert repr(again) == repr(network)
    np.testing.assert_array_equal(again.forward(x), network.forward(x))
    assert os.listdir(tmp_path) == [name]


def with_running_means(seed):
    """A network with a layer that the package does not have, and its state."""
    rng = np.random.default_rng(seed)
    network = Network(Dense(6, 4, rng), BatchNorm(4), Dense(4, 3, rng))
    network.forward(X[seed:])
    return network


def test_load_into_a_network_of_ones_own(tmp_path):
    path = tmp_path / "net"
    save(path, with_running_means(0))
    with pytest.raises(ValueError, match="layer of class 'toys.BatchNorm'.*give it to"):
        load(path)
    again = load(path, with_running_means(1))
    np.testing.assert_array_equal(again.predict(X), with_running_means(0).predict(X))
    again.layers[1].state = {}
    with pytest.raises(ValueError, match="1.mean is not wanted; 1.variance is not"):
        load(path, again)


def go(network, optimizer, history, rng, path=None, stop=None, **options):
    """Train to the fifth epoch, or save after the epoch `stop` and end there."""

    def after_epoch(network, history):
        if len(history["loss"]) == stop:
            save(path, network, optimizer, history=history, rng=rng)
            return True

    given = {"epochs": 5, "batch_size": 16, "schedule": warmup_cosine(0.05)} | options
    return fit(
        network,
        given.pop("loss", SoftmaxCrossEntropy(0.1)),
        optimizer,
        (X, Y),
        (X[:9], Y[:9]),
        rng=rng,
        after_epoch=after_epoch,
        history=history,
        **given,
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("stop_after", [1, 3])
def test_resumed_training_is_equal_to_the_bit(tmp_path, name, stop_after):
    path = tmp_path / "training"

    def start():
        rng = np.random.default_rng(0)
        return build(rng, (6, 8, 3), 0.3), OPTIMIZERS[name](), None, rng

    network, optimizer, _, rng = whole = start()
    wanted = go(*whole)
    go(*start(), path, stop_after)
    parts = resume(path)
    assert len(parts[2]["loss"]) == stop_after and repr(parts[1]) == repr(optimizer)
    assert parts[0].layers[2].rng is parts[3]  # one generator for both, as it was
    assert go(*parts) == wanted
    assert everything(*parts[:2], parts[3]) == everything(network, optimizer, rng)


@pytest.mark.parametrize("given", [False, True])
def test_state_and_generators_of_layers_are_resumed(tmp_path, monkeypatch, given):
    """Into layers that are built anew, or into those of a network that is given."""
    if not given:
        monkeypatch.setattr(BatchNorm, "__module__", "nbhelpers.made_up")

    def start(seed=0):
        rng, own, other, *_ = np.random.default_rng(seed).spawn(4)
        twin = np.random.Generator(own.bit_generator)
        middle = BatchNorm(4), Dropout(0.3, own), Dropout(0.2, other)
        last = Dense(4, 3, rng), Dropout(0.1, twin)
        network = Network(Dense(6, 4, rng), *middle, *last)
        return network, SGD(0.1, momentum=0.9), None, rng

    whole = start()
    wanted = go(*whole)
    go(*start(), tmp_path / "training", 2)
    parts = resume(tmp_path / "training", *([start(1)[0]] if given else []))
    assert go(*parts) == wanted
    assert everything(*parts[:2], parts[3]) == everything(*whole[:2], whole[3])
    own, twin = parts[0].layers[2].rng, parts[0].layers[5].rng
    assert own.bit_generator is twin.bit_generator
    assert parts[3].spawn(1)[0].random() == whole[3].spawn(1)[0].random()
    assert own.spawn(1)[0].random() == whole[0].layers[2].rng.spawn(1)[0].random()


def test_numpys_scalars_are_saved_and_resumed(tmp_path):
    """As settings, from a schedule and from a loss, all in float32."""
    number, whole = np.float32(0.125), np.int64

    class Loss32(SoftmaxCrossEntropy):
        def forward(self, z, y):
            return np.float32(super().forward(z, y))

    def start():
        rng = np.random.default_rng(0)
        layers = LeakyReLU(number), Dropout(number, rng), Dense(whole(4), whole(3), rng)
        optimizer = AdamW(number, np.float32(0.5), weight_decay=number)
        return Network(Dense(whole(6), 4, rng), *layers), optimizer, None, rng

    options = {"loss": Loss32(), "epochs": whole(5), "batch_size": whole(16)}
    options["schedule"] = lambda step, total: np.float32(0.1) * (total - step)
    network, optimizer, _, rng = parts = start()
    wanted = go(*parts, **options)
    go(*start(), tmp_path / "training", 2, **options)
    parts = resume(tmp_path / "training")
    assert go(*parts, **options) == wanted
    assert everything(*parts[:2], parts[3]) == everything(network, optimizer, rng)


def test_what_was_not_saved_is_none(saved):
    """Also the generator, though Dropout has one that is in the file."""
    network, optimizer, history, rng = resume(saved)
    assert (optimizer, history, rng) == (None, {}, None)
    assert repr(network) == repr(small()) and read_about(saved) == {}


def test_what_the_training_is_of_is_told(saved):
    about = {"seed": np.int64(3), "names": ["a", "b"], "rate": np.float32(0.5)}
    save(saved, small(), about=about)
    assert read_about(saved) == {"seed": 3, "names": ["a", "b"], "rate": 0.5}


def with_state(**state):
    network = small()
    network.layers[1].state = state
    return network


def changed(thing, **settings):
    vars(thing).update(settings)
    return thing


def nested(depth):
    network = small()
    for _ in range(depth):
        network = changed(Network(), layers=(network,))  # deeper than Network allows
    return network


def stepped(network, optimizer):
    params = network.params
    optimizer.step(params, {name: np.ones_like(w) for name, w in params.items()})
    return optimizer


def test_a_resumed_optimizer_knows_its_network(saved):
    network = small()
    save(saved, network, stepped(network, AdamW()))
    optimizer = stepped(*resume(saved)[:2])
    with pytest.raises(ValueError, match="make a new optimizer for another network"):
        stepped(small(), optimizer)


REFUSED = {
    "its class": (
        dict(optimizer=type("Mine", (AdamW,), {})()),
        "the optimizer must be one of",
    ),
    "its memory": (
        dict(optimizer=stepped(small(), AdamW()), network=Network(small().layers[0])),
        "optimizer's array m/3.W fits no parameter",
    ),
    "its note": (dict(optimizer=changed(AdamW(), note=1)), "not those of AdamW"),
    "setting": (dict(network=Network(changed(LeakyReLU(), slope=2))), "must be in"),
    "layers": (dict(network=nested(900)), "nested too deeply"),
    "dtype": (dict(network=with_state(a=np.zeros(2, "c16"))), "1.a is complex128, "),
    "long": (dict(network=with_state(a=np.zeros(2, "g"))), "1.a is (long|float)"),
    "names": (
        dict(network=changed(small(), layers=(changed(Layer(a=X), state={"a": X}),))),
        r"\['0.a'\] are names in params and in state",
    ),
    "kind": (
        dict(rng=np.random.Generator(np.random.MT19937(0))),
        "a generator is a MT19937 of a SeedSequence; np.random.default_rng makes one",
    ),
    "seeds": (
        dict(rng=np.random.Generator(np.random.PCG64(type("Seeds", (SEEDS,), {})(0)))),
        "a generator is a PCG64 of a Seeds; ",
    ),
    "about": (dict(about={"seed": object()}), "<object object.* is neither a number"),
    "key": (dict(about={(1, 2): 3}), "keys must be str"),
    "history": (dict(history={"loss": [1j]}), "1j is neither a number"),
    "no network": (dict(network=AdamW()), "has no attribute 'params'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_load_would_refuse_save_refuses_and_the_old_file_stays(saved, what):
    parts, words = REFUSED[what]
    old = saved.read_bytes()
    with pytest.raises(ValueError, match=f"^{saved} cannot be saved: .*{words}"):
        save(saved, **({"network": small()} | parts))
    assert saved.read_bytes() == old and os.listdir(saved.parent) == ["net"]


def test_layers_are_told_by_what_they_are_not_by_their_name(saved):
    other = type("ReLU", (ReLU,), {"predict": lambda self, x: np.maximum(x, -1)})
    for odd in (other(), type("Network", (Network,), {})(other())):
        network = Network(small().layers[0], odd)
        save(saved, network)
        with pytest.raises(
            ValueError, match="layer of class 'test_checkpoint.*give it"
        ):
            load(saved)
        again = load(saved, Network(small(1).layers[0], odd))
        np.testing.assert_array_equal(again.predict(X), network.predict(X))


DTYPES = [f"{order}{code}" for order in "<>" for code in "f2 f4 f8 i1 i8 u2 ?".split()]


@settings(max_examples=LONG // 3)
@given(data=st.data())
def test_arrays_of_any_name_shape_and_kind(tmp_path_factory, data):
    shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
    kinds = st.tuples(st.sampled_from(DTYPES), shapes, st.sampled_from("CF"))
    state = {
        name: np.asarray(np.arange(math.prod(shape)).reshape(shape), dtype, order=order)
        for name, (dtype, shape, order) in data.draw(
            st.dictionaries(st.text(max_size=9), kinds, max_size=4)
        ).items()
    }
    path, network = tmp_path_factory.mktemp("any") / "net", Network(Layer())
    network.layers[0].state = state
    save(path, network)
    mine = Network(Layer())
    mine.layers[0].state = {name: np.ones_like(w) for name, w in state.items()}
    load(path, mine)
    for name, w in mine.layers[0].state.items():
        np.testing.assert_array_equal(w, state[name], strict=True)


def test_the_package_safetensors_reads_the_file(saved):
    safetensors = pytest.importorskip("safetensors")
    odd = type("Odd", (Layer,), {})(g=np.arange(3.0, dtype=">f8"))
    odd.state = {"n": np.arange(3), "seen": np.array(True), "none": np.ones((0, 2))}
    network = Network(*small().layers, odd)
    save(saved, network, stepped(network, AdamW()), history={"loss": [0.5]})
    with safetensors.safe_open(saved, "np") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}
        told = file.metadata()
    assert told["format"] == checkpoint.FORMAT
    assert int.from_bytes(saved.read_bytes()[:8], "little") % 8 == 0
    assert json.loads(told["history"]) == {"loss": [0.5]}
    for name, w in kept_arrays(network).items():
        np.testing.assert_array_equal(found.pop(f"network/{name}"), w)
    assert {name[:12] for name in found} == {"optimizer/m/", "optimizer/v/"}
    from safetensors.numpy import save_file

    save_file(network.params, saved)
    with pytest.raises(ValueError, match="checksum does not fit"):
        load(saved)


def test_a_file_too_large_for_the_memory(saved, monkeypatch):
    def too_large(path):
        raise MemoryError

    monkeypatch.setattr(Path, "read_bytes", too_large)
    with pytest.raises(ValueError, match="net cannot be loaded: it is too large for"):
        load(saved)


def test_every_flipped_bit_is_found(saved):
    content = saved.read_bytes()
    network = small(1)
    kept = {name: w.copy() for name, w in network.params.items()}
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << (at % 8)
        saved.write_bytes(damaged)
        with pytest.raises(ValueError, match="checksum"):
            load(saved, network)
    with pytest.raises(ValueError, match="checksum"):
        resume(saved)
    with pytest.raises(ValueError, match="checksum"):
        read_about(saved)
    for name, w in network.params.items():
        np.testing.assert_array_equal(w, kept[name])


@pytest.mark.parametrize("content", [b"", b"P", b"<html>no</html>", b"\0" * 5000])
def test_what_is_no_saved_network(tmp_path, content):
    path = tmp_path / "net"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="checksum does not fit"):
        load(path)


def test_every_truncation_is_found(saved):
    content = saved.read_bytes()
    for length in range(0, len(content), 37):
        saved.write_bytes(content[:length])
        with pytest.raises(ValueError, match="cut short"):
            load(saved)


def test_paths_that_hold_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="was the network saved"):
        load(tmp_path / "nothing")
    with pytest.raises(ValueError, match="is a folder"):
        load(tmp_path)
    (tmp_path / "old").write_bytes(b"PK\3\4")
    with pytest.raises(ValueError, match="it is a zip archive, as up to format 3"):
        load(tmp_path / "old")
    with pytest.raises(OSError, match="was not saved"):
        save(tmp_path / "no" / "folder", small())


OTHERS = [
    ((6, 4, 3), np.float32, r"float32 \(6, 5\), the network has float32 \(6, 4\)"),
    ((6, 5, 3, 3), np.float32, "6.W is missing"),
    ((6, 5), np.float32, "3.W is not wanted"),
    ((6, 5, 3), np.float64, "the network has float64"),
]


@pytest.mark.parametrize("sizes, dtype, words", OTHERS)
def test_another_networks_file_changes_nothing(saved, sizes, dtype, words):
    network = build(np.random.default_rng(0), sizes, 0.2, dtype)
    kept = {name: w.copy() for name, w in network.params.items()}
    with pytest.raises(ValueError, match=words):
        load(saved, network)
    for name, w in network.params.items():
        np.testing.assert_array_equal(w, kept[name])


def forged(where=None, edit=None):
    """A file with a right checksum around content that save never wrote."""
    network = small()
    arrays = {f"network/{name}": w for name, w in network.params.items()}
    for slot in "mv":
        arrays |= {f"optimizer/{slot}/{k}": w for k, w in network.params.items()}
    description = {
        "about": {},
        "network": checkpoint.describe(network),
        "history": {},
        "random": checkpoint.describe_generators(network, None),
        "optimizer": {"class": "AdamW", "numbers": dict(NUMBERS)},
    }
    if where in ("arrays", "told"):
        edit({"arrays": arrays, "told": description}[where])
    content = checkpoint.packed(description, arrays)
    if where == "header":
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        edit(header)
        text = json.dumps(header).encode()
        content[:start] = len(text).to_bytes(8, "little") + text
    if where == "bytes":
        edit(content)
    content[checkpoint.DIGEST] = checkpoint.digest(content)
    return content


NUMBERS = {k: v for k, v in vars(AdamW()).items() if k not in AdamW.slots}
W, M = "network/0.W", "optimizer/m/0.W"
EVAL = {"state": {"bit_generator": "eval"}}


def promise(shape, dtype="F32", offsets=None):
    """An edit of what the header says of the first array."""

    def edit(header):
        told = {"shape": shape, "dtype": dtype}
        header[W] |= told | ({"data_offsets": offsets} if offsets else {})

    return "header", edit


FORGED = [
    ("arrays", lambda a: a.pop(W), "0.W is missing"),
    ("arrays", lambda a: a.update({"network/9.W": a[W]}), "9.W is not wanted"),
    ("arrays", lambda a: a.update({W: a[W][0]}), "0.W is missing or is no matrix"),
    ("arrays", lambda a: a.update({W: np.ones((6, 5), int)}), "no matrix of floats"),
    ("arrays", lambda a: a.update({M: a[M][0]}), "array m/0.W fits no parameter"),
    ("arrays", lambda a: a.update({"optimizer/u/0.W": a[W]}), "u/0.W fits no parame"),
    (*promise([10**13]), r"tells of float32 \[10000000000000\], but of other bytes"),
    (*promise([10**30, 10**30]), "but of other bytes"),
    (*promise([-6, -5]), "but of other bytes"),
    (*promise([6, 5], offsets=[4, 124]), "but of other bytes"),
    (*promise([6, 5], "O"), "it makes no sense"),
    ("header", lambda h: h.pop("optimizer/v/3.b"), "bytes that are in no array"),
    ("header", lambda h: h["__metadata__"].update(format="other"), "format is not"),
    ("bytes", lambda b: b.__delitem__(slice(-4, None)), "but of other bytes"),
    ("bytes", lambda b: b.__setitem__(slice(8), b"\xff" * 8), "cannot be loaded"),
    ("told", lambda d: d.update(network=[]), "it makes no sense"),
    ("told", lambda d: d["network"].pop("layers"), "it makes no sense"),
    ("told", lambda d: d.pop("history"), "it makes no sense"),
    ("told", lambda d: d["network"].update({"class": "os.system"}), "'os.system', whi"),
    ("told", lambda d: d["random"].update(generators=[EVAL]), "no generator 'eval' is"),
    ("told", lambda d: d["random"].update(held=[7]), "1 generators, and no 7"),
    ("told", lambda d: d["random"].update(held=[]), "for 0 layers, not for 1"),
]
OPTIMIZER = [
    (lambda o: o.update({"class": "Layer"}), "no optimizer 'Layer'"),
    (lambda o: o.update({"class": "SGD"}), "it makes no sense"),
    (lambda o: o.update({"class": "Adam"}), "not those of Adam"),
    (lambda o: o["numbers"].update(lr=-1), "lr must be at least 0"),
    (lambda o: o["numbers"].pop("beta1"), "it makes no sense"),
]
FORGED += [
    ("told", lambda d, edit=edit: edit(d["optimizer"]), words)
    for edit, words in OPTIMIZER
]


@pytest.mark.parametrize("where, edit, words", FORGED)
def test_forged_files_are_refused(tmp_path, where, edit, words):
    path = tmp_path / "net"
    path.write_bytes(forged(where, edit))
    for read in (load, resume):
        with pytest.raises(ValueError, match=words) as error:
            read(path)
        assert str(path) in str(error.value)
    network = small(1)
    kept = everything(network, AdamW())
    with contextlib.suppress(ValueError):
        resume(path, network)
        kept = None  # the class of a layer is not looked at
    assert kept in (None, everything(network, AdamW()))


def test_the_forger_can_write_a_file_that_is_right(tmp_path):
    path = tmp_path / "net"
    path.write_bytes(forged())
    network, optimizer, *_ = resume(path)
    assert repr(network) == repr(small()) and repr(optimizer) == repr(AdamW())
    assert list(optimizer.m) == list(optimizer.v) == list(network.params)


@settings(max_examples=LONG)
@given(data=st.data())
def test_mutated_files_with_a_right_checksum(tmp_path_factory, data):
    """Past the checksum every change is an error with the path, or a whole network."""

    def mutate(content):
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(content) - 1))
            new = data.draw(st.binary(max_size=3))
            content[at : at + data.draw(st.integers(0, 3))] = new

    path = tmp_path_factory.mktemp("mutated") / "net"
    path.write_bytes(forged("bytes", mutate))
    network = small(1)
    kept = everything(network, AdamW())
    try:
        resume(path, network)
    except ValueError as error:
        assert str(path) in str(error)
        assert everything(network, AdamW()) == kept
    else:
        assert network.predict(X).shape == (60, 3)


def test_there_is_no_pickle_in_the_package():
    for path in Path(nbhelpers.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [a.name for a in getattr(node, "names", [])]
            names += [getattr(node, "module", None), getattr(node, "id", None)]
            assert not {"pickle", "cPickle", "dill", "joblib", "shelve"} & set(names)
            assert getattr(node, "id", None) not in ("eval", "exec", "__import__")
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.literal_eval(node.value) is False, path
