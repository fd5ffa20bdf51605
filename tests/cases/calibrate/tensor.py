"""tensor.py f|q FILE: a tensor of the lines of numbers on standard input, (n, values) of f or (n) of
q."""
import struct
import sys

code, path = sys.argv[1:3]
rows = [[(float if code == 'f' else int)(v) for v in line.split()] for line in sys.stdin]
shape = (len(rows), len(rows[0])) if code == 'f' else (len(rows),)
head = repr(dict(descr='<f4' if code == 'f' else '<i8', fortran_order=False, shape=shape)).encode()
with open(path, 'wb') as f:
    f.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', 118) + head.ljust(117) + b'\n')
    for row in rows:
        f.write(struct.pack(f'<{len(row)}{code}', *row))
