"""Race nbhelpers against PyTorch, scikit-learn and the bare matrix products.

python benchmarks/speed.py [REPEATS]    as `make bench` does

Every contestant lives in a process of its own and waits while another runs; they take
turns, epoch by epoch, so that a slow moment of the machine hits all alike. Prints the
medians and their ratios, writes results.md and speed.png beside this file.
"""

import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

HERE = Path(__file__).parent
NETWORKS = ("784-128-10", "784-256-128-10", "784-512-256-10")
NAMES = ("nbhelpers", "pytorch", "scikit-learn", "floor")
THREADS = (1, 2)
TARGETS = {  # at least so many times faster than; at most so many times the floor
    "784-128-10": {"pytorch": 1.3, "scikit-learn": 1.7, "floor": 1.7},
    "784-256-128-10": {"pytorch": 1.15, "floor": 1.4},
    "784-512-256-10": {},
}


def race(sizes, threads, repeats):
    """The median seconds of an epoch for every contestant."""
    runners = {}
    for name in NAMES:
        command = [sys.executable, HERE / "contestants.py", name, sizes, str(threads)]
        runners[name] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert runners[name].stdout.readline() == "ready\n", name
    seconds = {name: [] for name in NAMES}
    for _ in range(repeats):
        for name, process in runners.items():
            process.stdin.write("epoch\n")
            process.stdin.flush()
            seconds[name].append(float(process.stdout.readline()))
    for process in runners.values():
        process.stdin.close()
        process.wait()
    return {name: statistics.median(values) for name, values in seconds.items()}


def table(found):
    """The results as Markdown, the targets beside the figures."""
    lines = [
        "| network | threads | nbhelpers | PyTorch | scikit-learn | products alone "
        "| PyTorch / ours | scikit-learn / ours | ours / products |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (sizes, threads), s in found.items():
        target, ours = TARGETS[sizes], s["nbhelpers"]
        cells = [sizes, str(threads), *(f"{s[name]:.3f} s" for name in NAMES)]
        for name in ("pytorch", "scikit-learn"):
            least = f" (target {target[name]})" if name in target else ""
            cells.append(f"{s[name] / ours:.2f}{least}")
        most = f" (target {target['floor']})" if "floor" in target else ""
        cells.append(f"{ours / s['floor']:.2f}{most}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(found):
    """Bars: seconds of an epoch, a group for every network and number of threads."""
    fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    colors = ("#0072B2", "#E69F00", "#009E73", "#BBBBBB")
    for i, (name, color) in enumerate(zip(NAMES, colors, strict=True)):
        places = [j + 0.2 * (i - 1.5) for j in range(len(found))]
        ax.bar(places, [s[name] for s in found.values()], 0.19, color=color, label=name)
    names = [f"{sizes}\n{threads} thread" for sizes, threads in found]
    ax.set_xticks(range(len(found)), names, fontsize=8)
    ax.set(ylabel="seconds", title="An epoch of 60,000 images, batch 128, Adam")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(HERE / "speed.png", dpi=80)


def main():
    """Race every network with every number of threads."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    found = {}
    for threads in THREADS:
        for sizes in NETWORKS:
            found[sizes, threads] = race(sizes, threads, repeats)
            print(sizes, threads, found[sizes, threads], flush=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, NumPy with OpenBLAS"
    text = f"Seconds of an epoch, medians of {repeats}, on {machine}.\n\n" + table(
        found
    )
    print("\n" + text)
    (HERE / "results.md").write_text(text, encoding="utf-8")
    draw(found)


if __name__ == "__main__":
    main()
