"""Saved networks: the same to the bit, whole at every moment, nothing half done."""

import ast
import errno
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbhelpers
from nbhelpers import checkpoint
from nbhelpers.activations import LeakyReLU
from nbhelpers.checkpoint import load, read_about, resume, save
from nbhelpers.dynamic_network import Network, Optimizer, fit, mlp
from nbhelpers.fashion_mnist import build
from nbhelpers.generalization import Dropout
from nbhelpers.layers import Dense, Layer
from nbhelpers.losses import SoftmaxCrossEntropy
from nbhelpers.optimizers import SGD, AdamW, warmup_cosine
from toys import BatchNorm, everything, variants

X = np.random.default_rng(9).random((60, 6)).astype(np.float32)
Y = np.arange(60) % 3
LONG = int(os.environ.get("FUZZ_EXAMPLES", 150))


LAYERS = {name: made for name, made in variants(Layer).items() if name != "Network"}
OPTIMIZERS = variants(Optimizer)


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
@pytest.mark.parametrize("name", ["net", "net.npz", "net.anything"])
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


def test_a_fresh_process_predicts_the_same(tmp_path):
    path = tmp_path / "net"
    save(path, every_layer())
    np.save(tmp_path / "x.npy", X)
    code = (
        "import numpy as np; from nbhelpers.checkpoint import load;"
        f"net = load({str(path)!r}); x = np.load({str(tmp_path / 'x.npy')!r});"
        f"np.save({str(tmp_path / 'y.npy')!r}, net.predict(x))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), load(path).predict(X))


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


def test_a_file_without_the_state_is_refused(tmp_path):
    path, network = tmp_path / "net", with_running_means(0)
    network.layers[1].state = {}
    save(path, network)
    with pytest.raises(ValueError, match="1.mean is missing; 1.variance is missing$"):
        load(path, with_running_means(1))


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


def test_state_and_generators_of_layers_are_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(BatchNorm, "__module__", "nbhelpers.made_up")

    def start():
        rng, own, other = map(np.random.default_rng, (0, 1, 2))
        middle = BatchNorm(4), Dropout(0.3, own), Dropout(0.2, other)
        network = Network(Dense(6, 4, rng), *middle, Dense(4, 3, rng))
        return network, SGD(0.1, momentum=0.9), None, rng

    whole = start()
    wanted = go(*whole)
    go(*start(), tmp_path / "training", 2)
    parts = resume(tmp_path / "training")
    assert go(*parts) == wanted
    assert everything(*parts[:2], parts[3]) == everything(*whole[:2], whole[3])


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


def test_a_resumed_optimizer_knows_its_network(saved):
    network, optimizer = small(), AdamW()
    grads = {name: np.ones_like(w) for name, w in network.params.items()}
    optimizer.step(network.params, grads)
    save(saved, network, optimizer)
    network, optimizer, *_ = resume(saved)
    optimizer.step(network.params, grads)
    with pytest.raises(ValueError, match="make a new optimizer for another network"):
        optimizer.step(small().params, grads)


def test_what_was_not_saved_is_none(saved):
    """Also the generator, though Dropout has one that is in the file."""
    network, optimizer, history, rng = resume(saved)
    assert (optimizer, history, rng) == (None, {}, None)
    assert repr(network) == repr(small()) and read_about(saved) == {}


def test_what_the_training_is_of_is_told(saved):
    about = {"seed": np.int64(3), "names": ["a", "b"], "rate": np.float32(0.5)}
    save(saved, small(), about=about)
    assert read_about(saved) == {"seed": 3, "names": ["a", "b"], "rate": 0.5}
    old = saved.read_bytes()
    with pytest.raises(ValueError, match="^save: <object object.* is neither a number"):
        save(saved, small(1), about={"seed": object()})
    assert saved.read_bytes() == old and os.listdir(saved.parent) == ["net"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o027, 0o640), (0, 0o666)])
def test_others_may_read_the_file_as_the_umask_says(saved, mask, mode):
    saved.chmod(0o600)
    before = os.umask(mask)
    try:
        save(saved, small())
    finally:
        assert os.umask(before) == mask
    assert saved.stat().st_mode & 0o777 == mode


def test_a_file_too_large_is_refused_unread(saved, monkeypatch):
    size = saved.stat().st_size
    monkeypatch.setattr(checkpoint, "LARGEST_FILE", size)
    load(saved)
    monkeypatch.setattr(checkpoint, "LARGEST_FILE", size - 1)
    with pytest.raises(ValueError, match=f"larger than {size - 1} bytes"):
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


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>no</html>", b"\0" * 5000])
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
    with pytest.raises(OSError, match="was not saved"):
        save(tmp_path / "no" / "folder", small())


