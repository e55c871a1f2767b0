"""Optimizers: what to do with a gradient; and the rates of the steps.

Each is what `Optimizer` of page 05 asks for: `move`, the change of one array of weights
w by its gradient g. Exported from notebooks/06_optimizers.ipynb.
"""

import math
from collections.abc import Callable

import numpy as np

from nbhelpers import in_place
from nbhelpers.border import border, finite
from nbhelpers.dynamic_network import Optimizer


class SGD(Optimizer):
    """Steps along the gradient, or along its running sum with momentum.

    The velocity is u = momentum * u + g and the step -lr * u; with Nesterov's form
    the step is -lr * (g + momentum * u). Sutskever, Martens, Dahl and Hinton, On the
    importance of initialization and momentum in deep learning, 2013, in the
    arrangement that keeps lr out of u, so that a changed rate acts at once.
    Raises ValueError for lr below 0, momentum outside [0, 1), nesterov without it.
    """

    settings, slots = ("lr", "momentum", "nesterov"), ("u",)

    @border(lr="[0, inf)", momentum="[0, 1)", nesterov="true or false")
    def __init__(self, lr: float, momentum: float = 0.0, nesterov: bool = False):
        super().__init__(lr)
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov needs a momentum above 0")
        self.momentum, self.nesterov = momentum, nesterov

    def move(self, w, g, u):
        u *= self.momentum
        u += g
        w -= self.lr * (g + self.momentum * u if self.nesterov else u)


class RMSprop(Optimizer):
    """Steps divided by the running root mean square of the gradient.

    s is the running mean of g^2 and the step -lr * g / (sqrt(s) + eps).
    Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012.
    Raises ValueError for lr or eps below 0 and decay outside [0, 1).
    """

    settings, slots = ("lr", "decay", "eps"), ("s",)

    @border(lr="[0, inf)", decay="[0, 1)", eps="[0, inf)")
    def __init__(self, lr: float = 1e-3, decay: float = 0.99, eps: float = 1e-8):
        super().__init__(lr)
        self.decay, self.eps = decay, eps

    def move(self, w, g, s):
        s[...] = self.decay * s + (1 - self.decay) * g**2
        w -= self.lr * g / (np.sqrt(s) + self.eps)


class Adam(Optimizer):
    """Steps of -lr * m / (sqrt(v) + eps): m, v are the running means of g and g^2.

    Both start at 0 and are corrected for it. Kingma and Ba, Adam: a method for
    stochastic optimization, 2015, algorithm 1.
    Raises ValueError for lr or eps below 0 and betas outside [0, 1).
    """

    settings, slots = ("lr", "beta1", "beta2", "eps"), ("m", "v")

    @border(lr="[0, inf)", beta1="[0, 1)", beta2="[0, 1)", eps="[0, inf)")
    def __init__(
        self, lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999,
        eps: float = 1e-8,
    ):  # fmt: skip
        super().__init__(lr)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    @in_place.computed_by(in_place.adam)
    def move(self, w, g, m, v):
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g**2
        m_hat = m / (1 - self.beta1**self.t)
        v_hat = v / (1 - self.beta2**self.t)
        w -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


class NAdam(Adam):
    """Adam that looks ahead as Nesterov's momentum does.

    beta1 is warmed up: mu_t = beta1 * (1 - 0.5 * 0.96^(t * momentum_decay)).
    Dozat, Incorporating Nesterov momentum into Adam, 2016, with PyTorch's default
    momentum_decay 0.004 (Keras has 1). Raises ValueError as Adam does.
    """

    settings = (*Adam.settings, "momentum_decay")

    @border(momentum_decay="[0, inf)")
    def __init__(
        self, lr: float = 2e-3, beta1: float = 0.9, beta2: float = 0.999,
        eps: float = 1e-8, momentum_decay: float = 0.004,
    ):  # fmt: skip
        super().__init__(lr, beta1, beta2, eps)
        self.momentum_decay, self.mu_product = momentum_decay, 1.0

    def mu(self, t: int) -> float:
        """The momentum of step t."""
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def begin(self):
        super().begin()
        self.mu_product *= self.mu(self.t)

    def move(self, w, g, m, v):
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g**2
        now, ahead = self.mu(self.t), self.mu(self.t + 1)
        m_hat = ahead * m / (1 - self.mu_product * ahead)
        g_hat = (1 - now) * g / (1 - self.mu_product)
        v_hat = v / (1 - self.beta2**self.t)
        w -= self.lr * (m_hat + g_hat) / (np.sqrt(v_hat) + self.eps)


