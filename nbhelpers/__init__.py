"""A neural network from scratch in NumPy, one module for each notebook of the series.

single_pass, layers, activations, losses, dynamic_network, optimizers, generalization
and fashion_mnist are exported from the notebooks of these names, and each imports only
from those before it. `python -m nbhelpers` trains the finished network.
"""

__version__ = "2.0.0.dev0"
