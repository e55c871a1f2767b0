"""The surroundings of every test and of every notebook that the tests run.

One BLAS thread, so that sums are added in the same order on every machine; the kernels
find the package whether or not it is installed; nothing is written into the tree.
"""

import os
import sys
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"  # Accelerate, on a Mac

root = str(Path(__file__).parent)
paths = [root, os.environ.get("PYTHONPATH")]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
sys.path.insert(0, root)

os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
sys.dont_write_bytecode = True
