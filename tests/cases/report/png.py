"""png.py FILE X,Y[,W,H] ...: the size of an 8-bit PNG and the colours at some points, or the
darkest of a rectangle."""
import struct
import sys
import zlib


def decode(data):
    assert data[:8] == b'\x89PNG\r\n\x1a\n'
    at, packed = 8, b''
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b'IHDR':
            w, h, depth, colour, _, _, interlace = struct.unpack('>IIBBBBB', body)
            assert depth == 8 and colour in (2, 6) and interlace == 0
        packed += body if kind == b'IDAT' else b''
        at += 12 + size
    step = 3 if colour == 2 else 4
    raw, rows, before = zlib.decompress(packed), [], bytearray(w * step)
    for y in range(h):
        kind = raw[y * (w * step + 1)]
        row = bytearray(raw[y * (w * step + 1) + 1:(y + 1) * (w * step + 1)])
        for i in range(len(row)):
            a = row[i - step] if i >= step else 0
            b, c = before[i], before[i - step] if i >= step else 0
            if kind == 4:
                p = abs(b - c), abs(a - c), abs(a + b - 2 * c)
                guess = a if p[0] <= p[1] and p[0] <= p[2] else b if p[1] <= p[2] else c
            else:
                guess = (0, a, b, (a + b) // 2)[kind]
            row[i] = row[i] + guess & 255
        rows.append(row)
        before = row
    return w, h, step, rows


w, h, step, rows = decode(open(sys.argv[1], 'rb').read())
print(w, h)
for point in sys.argv[2:]:
    x, y, across, down = ([int(v) for v in point.split(',')] + [1, 1])[:4]
    r, g, b = min((tuple(rows[y + j][(x + i) * step:(x + i) * step + 3])
                   for i in range(across) for j in range(down)), key=sum)
    light = (r + g + b) / 3
    name = 'white' if light > 252 else 'grey' if max(r, g, b) - min(r, g, b) < 16 and light > 60 else \
        'dark' if light < 60 else 'coloured'
    print(point, name)
