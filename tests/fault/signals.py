"""Sends a signal to the whole analysis at a random moment, again and again.

    signals.py [--count N] [--seed N] [--images N]

Needs $ROOT and $BUILD. Each time INT, TERM, HUP or KILL goes to the process group of the
run; every other time the run began on the results of another one. Then no file under a
final name may be less than whole, only KILL may leave temporary files, and the next run
has to complete and to leave the files of an undisturbed one, to the byte.
"""
import argparse
import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT, BUILD = os.environ["ROOT"], os.environ["BUILD"]
EX = ROOT + "/examples/shapes100"
DATA = EX
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]


def start(folder, *more):
    os.makedirs(folder, exist_ok=True)
    return subprocess.Popen([BUILD + "/bin/heatpipe", "--model", EX + "/model.pth", "--data", DATA,
                             "--out", "r", *more],
                            cwd=folder, env=dict(os.environ, SOURCE_DATE_EPOCH="1"), start_new_session=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(folder, *more):
    p = start(folder, *more)
    err = p.communicate()[1].decode(errors="replace")
    if p.returncode != 0:
        sys.exit("a run that nothing disturbs ended with status %d: %s" % (p.returncode, err))


def files(folder):
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, folder)] = f.read()
    return found


def released(folder):
    """Waits until nobody works in the folder."""
    lock = folder + "/r/data/lock"
    if not os.path.exists(lock):
        return True
    with open(lock) as f:
        for _ in range(12000):
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                time.sleep(0.05)
    return False


def disturb(work, sig, share, length, allowed, again):
    """What is wrong, or None."""
    cut = work + "/cut"
    shutil.rmtree(cut, ignore_errors=True)
    if again:
        shutil.copytree(work + "/other", cut, copy_function=shutil.copy2)
    p = start(cut)
    time.sleep(share * length)
    try:
        os.killpg(p.pid, sig)
    except ProcessLookupError:
        pass
    p.communicate()
    if not released(cut):
        return "somebody still works there after ten minutes"
    for name, bytes_ in files(cut + "/r").items() if os.path.exists(cut + "/r") else ():
        if "/made/" in name:
            continue
        if "/unfinished/" in name:
            if sig != signal.SIGKILL:
                return name + " is left"
        elif not any(whole.get(name) == bytes_ for whole in allowed):
            return name + " is not whole"
    finish(cut)
    got, want = files(cut + "/r"), allowed[0]
    if got.keys() != want.keys() or any(got[n] != want[n] for n in want if "/made/" not in n):
        return "the next run differs: " + ", ".join(sorted(
            n for n in set(got) | set(want) if "/made/" not in n and got.get(n) != want.get(n)))
    return None


def main():
    global DATA
    ap = argparse.ArgumentParser()
    ap.add_argument("--count", type=int, default=50)
    ap.add_argument("--seed", type=int, default=int(time.time()))
    ap.add_argument("--images", type=int, help="only the first of the example's")
    args = ap.parse_args()
    print("seed %d" % args.seed, file=sys.stderr, flush=True)
    rnd = random.Random(args.seed)
    work = tempfile.mkdtemp()
    bad = 0
    counts = {}
    try:
        if args.images:
            DATA = work + "/data"
            os.mkdir(DATA)
            for name in ("fine_label_names.txt", "coarse_label_names.txt"):
                shutil.copy(os.path.join(EX, name), DATA)
            with open(EX + "/test.bin", "rb") as f, open(DATA + "/test.bin", "wb") as to:
                to.write(f.read(3074 * args.images))
        begun = time.monotonic()
        finish(work + "/whole")
        length = time.monotonic() - begun
        finish(work + "/other", "COUNT=2", "PAIRS=6")
        allowed = [files(work + "/whole/r"), files(work + "/other/r")]
        for i in range(args.count):
            sig, share = rnd.choice(SIGNALS), rnd.random()
            why = disturb(work, sig, share, length, allowed, i % 2 == 1)
            counts[sig.name] = counts.get(sig.name, 0) + 1
            if why:
                print("%s after %.3f s: %s" % (sig.name, share * length, why), flush=True)
                bad += 1
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(", ".join("%s %d" % c for c in sorted(counts.items())), file=sys.stderr)
    print("%d runs disturbed, %d wrong" % (args.count, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