OTHERS = [
    (lambda: build(np.random.default_rng(0), (6, 4, 3), 0.2), r"float32 \(6, 5\)"),
    (lambda: build(np.random.default_rng(0), (6, 5, 3, 3), 0.2), "6.W is missing"),
    (lambda: Network(Dense(6, 5, np.random.default_rng(0))), "3.W is not wanted"),
    (
        lambda: build(np.random.default_rng(0), (6, 5, 3), 0.2, np.float64),
        "the network has float64",
    ),
]


@pytest.mark.parametrize("make, words", OTHERS)
def test_another_networks_file_changes_nothing(saved, make, words):
    network = make()
    kept = {name: w.copy() for name, w in network.params.items()}
    with pytest.raises(ValueError, match=words):
        load(saved, network)
    for name, w in network.params.items():
        np.testing.assert_array_equal(w, kept[name])


def forged(edit_members=None, edit_description=None, compress=zipfile.ZIP_STORED):
    """A file with a right checksum around content that save never wrote."""
    network, generators = small(), []
    description = {
        "format": checkpoint.FORMAT,
        "about": {},
        "network": checkpoint.describe(network, generators),
        "history": {},
        "generators": [checkpoint.describe_generator(g) for g in generators],
        "rng": None,
        "optimizer": {"class": "AdamW", "numbers": dict(NUMBERS)},
    }
    if edit_description:
        edit_description(description)
    members = {}
    told = np.frombuffer(json.dumps(description).encode(), np.uint8)
    arrays = {f"network/{name}": w for name, w in network.params.items()}
    for slot in "mv":
        arrays |= {f"optimizer/{slot}/{k}": w for k, w in network.params.items()}
    for name, array in {"description": told, **arrays}.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array)
        members[f"{name}.npy"] = buffer.getvalue()
    if edit_members:
        edit_members(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compress) as archive:
        archive.comment = b"0" * checkpoint.DIGEST
        for name, content in members.items():
            archive.writestr(name, content)
    content = buffer.getvalue()[: -checkpoint.DIGEST]
    return content + hashlib.sha256(content).hexdigest().encode()


NUMBERS = {k: v for k, v in vars(AdamW()).items() if k not in AdamW.slots}


def header(shape, dtype="<f4"):
    """A .npy file that tells of a shape and has four bytes."""
    buffer = io.BytesIO()
    told = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, told)
    return buffer.getvalue() + b"1234"


