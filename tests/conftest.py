"""What the tests share: one run like the next, and axes to draw on."""

import warnings

import matplotlib
import matplotlib.pyplot as plt
import pytest
from hypothesis import settings

from nbhelpers import figures

# Hypothesis draws the same examples on every run and keeps no database.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")

collect_ignore = ["browser"]  # `make web` and `make site` run what is there
matplotlib.use("Agg")  # no window, whatever the machine


@pytest.fixture
def ax():
    """Axes in the style of the series; warnings are errors, no figure stays open."""
    with plt.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        figures.style()
        yield plt.subplots(figsize=(8, 5))[1]
        plt.close("all")
