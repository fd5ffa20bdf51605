"""One .npy file of a stream of records: ... | python3 examples/tools/join_npy.py > one.npy

numpy.load reads the first record of a file and says nothing of the others, as in a file that
`cat a.npy b.npy` made. Programs of heatpipe read such streams as they are.
"""
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from read_npy_pipe import records  # noqa: E402

np.save(sys.stdout.buffer, np.concatenate(list(records(sys.stdin.buffer))))
