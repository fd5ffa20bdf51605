"""Runs a program on a file and holds it to 64 MB of memory beyond the file's size and what
the program needs where there is no file, and to 20 s of processor time: ten times what
heatpipe-input(5) promises, so that no processor is too slow.

measure.py FILE PROGRAM [ARGUMENT ...]   a '@' among the arguments stands for the file

Prints the program's messages, and what it took beyond the limits. MEASURE=print prints
what it took in any case. A sanitizer takes time and memory of its own: LIMIT_S and
LIMIT_MB change the limits. Exits with the program's status."""

import os
import subprocess
import sys

LIMIT_S, LIMIT_MB = float(os.environ.get("LIMIT_S", 20)), float(os.environ.get("LIMIT_MB", 64))


def run(arguments, errors):
    p = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
    _, status, used = os.wait4(p.pid, 0)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


path, command = sys.argv[1], sys.argv[2:]
_, _, base = run([a.replace("@", "no-such-file") for a in command], subprocess.DEVNULL)
status, seconds, memory = run([a.replace("@", path) for a in command], None)
extra = memory - base - os.path.getsize(path) / (1 << 20)
if os.environ.get("MEASURE"):
    print(f"{path}: {seconds:.2f} s, {extra:.1f} MB beyond the file", file=sys.stderr)
if seconds > LIMIT_S:
    print(f"{path}: expected at most {LIMIT_S:g} s, took {seconds:.2f}", file=sys.stderr)
if extra > LIMIT_MB:
    print(f"{path}: expected at most {LIMIT_MB:g} MB beyond the file, took {extra:.1f}", file=sys.stderr)
sys.exit(status)
