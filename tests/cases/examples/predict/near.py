"""Whether two tensors agree: near.py A B."""
import sys

import numpy as np

a, b = map(np.load, sys.argv[1:])
assert a.shape == b.shape and np.abs(a - b).max() <= 1e-3 * max(1, np.abs(b).max()), (a.shape, b.shape, np.abs(a - b).max())
