"""The studies: what they train and store, and that they go on where they stopped."""

import numpy as np
import pytest

import study
from nbhelpers import fashion_mnist
from nbhelpers.dynamic_network import evaluate
from nbhelpers.fashion_mnist import build
from nbhelpers.losses import SoftmaxCrossEntropy


def clothes(n, seed=0):
    """n rows of 5 numbers in [0, 1], far from centred, of 3 classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    x = rng.uniform(0.6, 0.8, (n, 5))
    x[np.arange(n), y] += 0.2
    return x.astype(np.float32), y


TRAIN, HELD = clothes(300), clothes(100, 1)
SMALL = {"sizes": (5, 16, 3), "epochs": 4}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """An empty folder for results."""
    monkeypatch.setattr(study, "RESULTS", tmp_path)
    return tmp_path


def same(a, b):
    return all(np.array_equal(w, b.params[name]) for name, w in a.params.items())


# ------------------------------------------------------------- a training


def test_the_recipe_is_that_of_the_notebook():
    network, found = study.trained(TRAIN, HELD, 3, **SMALL | study.RECIPE)
    rng = np.random.default_rng(3)
    wanted = build(rng, (5, 16, 3))
    fashion_mnist.train(TRAIN, rng, network=wanted, epochs=4)
    assert same(network, wanted)
    for name, pair in (("train", TRAIN), ("accuracy", HELD)):
        share = evaluate(wanted, SoftmaxCrossEntropy(), *pair)["accuracy"]
        assert found[name] == f"{share:.4f}"
    assert found["parameters"] == 5 * 16 + 16 + 16 * 3 + 3


@pytest.mark.parametrize(
    "change",
    [
        {"dropout": 0.2},
        {"smoothing": 0.1},
        {"optimizer": study.RECIPE["optimizer"]},
        {"schedule": study.warmup_cosine},
        {"rate": 2e-3},
        {"epochs": 5},
        {"batch_size": 100},
        {"centre": False},
        {"sizes": (5, 8, 3)},
        {"vary": lambda x, rng: x + rng.random(x.shape, np.float32)},
    ],
)
def test_every_option_counts(change):
    plain, _ = study.trained(TRAIN, HELD, 3, **SMALL)
    other, _ = study.trained(TRAIN, HELD, 3, **SMALL | change)
    assert repr(plain) != repr(other) or not same(plain, other)


def test_images_vary_anew_each_epoch_of_the_same_training():
    draws = []

    def vary(x, rng):
        draws.append((x, rng.bit_generator.state["state"]["state"]))
        return x

    varied, _ = study.trained(TRAIN, HELD, 3, **SMALL, vary=vary)
    assert same(varied, study.trained(TRAIN, HELD, 3, **SMALL)[0])
    assert len({state for _, state in draws}) == len(draws) == 4
    assert all(x is TRAIN[0] for x, _ in draws)


def test_losses_are_those_held_out_after_each_epoch():
    network, found = study.trained(TRAIN, HELD, 3, **SMALL, watch=True, smoothing=0.3)
    losses = np.array(found["losses"].split(), float)
    last = evaluate(network, SoftmaxCrossEntropy(), *HELD)["loss"]
    assert len(losses) == 4 and losses[-1] == pytest.approx(last, abs=1e-4)
    assert study.trained(TRAIN, HELD, 3, **SMALL)[1]["losses"] == ""


def test_early_stopping_goes_back_to_the_lowest_loss():
    options = SMALL | {"epochs": 100, "rate": 0.3, "schedule": study.constant}
    network, found = study.trained(TRAIN, HELD, 3, **options, patience=3)
    losses = [float(loss) for loss in found["losses"].split()]
    assert len(losses) == losses.index(min(losses)) + 4 < 100
    last = evaluate(network, SoftmaxCrossEntropy(), *HELD)["loss"]
    assert last == pytest.approx(min(losses), abs=1e-4)


def test_it_measures_a_diverged_training_as_it_was_before():
    with np.errstate(all="ignore"):
        _, found = study.trained(TRAIN, HELD, 3, **SMALL, rate=1e30, smoothing=0.1)
    assert 0 <= float(found["accuracy"]) < 0.7


def test_a_flip_mirrors_half_of_the_images():
    x = np.random.default_rng(0).random((400, 784), np.float32)
    before, mirrored = x.copy(), x.reshape(-1, 28, 28)[:, :, ::-1].reshape(-1, 784)
    found = study.flipped(x, np.random.default_rng(1))
    np.testing.assert_array_equal(x, before)
    turned = (found == mirrored).all(axis=1)
    np.testing.assert_array_equal(found[~turned], x[~turned])
    assert 160 < turned.sum() < 240


def test_a_shift_moves_images_by_a_pixel_at_most_and_fills_with_0():
    image = np.zeros((28, 28), np.float32)
    image[0, 5] = 1
    rows = np.tile(image.ravel(), (900, 1))
    found = study.shifted(rows, np.random.default_rng(0)).reshape(-1, 28, 28)
    places = [tuple(np.argwhere(one)[0].tolist()) for one in found if one.any()]
    assert set(places) == {(down, right) for down in (0, 1) for right in (4, 5, 6)}
    assert 540 < len(places) < 660  # a third has left at the top
    assert found.sum() == len(places) and found.dtype == np.float32


# ------------------------------------------------------------- storing


def toy():
    """A study of three lines."""
    for seed in range(3):
        yield {"name": "toy", "seed": seed}, lambda seed: (None, {"accuracy": seed / 2})


def test_a_stopped_study_goes_on(results):
    def stopped():
        yield next(iter(toy()))
        raise KeyboardInterrupt

    stopped.__name__ = "toy"
    with pytest.raises(KeyboardInterrupt):
        study.run(stopped)
    first = (results / "toy.csv").read_text()
    assert first == "name,seed,accuracy\ntoy,0,0.0\n"
    study.run(toy)
    whole = (results / "toy.csv").read_text()
    assert whole == first + "toy,1,0.5\ntoy,2,1.0\n"
    study.run(toy)
    assert (results / "toy.csv").read_text() == whole


@pytest.mark.parametrize("peak", [2e-5, 1e-3, 1e-1])
def test_the_search_ends_with_a_worse_rate_on_both_sides(peak, results, monkeypatch):
    def accuracy(seed, rate, **options):
        return None, {"accuracy": 1 - abs(np.log(rate / peak))}

    monkeypatch.setattr(study, "clothes", accuracy)
    study.run(study.search)
    for name, _, _ in study.contestants():
        rows = [row for row in study.stored("search") if row["name"] == name]
        rates = [float(row["rate"]) for row in rows]
        place = study.RATES.index(peak)
        assert study.best_rate(name) == peak
        assert {study.RATES[place - 1], study.RATES[place + 1]} <= set(rates)
        assert len(set(rates)) == len(rates)


# ------------------------------------------------------------- what is planned


@pytest.mark.parametrize(
    "name", [n for n in study.STUDIES if study.stored(n) and n != "search"]
)
def test_a_study_still_plans_the_lines_that_are_stored(name):
    labels = [label for label, _ in study.STUDIES[name]()]
    planned = {tuple(str(value) for value in label.values()) for label in labels}
    made = [tuple(row[key] for key in labels[0]) for row in study.stored(name)]
    assert set(made) <= planned and len(set(made)) == len(made)


@pytest.mark.parametrize("name", ["ablation", "comparison", "learning", "helps"])
def test_no_two_rows_train_alike(name, monkeypatch):
    monkeypatch.setattr(study, "best_rate", lambda name: 1e-3)
    plans = {}
    for label, work in study.STUDIES[name]():
        what = tuple(v for key, v in label.items() if key != "seed")
        plans[what] = repr(sorted(work.keywords.items()))
    assert len(set(plans.values())) == len(plans)


def test_nothing_is_trained_on_what_it_is_measured_on(monkeypatch):
    x, y = np.arange(600.0).reshape(-1, 1), np.arange(600) % 10
    pairs = []
    monkeypatch.setattr(study, "load_mnist", lambda: (x, y, None, None))
    monkeypatch.setattr(study, "load_fashion_mnist", lambda: (x, y, None, None))
    monkeypatch.setattr(study, "trained", lambda *data, **options: pairs.append(data))
    study.clothes(0)
    for seed in range(5):
        study.digits(seed, 100)
    for (data, _), (held, _), _ in pairs:
        assert len(held) == 100 and not np.isin(data, held).any()
    assert len(pairs[0][0][0]) == 500
    assert len(np.unique([data for (data, _), _, _ in pairs[1:]])) == 500


def test_the_five_together(results, monkeypatch):
    monkeypatch.setattr(study, "NETWORKS", results / "networks")
    monkeypatch.setattr(study, "load_fashion_mnist", lambda: (*TRAIN, *HELD))
    monkeypatch.setattr(study, "RECIPE", SMALL | {"epochs": 1})
    study.run(study.seeds)
    *five, together = study.stored("seeds")
    alone = [float(row["accuracy"]) for row in five]
    assert len(set(alone)) > 1
    assert min(alone) <= float(together["accuracy"])
    network = study.checkpoint.load(results / "networks" / "4.npz")
    wanted, _ = study.trained(TRAIN, HELD, 4, **study.RECIPE)
    assert same(network, wanted)
    assert int(together["parameters"]) == 5 * int(five[0]["parameters"])


def test_the_search_still_tries_the_rates_that_are_stored():
    rows = study.stored("search")
    names = {name for name, _, _ in study.contestants()}
    assert {row["name"] for row in rows} <= names
    assert {float(row["rate"]) for row in rows} <= set(study.RATES)
    assert len({(row["name"], row["rate"]) for row in rows}) == len(rows)


# ------------------------------------------------------------- the intervals


def test_holm_multiplies_by_the_number_of_those_not_smaller():
    p = {"a": 0.025, "b": 0.01, "c": 0.02, "d": 0.5}
    wanted = {"b": 0.04, "c": 0.06, "a": 0.06, "d": 0.5}
    assert study.holm(p) == pytest.approx(wanted)


def test_half_width_of_an_interval():
    assert study.half_width([1.0, 2, 3, 4, 5]) == pytest.approx(1.9632, abs=1e-4)


def test_a_report_pairs_the_seeds(capsys):
    control = [("base", 0, 0.90), ("base", 1, 0.92), ("base", 2, 0.91)]
    other = [("more", 1, 0.93), ("more", 0, 0.9102)]  # seeds in another order
    rows = [dict(zip(("name", "seed", "accuracy"), r, strict=True)) for r in control]
    rows += [dict(zip(("name", "seed", "accuracy"), r, strict=True)) for r in other]
    study.report(rows, "base")
    lines = capsys.readouterr().out.splitlines()
    assert "91.00" in lines[1] and "+1.01 +- 0.13" in lines[2]