class AdamW(Adam):
    """Adam, with every array shrunk by lr * weight_decay of itself before the step.

    Biases too, as in PyTorch. In the paper the decay is not multiplied by lr:
    Loshchilov and Hutter, Decoupled weight decay regularization, 2019. Raises
    ValueError as Adam does, and for a negative weight_decay.
    """

    settings = (*Adam.settings, "weight_decay")

    @border(weight_decay="[0, inf)")
    def __init__(
        self, lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999,
        eps: float = 1e-8, weight_decay: float = 0.01,
    ):  # fmt: skip
        super().__init__(lr, beta1, beta2, eps)
        self.weight_decay = weight_decay

    def move(self, w, g, m, v):
        w *= 1 - self.lr * self.weight_decay
        super().move(w, g, m, v)


@border(lr="[0, inf)")
def constant(lr: float) -> Callable:
    """The same rate at every step."""
    return lambda step, total_steps: lr


@border(lr="[0, inf)", factor="[0, inf)", drops="[0, inf)")
def step_decay(lr: float, factor: float = 0.1, drops: int = 2) -> Callable:
    """lr, multiplied by factor `drops` times, at equal distances through training."""
    return lambda step, total_steps: lr * factor ** (step * (drops + 1) // total_steps)


@border(lr="[0, inf)", final="(0, inf)")
def exponential_decay(lr: float, final: float = 0.01) -> Callable:
    """From lr down to final * lr, by the same factor at every step."""
    return lambda step, total_steps: lr * final ** (step / total_steps)


@border(lr="[0, inf)", final="[0, inf)")
def cosine(lr: float, final: float = 0.0) -> Callable:
    """From lr down to final * lr along half a cosine.

    Loshchilov and Hutter, SGDR, 2017, without its restarts.
    """

    def rate(step, total_steps):
        fall = (1 + math.cos(math.pi * step / total_steps)) / 2
        return lr * (final + (1 - final) * fall)

    return rate


@border(warmup="[0, 1]")
def warmup_cosine(lr: float, warmup: float = 0.3, final: float = 0.0) -> Callable:
    """A straight climb to lr over the first share `warmup` of the steps, then `cosine`.

    One cycle of the kind in Smith and Topin, Super-convergence, 2018.
    """
    down = cosine(lr, final)

    def rate(step, total_steps):
        climb = warmup * total_steps
        if step < climb:
            return lr * (step + 1) / (climb + 1)
        return down(step - climb, total_steps - climb)

    return rate


@border(max_norm="(0, inf)")
def clip_gradients(grads: dict, max_norm: float) -> dict:
    """The gradients, scaled down together where their global norm exceeds max_norm.

    Returns a new dict; the arrays given are not changed. For `fit`:
    before_step=lambda grads: clip_gradients(grads, 1.0). Raises ValueError for a
    max_norm that is not positive and a norm that is not finite. Pascanu, Mikolov and
    Bengio, On the difficulty of training recurrent neural networks, 2013.
    """
    squares = (np.square(g, dtype=float).sum() for g in grads.values())
    norm = math.sqrt(sum(squares))
    finite("clip_gradients", "the global norm of the gradients", norm)
    scale = min(1.0, max_norm / norm) if norm > 0 else 1.0
    return {name: g * scale for name, g in grads.items()}