def objects():
    """A .npy file that holds a pickle."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([{}], object), allow_pickle=True)
    return buffer.getvalue()


W = "network/0.W.npy"
FORGED = [
    (lambda m: m.pop(W), None, "0.W is missing"),
    (lambda m: m.update({"network/9.W.npy": m[W]}), None, "9.W is not wanted"),
    (lambda m: m.update({"../evil.npy": m[W]}), None, "member named '../evil.npy'"),
    (lambda m: m.update({"notes.txt": b"hello"}), None, "member named 'notes.txt'"),
    (lambda m: m.update({W: header((10**13,))}), None, "but has 4 bytes"),
    (lambda m: m.update({W: header((10**30, 10**30))}), None, "but has 4 bytes"),
    (lambda m: m.update({W: header((-1,))}), None, "but has 4 bytes"),
    (lambda m: m.update({W: header((2,), "<i2")}), None, "tells of int16"),
    (lambda m: m.update({W: header((1,), "|O")}), None, "tells of object"),
    (lambda m: m.update({W: objects()}), None, "tells of object"),
    (lambda m: m.update({W: b"rubbish"}), None, "cannot be loaded"),
    (lambda m: m.update({W: header((1,))}), None, "no matrix"),
    (lambda m: m.pop("description.npy"), None, "cannot be loaded"),
    (None, lambda d: d.update(format="other"), "format is 'other'"),
    (None, lambda d: d.pop("network"), "cannot be loaded"),
    (None, lambda d: d["network"].update({"class": "os.system"}), "class 'os.system'"),
    (None, lambda d: d["network"].pop("layers"), "cannot be loaded"),
    (None, lambda d: d.update(network=[]), "cannot be loaded"),
    (
        None,
        lambda d: d["network"]["layers"][2].update(generator=7),
        "cannot be loaded",
    ),
    (
        None,
        lambda d: d["generators"][0].update(bit_generator="eval"),
        "no generator 'eval'",
    ),
]


M = "optimizer/m/0.W.npy"
FORGED_OPTIMIZERS = [
    (lambda m: m.update({M: header((1,))}), None, "array m/0.W fits no parameter"),
    (
        lambda m: m.update({"optimizer/m/9.W.npy": m[W]}),
        None,
        "m/9.W fits no parameter",
    ),
    (
        lambda m: m.update({"optimizer/u/0.W.npy": m[W]}),
        None,
        "u/0.W fits no parameter",
    ),
    (lambda m: m.update({"optimizer/lr/0.W.npy": m[W]}), None, "lr/0.W fits no"),
    (None, lambda d: d["optimizer"].update({"class": "Layer"}), "no optimizer 'Layer'"),
    (None, lambda d: d["optimizer"].update({"class": "SGD"}), "cannot be loaded"),
    (None, lambda d: d["optimizer"].update({"class": "Adam"}), "not those of Adam"),
    (None, lambda d: d["optimizer"]["numbers"].update(lr=-1), "lr must be at least 0"),
    (None, lambda d: d["optimizer"]["numbers"].update(step=1), "not those of AdamW"),
    (None, lambda d: d["optimizer"]["numbers"].pop("t"), "not those of AdamW"),
    (None, lambda d: d["optimizer"]["numbers"].pop("beta1"), "cannot be loaded"),
    (None, lambda d: d.update(rng=7), "cannot be loaded"),
]


@pytest.mark.parametrize("members, description, words", FORGED + FORGED_OPTIMIZERS)
def test_forged_files_are_refused(tmp_path, members, description, words):
    path = tmp_path / "net"
    path.write_bytes(forged(members, description))
    readers = [resume]
    if (members, description, words) in FORGED:
        readers.append(load)
    for read in readers:
        with pytest.raises(ValueError, match=words) as error:
            read(path)
        assert str(path) in str(error.value)


def test_the_forger_can_write_a_file_that_is_right(tmp_path):
    path = tmp_path / "net"
    path.write_bytes(forged())
    network, optimizer, *_ = resume(path)
    assert repr(network) == repr(small()) and repr(optimizer) == repr(AdamW())
    assert list(optimizer.m) == list(optimizer.v) == list(network.params)


def test_compressed_members_are_refused_in_bounded_memory(tmp_path):
    path = tmp_path / "net"
    bomb = {"bomb.npy": b"\0" * 50_000_000}
    content = forged(lambda m: m.update(bomb), compress=zipfile.ZIP_DEFLATED)
    path.write_bytes(content)
    assert len(content) < 100_000
    tracemalloc.start()
    with pytest.raises(ValueError, match="claim more bytes|compressed"):
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@settings(max_examples=LONG)
@given(data=st.data())
def test_mutated_files_with_a_right_checksum(tmp_path_factory, data):
    """Past the checksum every change is an error with the path, or a whole network."""
    content = bytearray(forged()[: -checkpoint.DIGEST])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3)
        )
    path = tmp_path_factory.mktemp("mutated") / "net"
    path.write_bytes(content + hashlib.sha256(content).hexdigest().encode())
    network = small(1)
    kept = {name: w.copy() for name, w in network.params.items()}
    try:
        load(path, network)
    except ValueError as error:
        assert str(path) in str(error)
        for name, w in network.params.items():
            np.testing.assert_array_equal(w, kept[name])
    else:
        assert network.predict(X).shape == (60, 3)


KILLED = """
import sys
import numpy as np
from nbhelpers.checkpoint import save
from nbhelpers.fashion_mnist import build
from nbhelpers.layers import zeros
network = build(np.random.default_rng(0), (400, 300, 3), 0.0)
number = 0
while True:
    number += 1
    for w in network.params.values():
        w[...] = number
    save(sys.argv[1], network)
    print(number, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_killed_at_any_moment_the_file_is_whole(tmp_path):
    path = tmp_path / "net"
    seen = set()
    for kill in range(12):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE
        )
        child.stdout.readline()  # the first save is complete
        time.sleep(0.0037 * kill)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        network = load(path)
        values = {float(v) for w in network.params.values() for v in (w.min(), w.max())}
        assert len(values) == 1
        seen |= values
    assert len(seen) > 2  # the kills came at different moments


def test_a_full_disk_leaves_the_old_file(saved, monkeypatch):
    old = saved.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="was not saved, an old file stays: No space"):
        save(saved, small(1))
    assert saved.read_bytes() == old
    assert os.listdir(saved.parent) == [saved.name]


def test_an_unknown_optimizer_or_generator_is_refused(tmp_path):
    class Mine(AdamW):
        pass

    with pytest.raises(ValueError, match="the optimizer must be one of"):
        save(tmp_path / "net", small(), Mine())
    odd = np.random.Generator(np.random.MT19937(0))
    with pytest.raises(ValueError, match="generator is a MT19937"):
        save(tmp_path / "net", small(), rng=odd)
    assert os.listdir(tmp_path) == []


def test_there_is_no_pickle_in_the_package():
    for path in Path(nbhelpers.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [a.name for a in getattr(node, "names", [])]
            names += [getattr(node, "module", None), getattr(node, "id", None)]
            assert not {"pickle", "cPickle", "dill", "joblib", "shelve"} & set(names)
            assert getattr(node, "id", None) not in ("eval", "exec", "__import__")
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.literal_eval(node.value) is False, path
