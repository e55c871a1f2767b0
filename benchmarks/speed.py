"""Race nbhelpers against PyTorch, scikit-learn and the bare matrix products.

python benchmarks/speed.py [REPEATS]    as `make bench` does

Every contestant lives in a process of its own and waits while another runs; they take
turns, epoch by epoch, so that a slow moment of the machine hits all alike.  Prints the
medians and their ratios; writes speed.md and speed.png beside this file, and the table
of the two smaller networks into the project's README.
"""

import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from nbhelpers.figures import COLORS, style

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
NETWORKS = ("784-128-10", "784-256-128-10", "784-512-256-10")
NAMES = ("nbhelpers", "PyTorch", "scikit-learn", "products")
THREADS = (1, 2)
IMAGES = 60_000 * 784 * 4  # bytes of the training images in float32
PAUSE = 0.1  # seconds: the threads of whoever ran last go to sleep


def start(name, sizes, threads):
    """The contestant's process, and the seconds until its network stood."""
    command = [sys.executable, HERE / "contestants.py", name, sizes, str(threads)]
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "built\n", f"{name} did not start"
    built = time.perf_counter() - begin
    assert process.stdout.readline() == "ready\n", f"{name} did not train"
    return process, built


def ask(process, word):
    """The number with which the contestant answers."""
    time.sleep(PAUSE)
    process.stdin.write(word + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def race(sizes, threads, repeats):
    """For every contestant the medians of "epoch" and "predict"; "memory", "built"."""
    runners, found = {}, {}
    for name in NAMES:
        runners[name], built = start(name, sizes, threads)
        found[name] = {"built": built, "epoch": [], "predict": []}
    for _ in range(repeats):
        for word in ("epoch", "predict"):
            for name, process in runners.items():
                found[name][word].append(ask(process, word))
    for name, process in runners.items():
        found[name]["memory"] = ask(process, "memory")
        for word in ("epoch", "predict"):
            found[name][word] = statistics.median(found[name][word])
        process.stdin.close()
        process.wait()
    return found


def ratio(found, name):
    """The seconds of their epoch over ours; for the products ours over theirs."""
    value = found[name]["epoch"] / found["nbhelpers"]["epoch"]
    return f"{1 / value if name == 'products' else value:.2f}"


def race_table(results):
    """Seconds of an epoch and ratios as Markdown, a row a network and threads."""
    lines = [
        "| network | threads | nbhelpers | PyTorch | scikit-learn | products alone "
        "| PyTorch / ours | scikit-learn / ours | ours / products |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (sizes, threads), found in results.items():
        cells = [sizes, str(threads)]
        cells += [f"{found[name]['epoch']:.3f} s" for name in NAMES]
        cells += [ratio(found, name) for name in NAMES[1:]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def other_table(results):
    """Start, prediction and memory as Markdown, a row a contestant."""
    lines = [
        "| 784-128-10, one thread | from start to first epoch | 10,000 images | "
        "most memory, in training sets |",
        "|---|---|---|---|",
    ]
    for name, found in results[NETWORKS[0], 1].items():
        memory = found["memory"] / IMAGES
        lines.append(
            f"| {name} | {found['built']:.1f} s | {1000 * found['predict']:.0f} ms "
            f"| {memory:.1f} |"
        )
    return "\n".join(lines) + "\n"


def draw(results):
    """Bars: seconds of an epoch, a group for every network and number of threads."""
    style()
    fig, ax = plt.subplots(figsize=(8, 3.8))
    colors = [COLORS[name] for name in ("blue", "orange", "green")] + ["#BBBBBB"]
    for i, (name, color) in enumerate(zip(NAMES, colors, strict=True)):
        places = [j + 0.2 * (i - 1.5) for j in range(len(results))]
        heights = [found[name]["epoch"] for found in results.values()]
        label = "matrix products alone" if name == "products" else name
        ax.bar(places, heights, 0.19, color=color, label=label)
    names = [f"{sizes}\n{threads} thread" for sizes, threads in results]
    ax.set_xticks(
        range(len(results)), [n + "s" * n.endswith("2 thread") for n in names]
    )
    ax.tick_params(axis="x", labelsize=9, length=0)
    ax.grid(axis="x", visible=False)
    ax.set(ylabel="seconds", title="An epoch of 60,000 images, batch 128, Adam")
    ax.legend(frameon=False)
    fig.savefig(HERE / "speed.png")


def put_into_readme(text):
    """Replace what stands between the two comments that name the benchmark."""
    page = README.read_text(encoding="utf-8")
    before, rest = page.split("<!-- from make bench -->\n")
    _, after = rest.split("<!-- until here -->\n")
    new = f"{before}<!-- from make bench -->\n{text}<!-- until here -->\n{after}"
    README.write_text(new, encoding="utf-8")


def main():
    """Race every network with every number of threads."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    results = {}
    for sizes in NETWORKS:
        for threads in THREADS:
            results[sizes, threads] = race(sizes, threads, repeats)
            seconds = {
                n: round(f["epoch"], 3) for n, f in results[sizes, threads].items()
            }
            print(sizes, threads, seconds, flush=True)
    small = {key: found for key, found in results.items() if key[0] in NETWORKS[:2]}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, NumPy with OpenBLAS"
    text = f"Seconds of an epoch, medians of {repeats}, on {machine}.\n\n"
    text += race_table(results) + "\n" + other_table(results)
    print("\n" + text)
    (HERE / "speed.md").write_text(text, encoding="utf-8")
    put_into_readme(race_table(small))
    draw(results)


if __name__ == "__main__":
    main()
