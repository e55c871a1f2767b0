"""Make autograd.json: what PyTorch 2.13 computes, forward and backward, in float64.

pip install torch==2.13.0, then: python tests/reference/make_autograd.py
"""

import json
from pathlib import Path

import torch
from calculations import CALCULATIONS, INPUTS

torch.set_default_dtype(torch.float64)


def both(f):
    """The value of f, and the gradients of the sum of its squares."""
    inputs = {name: torch.tensor(x, requires_grad=True) for name, x in INPUTS.items()}
    y = f(**inputs)
    (y * y).sum().backward()
    used = {name: x.grad.tolist() for name, x in inputs.items() if x.grad is not None}
    return {"value": y.tolist(), "gradients": used}


found = {name: both(f) for name, f in CALCULATIONS.items()}
target = Path(__file__).with_name("autograd.json")
target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
