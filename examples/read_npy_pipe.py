import sys, types, numpy as np
def records(file):  # NumPy seeks in what it takes for a file, so show it only read()
    while file.peek(1): yield np.lib.format.read_array(types.SimpleNamespace(read=file.read))

if __name__ == "__main__":
    try:
        for array in records(sys.stdin.buffer):
            print(array.dtype, array.shape)
    except (ValueError, EOFError) as error:  # no record, or one that was cut off
        sys.exit(f"read_npy_pipe.py: standard input: {error}")
