"""The finished network: how it is built, centred, trained, continued and folded."""

import copy
import csv
import re

import numpy as np
import pytest

import study_08 as study
from nbhelpers import checkpoint
from nbhelpers.datasets import DATA
from nbhelpers.dynamic_network import evaluate, fit
from nbhelpers.fashion_mnist import LABELS, Centering, build, recipe, train
from nbhelpers.losses import SoftmaxCrossEntropy
from nbhelpers.optimizers import Adam, constant


def clothes(n, seed=0):
    """n rows of 5 numbers in [0, 1], far from centred, of 3 classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    x = rng.uniform(0.6, 0.8, (n, 5))
    x[np.arange(n), y] += 0.2
    return x.astype(np.float32), y


TRAIN, HELD = clothes(300), clothes(100, 1)


def small(rng, **options):
    return build(rng, (5, 16, 3), **options)


def trained(**options):
    """`train` from seed 3, for 4 epochs, a small network, or as the options say."""
    rng = np.random.default_rng(3)
    options = {"data": TRAIN, "epochs": 4, "network": small(rng)} | options
    return train(options.pop("data"), rng, **options)


def equal(a, b):
    """Whether two pairs of network and history are the same to the bit."""
    (a, one), (b, other) = a, b
    same = [np.array_equal(w, b.params[name]) for name, w in a.params.items()]
    return one == other and a.params.keys() == b.params.keys() and all(same)


def test_labels_are_those_of_the_data():
    text = " ".join((DATA / "README.md").read_text(encoding="utf-8").split())
    told = re.search(r"Fashion-MNIST: (0 .*?)\.", text)[1]
    assert told == ", ".join(f"{k} {name}" for k, name in enumerate(LABELS))


# ------------------------------------------------------------- centring


def test_centring_shifts_each_input_and_scales_them_together():
    x = np.array([[1.0, 10.0], [3.0, 20.0], [2.0, 30.0]])
    centred = Centering(x)
    assert centred.mean.tolist() == [2, 20]
    assert centred.scale == pytest.approx(np.sqrt((2 / 3 + 200 / 3) / 2))
    np.testing.assert_allclose(centred(x).mean(axis=0), 0, atol=1e-15)
    assert (centred(x) ** 2).mean() == pytest.approx(1)
    other = np.array([[5.0, 0.0]])  # by the mean and scale of x
    np.testing.assert_allclose(centred(other), [[3, -20]] / centred.scale)


def test_centring_keeps_float32_and_sums_in_float64():
    x = np.random.default_rng(0).uniform(0.9, 1, (100_000, 2)).astype(np.float32)
    centred = Centering(x)
    assert centred(x).dtype == centred.mean.dtype == centred.scale.dtype == np.float32
    exact = x.astype(np.float64)
    np.testing.assert_allclose(centred.mean, exact.mean(axis=0), rtol=1e-7)
    assert centred.scale == pytest.approx(np.sqrt(exact.var(axis=0).mean()), rel=1e-7)


def test_a_constant_image_is_not_divided_by_zero():
    x = np.full((4, 3), 0.5, np.float32)
    assert (Centering(x)(x) == 0).all() and Centering(x).scale == 1


def test_folded_in_the_scores_of_plain_rows_are_those_of_centred_ones():
    x = clothes(50)[0].astype(np.float64)
    network = small(np.random.default_rng(0), dtype=np.float64)
    network.layers[0].params["b"][...] = np.arange(16)
    centred, before = Centering(x), network.predict(Centering(x)(x))
    later = {k: w.copy() for k, w in network.params.items() if k[0] != "0"}
    assert np.abs(network.predict(x) - before).max() > 0.1
    centred.fold_into(network)
    np.testing.assert_allclose(network.predict(x), before, rtol=1e-10, atol=1e-10)
    for name, w in later.items():
        np.testing.assert_array_equal(network.params[name], w)


# ------------------------------------------------------------- network and recipe


def test_build():
    rng = np.random.default_rng(0)
    network = build(rng, (5, 4, 3, 2), dropout=0.3)
    assert repr(network) == (
        "Network(Dense(5, 4), ReLU(), Dropout(0.3), Dense(4, 3), ReLU(), Dropout(0.3), "
        "Dense(3, 2))"
    )
    assert network.layers[2].rng is network.layers[5].rng is rng
    assert {w.dtype for w in network.params.values()} == {np.dtype(np.float32)}
    double = build(np.random.default_rng(0), (5, 4, 3, 2), dtype=np.float64)
    for name, w in double.params.items():
        assert w.dtype == np.float64
        np.testing.assert_array_equal(w.astype(np.float32), network.params[name])


def test_build_of_itself_makes_the_finished_network():
    network = build(np.random.default_rng(0))
    assert repr(network) == (
        "Network(Dense(784, 512), ReLU(), Dropout(0.2), Dense(512, 256), ReLU(), "
        "Dropout(0.2), Dense(256, 10))"
    )
    W = network.params["0.W"]
    assert W.std() == pytest.approx(np.sqrt(2 / 784), rel=0.01)  # He's start


def test_the_recipe():
    loss, optimizer, schedule = recipe()
    assert repr(loss) == "SoftmaxCrossEntropy(label_smoothing=0.1)"
    assert repr(optimizer) == (
        "AdamW(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.1)"
    )
    rates = {0: 2e-3 / 31, 15: 2e-3 * 16 / 31, 30: 2e-3, 65: 1e-3, 100: 0}
    for step, rate in rates.items():
        assert schedule(step, 100) == pytest.approx(rate, abs=1e-12)


def test_every_recipe_is_new():
    for one, other in zip(recipe(), recipe(), strict=True):
        assert one is not other


# ------------------------------------------------------------- train


@pytest.mark.parametrize("centre", [True, False])
def test_train_is_fit_on_centred_rows_then_folded(centre):
    rng = np.random.default_rng(3)
    network = small(rng)
    centred = Centering(TRAIN[0]) if centre else lambda x: x
    (x, y), (x_held, y_held) = TRAIN, HELD
    loss, optimizer, schedule = recipe()
    history = fit(
        network,
        loss,
        optimizer,
        (centred(x), y),
        (centred(x_held), y_held),
        epochs=4,
        batch_size=256,
        rng=rng,
        schedule=schedule,
    )
    if centre:
        centred.fold_into(network)
    assert equal(trained(validation=HELD, centre=centre), (network, history))


def test_it_hands_over_a_network_for_plain_rows():
    network, history = trained(epochs=60, validation=HELD)
    found = evaluate(network, recipe()[0], *HELD)
    assert found["loss"] == pytest.approx(history["validation_loss"][-1], rel=1e-5)
    assert found["accuracy"] == history["validation_accuracy"][-1] > 0.9
    assert history["loss"][-1] < history["loss"][0] / 1.5


def test_it_builds_a_network_for_the_data():
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    network, history = train(TRAIN, rng, epochs=1)
    assert repr(network) == repr(build(other, (5, 512, 256, 3)))
    again = train(TRAIN, np.random.default_rng(0), epochs=1)
    assert equal((network, history), again) and list(history) == ["loss", "accuracy"]
    assert not equal(again, train(TRAIN, np.random.default_rng(1), epochs=1))


def test_what_follows_the_first_two_of_the_data_is_left_alone():
    assert equal(trained(data=(*TRAIN, object(), object())), trained())


def test_data_and_arguments_stay_as_they_were():
    x, y = TRAIN[0].astype(np.float64), TRAIN[1]
    pairs = {"data": (x, y), "validation": HELD}
    before = copy.deepcopy(pairs)
    network, history = trained(**pairs)
    for name, pair in pairs.items():
        for a, b in zip(pair, before[name], strict=True):
            np.testing.assert_array_equal(a, b)
    assert {w.dtype for w in network.params.values()} == {np.dtype(np.float32)}
    assert equal((network, history), trained(validation=HELD))


@pytest.mark.parametrize(
    "place, other", list(enumerate([SoftmaxCrossEntropy(), Adam(), constant(1e-3)]))
)
def test_each_of_other_parts_is_used(place, other):
    parts = list(recipe())
    parts[place] = other
    assert not equal(trained(parts=parts), trained())
    assert parts[1].t == 8  # 300 rows, 256 a step: 2 steps an epoch


def test_it_trains_for_25_epochs():
    rng = np.random.default_rng(0)
    assert len(train(TRAIN, rng, network=small(rng))[1]["loss"]) == 25


@pytest.mark.parametrize("done", [1, 3])
def test_continued_it_ends_as_if_never_stopped(done, tmp_path):
    parts, rng = recipe(), np.random.default_rng(3)

    def stop(network, history):
        checkpoint.save(tmp_path / "on", network, parts[1], history=history, rng=rng)
        return len(history["loss"]) == done

    train(
        TRAIN,
        rng,
        epochs=4,
        validation=HELD,
        network=small(rng),
        parts=parts,
        after_epoch=stop,
    )
    network, optimizer, history, rng = checkpoint.resume(tmp_path / "on")
    assert len(history["loss"]) == done
    options = {"epochs": 4, "validation": HELD, "network": network, "history": history}
    parts = parts[0], optimizer, parts[2]
    assert equal(train(TRAIN, rng, parts=parts, **options), trained(validation=HELD))


# ------------------------------------------------------------- the stored studies


def plan(network, parts=None, centre=True, epochs=25):
    """All that a run of a study can differ in, but for its seed."""
    loss, optimizer, schedule = parts or recipe()
    rates = tuple(schedule(step, 10) for step in range(10))
    return repr(network), repr(loss), repr(optimizer), rates, centre, epochs


@pytest.mark.parametrize("name", ["comparison", "ablation", "seeds"])
def test_a_study_still_makes_the_rows_that_are_stored(name, monkeypatch):
    x, y = np.random.default_rng(0).random((240, 784), np.float32), np.arange(240) % 10
    plans, starts, seen = [], [], set()

    def one_epoch(data, rng, **options):
        plans.append(plan(**options))
        starts.append(float(options["network"].params["0.W"][0, 0]))
        seen.update(data[0][:, 0].tolist())
        return train(data, rng, **options | {"epochs": 1})

    def share_seen(network, loss, x, y):
        return {"accuracy": np.mean([row in seen for row in x[:, 0].tolist()])}

    data = x[:120], y[:120], x[120:], y[120:]
    monkeypatch.setattr(study, "load_fashion_mnist", lambda: data)
    monkeypatch.setattr(study, "train", one_epoch)
    monkeypatch.setattr(study, "evaluate", share_seen)
    made = list(getattr(study, name)())
    with (study.RESULTS / f"first_{name}.csv").open(
        newline="", encoding="utf-8"
    ) as file:
        stored = list(csv.DictReader(file))
    assert made[0].keys() == stored[0].keys()
    for column in ("name", "seed", "parameters"):
        assert [str(row[column]) for row in made] == [row[column] for row in stored]
    assert {row["accuracy"] for row in made} == {"0.0000"}  # on rows held out
    names = [row["name"] for row in made]
    planned = set(zip(names, plans, strict=True))
    assert len(planned) == len(set(names)) == len(set(plans))
    assert len(set(zip(names, starts, strict=True))) == len(made)
    finished = plan(build(np.random.default_rng(0)))
    assert dict(planned).get("the recipe", finished) == finished
