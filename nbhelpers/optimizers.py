"""Optimizers: what to do with a gradient; and the rates of the steps.

Every optimizer has `lr` and `step(params, grads)`, which updates each array of the dict
`params` in place from the gradient of the same name. Exported from
notebooks/06_optimizers.ipynb.
"""

import math

import numpy as np

from nbhelpers.checks import check_grads, check_number


class SGD:
    """Steps along the gradient, or along its running sum with momentum.

    The velocity is u = momentum * u + g and the step -lr * u; with Nesterov's form
    the step is -lr * (g + momentum * u). Sutskever, Martens, Dahl and Hinton, On the
    importance of initialization and momentum in deep learning, 2013, in the
    arrangement that keeps lr out of u, so that a changed rate acts at once.
    Raises ValueError for lr below 0, momentum outside [0, 1), nesterov without it.
    """

    def __init__(self, lr, momentum=0.0, nesterov=False):
        check_number("SGD", "lr", lr, 0)
        check_number("SGD", "momentum", momentum, 0, 1, open_high=True)
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov needs a momentum above 0")
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.u = {}

    def step(self, params, grads):
        check_grads("SGD", params, grads)
        for name, w in params.items():
            g = grads[name]
            if self.momentum:
                u = self.u.setdefault(name, np.zeros_like(w))
                u *= self.momentum
                u += g
                g = g + self.momentum * u if self.nesterov else u
            w -= self.lr * g


class RMSprop:
    """Steps divided by the running root mean square of the gradient.

    s = decay * s + (1 - decay) * g^2 and the step -lr * g / (sqrt(s) + eps).
    Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012.
    Raises ValueError for lr or eps below 0 and decay outside [0, 1).
    """

    def __init__(self, lr=1e-3, decay=0.99, eps=1e-8):
        check_number("RMSprop", "lr", lr, 0)
        check_number("RMSprop", "decay", decay, 0, 1, open_high=True)
        check_number("RMSprop", "eps", eps, 0)
        self.lr, self.decay, self.eps = lr, decay, eps
        self.s = {}

    def step(self, params, grads):
        check_grads("RMSprop", params, grads)
        for name, w in params.items():
            g = grads[name]
            s = self.s.setdefault(name, np.zeros_like(w))
            s += (1 - self.decay) * (g * g - s)
            w -= self.lr * g / (np.sqrt(s) + self.eps)


