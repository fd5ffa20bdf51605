import sys, types, numpy as np
def records(file):  # NumPy seeks in what it takes for a file, so show it only read()
    while file.peek(1): yield np.lib.format.read_array(types.SimpleNamespace(read=file.read))

if __name__ == "__main__":
    for array in records(sys.stdin.buffer):
        print(array.dtype, array.shape)
