"""Make optimizers.json: paths that PyTorch 2.13's optimizers walk, in float64.

pip install torch==2.13.0, then: python tests/reference/make_optimizers.py
"""

import json
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)
START = {"W": [[0.5, -1.0, 2.0], [0.25, 0.0, -3.0]], "b": [1.0, -0.5, 0.125]}
STEPS = 14
NOTHING, CLIFF = 4, 8  # the steps whose gradients are 0, and a million times larger
RATES = [0.1 / (1 + 0.3 * step) for step in range(STEPS)]

BETAS = [
    {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    {"beta1": 0.5, "beta2": 0.9, "eps": 1e-4},
    {"beta1": 0.95, "beta2": 0.95, "eps": 1.0},
    {"beta1": 0.0, "beta2": 0.99, "eps": 1e-6},
]
SETTINGS = {  # in our words
    "SGD": [
        {},
        *(
            {"momentum": momentum, "nesterov": nesterov}
            for momentum in (0.5, 0.9, 0.99)
            for nesterov in (False, True)
        ),
    ],
    "RMSprop": [
        {"decay": 0.99, "eps": 1e-8},
        {"decay": 0.9, "eps": 1e-4},
        {"decay": 0.5, "eps": 1.0},
    ],
    "Adam": BETAS,
    "AdamW": [
        {**betas, "weight_decay": decay}
        for betas, decay in zip(BETAS, (0.01, 0.5, 0.0, 0.1), strict=True)
    ],
    "NAdam": [
        {**betas, "momentum_decay": decay}
        for betas, decay in zip(BETAS, (0.004, 0.004, 1.0, 0.0), strict=True)
    ],
}


def in_their_words(settings):
    """The same settings under PyTorch's names."""
    theirs = dict(settings)
    if "decay" in theirs:
        theirs["alpha"] = theirs.pop("decay")
    if "beta1" in theirs:
        theirs["betas"] = theirs.pop("beta1"), theirs.pop("beta2")
    return theirs


def draw_gradients():
    """Two arrays of gradients a step, among them one of zeros and one of millions."""
    torch.manual_seed(0)
    factors = [1.0] * STEPS
    factors[NOTHING], factors[CLIFF] = 0.0, 1e6
    return [
        {name: (factor * torch.randn_like(w)).tolist() for name, w in tensors().items()}
        for factor in factors
    ]


def tensors():
    return {name: torch.tensor(w) for name, w in START.items()}


def walk(name, settings, gradients, rates):
    """Where the parameters are after every step."""
    params = tensors()
    kind = getattr(torch.optim, name)
    optimizer = kind(params.values(), lr=rates[0], **in_their_words(settings))
    path = []
    for lr, grads in zip(rates, gradients, strict=True):
        optimizer.param_groups[0]["lr"] = lr
        for name, w in params.items():
            w.grad = torch.tensor(grads[name])
        optimizer.step()
        path.append({name: w.tolist() for name, w in params.items()})
    return path


def main():
    gradients = draw_gradients()
    walks = [
        {
            "optimizer": name,
            "settings": settings,
            "rates": rates,
            "path": walk(name, settings, gradients, rates),
        }
        for name, all_settings in SETTINGS.items()
        for settings in all_settings
        for rates in ([0.05] * STEPS, RATES)
    ]
    found = {"start": START, "gradients": gradients, "walks": walks}
    target = Path(__file__).with_name("optimizers.json")
    target.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