class Adam:
    """Steps of -lr * m / (sqrt(v) + eps): m, v are running averages of g and g^2.

    Over 1 - beta^t, as they start at 0: Kingma and Ba, 2015. Betas are in [0, 1).
    """

    def __init__(self, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        check_number(type(self).__name__, "lr", lr, 0)
        check_number(type(self).__name__, "beta1", beta1, 0, 1, open_high=True)
        check_number(type(self).__name__, "beta2", beta2, 0, 1, open_high=True)
        check_number(type(self).__name__, "eps", eps, 0)
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.t, self.m, self.v = 0, {}, {}

    def step(self, params, grads):
        check_grads(type(self).__name__, params, grads)
        self.t += 1
        c1, c2 = 1 - self.beta1**self.t, 1 - self.beta2**self.t
        for name, w in params.items():
            m, v = self.averages(name, grads[name])
            w -= self.lr / c1 * m / (np.sqrt(v) / math.sqrt(c2) + self.eps)

    def averages(self, name, g):
        """The running averages of g and of g^2, with this gradient taken in."""
        m = self.m.setdefault(name, np.zeros_like(g))
        v = self.v.setdefault(name, np.zeros_like(g))
        m += (1 - self.beta1) * (g - m)
        v += (1 - self.beta2) * (g * g - v)
        return m, v


class AdamW(Adam):
    """Adam, with every weight shrunk by lr * weight_decay of itself before the step.

    Loshchilov and Hutter, Decoupled weight decay regularization, 2019. Raises
    ValueError as Adam does, and for a negative weight_decay.
    """

    def __init__(self, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
        super().__init__(lr, beta1, beta2, eps)
        check_number("AdamW", "weight_decay", weight_decay, 0)
        self.weight_decay = weight_decay

    def step(self, params, grads):
        check_grads(type(self).__name__, params, grads)
        for w in params.values():
            w *= 1 - self.lr * self.weight_decay
        super().step(params, grads)


class NAdam(Adam):
    """Adam that looks ahead as Nesterov's momentum does.

    beta1 is warmed up: mu_t = beta1 * (1 - 0.5 * 0.96^(t * momentum_decay)).
    Dozat, Incorporating Nesterov momentum into Adam, 2016, with PyTorch's default
    momentum_decay 0.004 (Keras has 1). Raises ValueError as Adam does.
    """

    def __init__(self, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, momentum_decay=0.004):
        super().__init__(lr, beta1, beta2, eps)
        check_number("NAdam", "momentum_decay", momentum_decay, 0)
        self.momentum_decay, self.mu_product = momentum_decay, 1.0

    def mu(self, t):
        """The momentum of step t."""
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def step(self, params, grads):
        check_grads(type(self).__name__, params, grads)
        self.t += 1
        now, ahead = self.mu(self.t), self.mu(self.t + 1)
        self.mu_product *= now
        of_g = self.lr * (1 - now) / (1 - self.mu_product)
        of_m = self.lr * ahead / (1 - self.mu_product * ahead)
        c2 = 1 - self.beta2**self.t
        for name, w in params.items():
            m, v = self.averages(name, grads[name])
            step = of_g * grads[name] + of_m * m
            w -= step / (np.sqrt(v) / math.sqrt(c2) + self.eps)


def constant(lr):
    """The same rate at every step."""
    check_number("constant", "lr", lr, 0)
    return lambda step, total_steps: lr


def step_decay(lr, factor=0.1, drops=2):
    """lr, multiplied by factor `drops` times, at equal distances through training."""
    check_number("step_decay", "lr", lr, 0)
    check_number("step_decay", "factor", factor, 0)
    check_number("step_decay", "drops", drops, 0)
    return lambda step, total_steps: lr * factor ** (step * (drops + 1) // total_steps)


def exponential_decay(lr, final=0.01):
    """From lr down to final * lr, by the same factor at every step."""
    check_number("exponential_decay", "lr", lr, 0)
    check_number("exponential_decay", "final", final, np.finfo(float).tiny)
    return lambda step, total_steps: lr * final ** (step / total_steps)


def cosine(lr, final=0.0):
    """From lr down to final * lr along half a cosine.

    Loshchilov and Hutter, SGDR, 2017, without its restarts.
    """
    check_number("cosine", "lr", lr, 0)
    check_number("cosine", "final", final, 0)

    def rate(step, total_steps):
        fall = (1 + math.cos(math.pi * step / total_steps)) / 2
        return lr * (final + (1 - final) * fall)

    return rate


def warmup_cosine(lr, warmup=0.3, final=0.0):
    """A straight climb to lr over the first share `warmup` of the steps, then `cosine`.

    One cycle of the kind in Smith and Topin, Super-convergence, 2018.
    """
    check_number("warmup_cosine", "warmup", warmup, 0, 1)
    down = cosine(lr, final)

    def rate(step, total_steps):
        climb = warmup * total_steps
        if step < climb:
            return lr * (step + 1) / (climb + 1)
        return down(step - climb, total_steps - climb)

    return rate


def clip_gradients(grads, max_norm):
    """The gradients, scaled down together where their joint length exceeds max_norm.

    Returns a new dict; the arrays given are not changed. Raises ValueError for a
    max_norm that is not positive. Pascanu, Mikolov and Bengio, On the difficulty of
    training recurrent neural networks, 2013.
    """
    check_number("clip_gradients", "max_norm", max_norm, np.finfo(float).tiny)
    squares = (np.square(g, dtype=float).sum() for g in grads.values())
    norm = math.sqrt(sum(squares))
    check_number("clip_gradients", "the length of all gradients together", norm)
    scale = min(1.0, max_norm / norm) if norm > 0 else 1.0
    return {name: g * scale for name, g in grads.items()}
