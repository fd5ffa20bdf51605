#!/usr/bin/env python3
"""Makes the pickles of this folder: two images as CIFAR-100 and CIFAR-10 in Python's
pickles, in the forms that Pythons and numpys have written. Needs numpy.

Byte k of image i is (k // 64 * 3 + 50 * i) % 256, labels are below.
tests/unit/data_pickle.c has the same. The form of Python 2 is written out by hand.
"""
import os
import pickle
import struct

import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))

pixels = np.array([[(k // 64 * 3 + 50 * i) % 256 for k in range(3072)] for i in range(2)], np.uint8)
fine, coarse, plain = [3, 97], [8, 0], [9, 0]


def text(s):
    return b"U" + bytes([len(s)]) + s.encode()


def python2(keys):
    """cPickle's protocol 2: str is bytes, the array's bytes in a BINSTRING."""
    raw = pixels.tobytes()
    out = b"\x80\x02}q\x01("
    for key, value in keys.items():
        out += text(key) + b"]("
        out += b"".join(text(v) if isinstance(v, str) else b"K" + bytes([v]) for v in value) + b"e"
    dtype = (b"cnumpy\ndtype\n" + text("u1") + b"K\0K\1\x87R(K\3" + text("|") +
             b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb")
    array = (b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85" + text("b") +
             b"\x87R(K\1K\2M\0\x0c\x86" + dtype + b"\x89T" + struct.pack("<I", len(raw)) + raw +
             b"tb")
    return out + text("data") + array + b"u."


with open("cifar100_python2", "wb") as f:
    f.write(python2({"filenames": ["a.png", "b.png"], "fine_labels": fine, "coarse_labels": coarse}))
full = {"filenames": ["a.png", "b.png"], "fine_labels": fine, "coarse_labels": coarse,
        "data": pixels}
for protocol in 2, 5:
    with open(f"cifar100_protocol{protocol}", "wb") as f:
        pickle.dump(full, f, protocol)
with open("cifar10_bytes", "wb") as f:
    pickle.dump({b"labels": np.array(plain), b"data": pixels.reshape(2, 3, 32, 32)}, f, 4)
