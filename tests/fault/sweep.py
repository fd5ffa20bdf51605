"""Fails the calls of libc that a program makes, one after the other, and looks at how it
ends. Needs $ROOT, the programs in $BUILD/bin and $BUILD/tests/fault/fault.so.

    sweep.py [--quick] [--seed N] [--list] [NAME ...]

A case is a program with small inputs. A first run counts the calls of every function in
fault.c's list; then each is failed in turn, and from each on. Of many calls some are
taken: all of the first 300 and every k-th of the rest, or a few with --quick. A run has
to end in one of two ways:

  - status 0, and standard output and every file the same to the byte as undisturbed;
  - status 1 with one line that begins with the program's name, and no file: neither a
    final one nor one under a temporary name. Only sheets, each a result of its own, may
    be there, complete (cam-overlay(1) says so).

Interrupted calls and those that move a byte at a time have to end in the first way. A
failure inside libpng and zlib has to be noticed; what Pango, cairo, Fontconfig and GLib
ask of libc does not fail, since GLib ends the program itself when memory is out, and
Pango draws with what fonts it gets.
"""
import argparse
import os
import pickle
import random
import runpy
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT, BUILD = os.environ["ROOT"], os.environ["BUILD"]
CASES = ROOT + "/tests/cases/"
LIMIT = 600  # seconds for a run, however busy the machine is
FIRST, MOST = 300, 450  # calls of one function in one case

ERROR = ["open", "read", "pread", "mmap", "munmap", "madvise", "stat", "lstat", "fstat", "fcntl",
         "lseek", "realpath", "malloc", "vasprintf", "pthread_create", "sched_getaffinity",
         "write", "pwrite", "ftruncate", "fsync", "mkdir", "close", "rename"]
ONWARDS = ["open", "read", "write", "malloc", "pthread_create", "mmap", "rename"]
MOVED = ["read", "pread", "write", "pwrite"]
# No result depends on these: a failure is passed over.
HARMLESS = {"munmap", "madvise", "sched_getaffinity"}

# What a message may say: a reason of the system, or one of the program's own.
REASONS = ["Input/output error", "No space left on device", "Too many open files",
           "Cannot allocate memory", "Permission denied", "Invalid argument", "out of memory",
           "cannot start a thread", "Resource temporarily unavailable", "PNG: ",
           "safetensors header: "]


def legacy(path, tiny, classes):
    """As torch.save wrote before 1.6."""
    d = {"state_dict": tiny["state_dict"]([4, 8], classes, 3)}
    with open(path, "wb") as f:
        for head in (0x1950a86a20f9469cfc6c, 1001,
                     {"protocol_version": 1001, "little_endian": True,
                      "type_sizes": {"short": 2, "int": 4, "long": 4}}):
            pickle.dump(head, f, 2)

        class Pickler(tiny["Pickler"]):
            def persistent_id(self, obj):
                whole = super().persistent_id(obj)
                return whole and whole + (None,)

        p = Pickler(f)
        p.dump(d)
        pickle.dump([str(i) for i in range(len(p.storages))], f, 2)
        for s in p.storages:
            f.write(struct.pack("<q", len(s.values)) + s.values.tobytes())


def safetensors(path, tiny, classes):
    head, data = [], b""
    for key, t in tiny["state_dict"]([4, 8], classes, 3).items():
        raw = t.storage.values.tobytes()
        head.append('"%s":{"dtype":"F32","shape":%s,"data_offsets":[%d,%d]}'
                    % (key, t.shape, len(data), len(data) + len(raw)))
        data += raw
    text = "{%s}" % ",".join(head)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text.encode() + data)


def run(argv, to=None, cwd=None):
    with open(to or os.devnull, "wb") as out:
        subprocess.run(argv, check=True, cwd=cwd, stdout=out, stderr=subprocess.DEVNULL, timeout=LIMIT)


def inputs(folder):
    """All cases read from here."""
    os.chdir(folder)
    sys.argv = ["tiny.py", "m.pth", "classes=10"]
    tiny = runpy.run_path(CASES + "cifar-predict/tiny.py", run_name="tiny")
    legacy("legacy.pth", tiny, 10)
    safetensors("m.safetensors", tiny, 10)
    py = sys.executable
    run([py, CASES + "cifar-predict/images.py", "test_batch.bin", "bin10", "10"])
    with open("batches.meta.txt", "w") as f:
        f.write("".join("class%d\n" % i for i in range(10)))
    run([py, CASES + "cifar-predict/images.py", "images.npy", "npy", "6", "8", "8"])
    run([py, CASES + "cifar-predict/images.py", "c100.bin", "bin", "4"])
    # Enough that label-check looks at mirror images.
    run([py, CASES + "cifar-predict/images.py", "many.npy", "npy", "80", "8", "8"])
    with open("many.txt", "w") as f:
        f.write("".join("%d\n" % (i % 10) for i in range(80)))
    run(["cifar-predict", "-m", "m.pth", "-d", "many.npy", "--labels", "many.txt", "--mean", ".5,.5,.5",
         "--std", ".2,.2,.2", "--logits", "many_logits.npy"], "many.tsv")
    # The object is in the upper half.
    with open("masks.npy", "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + b"%-117s\n" % (
            b"{'descr': '|u1', 'fortran_order': False, 'shape': (10, 32, 32), }"))
        f.write((b"\1" * 512 + b"\0" * 512) * 10)
    for name, of in ("trained.pth", "trained-3x3.pth"), ("probe.npy", "probe.npy"):
        shutil.copy(ROOT + "/tests/golden/families/" + of, name)
    run([py, CASES + "analysis/pictures.py", "c100.bin", "4", "flat"])
    with open("labels.txt", "w") as f:
        f.write("".join("%d\n" % i for i in range(6)))
    with open("names.tsv", "w") as f:
        f.write("class\tname\tgroup\tgroup_name\n")
        f.write("".join("%d\tn%d\t%d\tg%d\n" % (i, i, i // 5, i // 5) for i in range(10)))
    predict = ["cifar-predict", "-m", "m.pth", "-d", "test_batch.bin", "--names", "names.tsv",
               "--logits", "logits.npy", "--class-maps", "class_maps.npy", "--features",
               "features.npy", "--embeddings", "embeddings.npy", "--ids", "ids.npy", "--classes", "known.tsv"]
    run(predict, "p.tsv")
    for mode in ("classes", "pairs", "groups", "summary"):
        run(["confmat", "--" + mode, "--names", "known.tsv", "p.tsv"], mode + ".tsv")
    run(["confmat", "p.tsv"], "matrix.tsv")
    run(["confmat", "--sums", "p.tsv"], "sums.tsv")
    for i, shard in enumerate(("even", "odd")):
        run(["cifar-predict", "-m", "m.pth", "-d", "test_batch.bin", "--shard", "%d/2" % i,
             "--run", shard + "_run.tsv"], shard + ".tsv")
    # The logits are those of ten images, as if the odd ones came first.
    with open("odd_ids.npy", "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + b"%-117s\n" % (
            b"{'descr': '<i8', 'fortran_order': False, 'shape': (10,), }"))
        f.write(struct.pack("<10q", *range(1, 10, 2), *range(0, 10, 2)))
    run(["worst-k", "-n", "1", "p.tsv"], "rows.tsv")
    run(["worst-k", "--by", "pair", "--pairs", "3", "p.tsv"], "pair_rows.tsv")
    # No pair of these few images occurs twice: as in an analysis, nothing is said of it.
    os.environ["HEATPIPE_STAGE"] = "1"
    for rows, to in (("rows.tsv", "maps.npy"), ("pair_rows.tsv", "pair_maps.npy")):
        run(["cam-compute", "--class-maps", "class_maps.npy", "--target", "true,pred,margin",
             "--size", "layer", "--table", rows], to)
    del os.environ["HEATPIPE_STAGE"]
    run(["image-stats", "test_batch.bin"], "stats.tsv")
    run(["cam-compute", "--class-maps", "class_maps.npy", "--logits", "logits.npy", "--target",
         "true,pred", "--stats", "cam.tsv", "--table", "p.tsv"])
    with open("few.tsv", "wb") as few, open("p.tsv", "rb") as p:
        few.write(b"".join(p.readlines()[:4]))
    # One class, two of its rows; one pair.
    with open("rows.tsv") as f:
        rows = f.readlines()
    with open("one.tsv", "w") as f:
        f.write("".join(rows[:2]))
    run(["cam-compute", "--class-maps", "class_maps.npy", "--target", "true,pred,margin",
         "--size", "layer", "--table", "one.tsv"], "one.npy")
    with open("two.tsv", "w") as f:
        f.write("".join(rows[:3]))
    run(["cam-compute", "--class-maps", "class_maps.npy", "--target", "true,pred,margin",
         "--size", "layer", "--table", "two.tsv"], "two.npy")


TEXT = ("--summary summary.tsv --classes classes.tsv --pairs pairs.tsv --groups groups.tsv "
        "--cam cam.tsv --predictions p.tsv")
# Name, command. A word that begins with @ is an output, any that is the name of an input
# stands for it, and "<" takes the next as standard input.
CASES_OF = [
    ("predict", "cifar-predict -m m.pth -d IN --threads 2 --logits @logits.npy --class-maps @maps.npy "
                "--features @features.npy --ids @ids.npy --classes @classes.tsv"),
    ("predict-run", "cifar-predict -m trained.pth -d probe.npy --threads 1 --mean "
                    ".4914,.4822,.4465 --std .2470,.2435,.2616 --run @run.tsv"),
    ("predict-npy", "cifar-predict -m m.pth -d images.npy --labels labels.txt --names names.tsv "
                    "--threads 1 --logits @logits.npy"),
    ("predict-stream", "cifar-predict -m m.pth -d - --threads 1 < test_batch.bin"),
    ("predict-safetensors", "cifar-predict -m m.safetensors -d images.npy --threads 1"),
    ("predict-legacy", "cifar-predict -m legacy.pth -d images.npy --threads 1"),
    ("predict-folder", "cifar-predict -m m.pth -d pictures --threads 1"),
    ("predict-cams", "cifar-predict -m m.pth -d IN --threads 2 --limit 2 --layer auto --method ablationcam "
                     "--cams @cams.npy"),
    ("info", "model-info m.pth"),
    ("info-tensors", "model-info --tensors m.safetensors"),
    ("info-layers", "model-info --layers legacy.pth"),
    ("info-check", "model-info --check m.pth"),
    ("info-probe", "model-info --probe images.npy --threads 2 m.pth"),
    ("info-pth", "model-info --to pth --out @o.pth legacy.pth"),
    ("info-safetensors", "model-info --fold --to safetensors --out @o.safetensors m.pth"),
    ("confmat-matrix", "confmat p.tsv"),
    ("confmat-long", "confmat --long < p.tsv"),
    ("confmat-classes", "confmat --classes --names known.tsv p.tsv"),
    ("confmat-pairs", "confmat --pairs --top 0 p.tsv p.tsv"),
    ("confmat-groups", "confmat --groups p.tsv"),
    ("confmat-summary", "confmat --summary p.tsv"),
    ("confmat-merge", "confmat --merge matrix.tsv matrix.tsv"),
    ("confmat-sums", "confmat --merge --sums sums.tsv"),
    ("gather", "gather even.tsv odd.tsv"),
    ("gather-items", "gather --ids odd_ids.npy logits.npy"),
    ("gather-run", "gather --run even_run.tsv odd_run.tsv"),
    ("run-diff", "run-diff --maps-a class_maps.npy --maps-b class_maps.npy p.tsv p.tsv"),
    ("calibrate", "calibrate --logits logits.npy p.tsv"),
    ("image-stats", "image-stats IN"),
    ("covariates", "covariates --join stats.tsv p.tsv"),
    ("label-mirror", "label-check --logits many_logits.npy --model m.pth --data many.npy --threads 2 "
                     "--mean .5,.5,.5 --std .2,.2,.2 --mirror 20 many.tsv"),
    ("label-check", "label-check --logits logits.npy --ids ids.npy p.tsv"),
    ("neighbors", "neighbors --threads 2 --count 3 --ids ids.npy embeddings.npy"),
    ("neighbors-plane", "neighbors --threads 2 --project x,y --run @run.tsv embeddings.npy"),
    ("duplicates", "duplicates --threads 2 --predictions p.tsv --summary @duplicates.tsv IN"),
    ("slices", "slices --threads 2 --embeddings embeddings.npy --model m.pth --least 1 --all "
               "--join stats.tsv --rows @slice_rows.tsv p.tsv"),
    ("corrupt", "corrupt --kind fog --severity 3 IN"),
    ("markdown", "report markdown " + TEXT),
    ("json", "report json " + TEXT),
    ("worst-k", "worst-k -n 2 p.tsv"),
    ("worst-k-pair", "worst-k --by pair p.tsv"),
    ("cam-stored", "cam-compute --class-maps class_maps.npy --logits logits.npy --model m.pth "
                   "--target true,pred,margin --stats @stats.tsv < rows.tsv"),
    ("cam-features", "cam-compute --features features.npy --model m.pth --ids ids.npy --size layer "
                     "--table rows.tsv"),
    ("cam-network", "cam-compute --model m.pth --data IN --threads 2 --layer layer1 "
                    "--target true,pred --stats @stats.tsv --table few.tsv"),
    ("cam-last", "cam-compute --model m.safetensors --data IN --threads 1 --table few.tsv"),
    ("cam-score", "cam-score --model m.pth --data IN --threads 2 --metrics road,irof,drop --steps 2 "
                  "--planes true,pred,margin --summary @scores.tsv --run @run.tsv --table two.tsv two.npy"),
    ("cam-passes", "cam-compute --model m.pth --data IN --threads 2 --method scorecam --layer layer1 "
                   "--stats @stats.tsv --table one.tsv"),
    ("cam-smooth", "cam-compute --model m.pth --data IN --threads 2 --method shapleycam --layer "
                   "layer1,layer2 --smooth aug,eigen --run @run.tsv --table one.tsv"),
    ("cam-stability", "cam-compute --model m.pth --data IN --threads 2 --layer auto --randomise fc "
                      "--stability --stats @stats.tsv --table one.tsv"),
    ("cam-score-given", "cam-score --data IN --masks masks.npy --class-maps class_maps.npy --logits "
                        "logits.npy --reference two --metrics pointing,completeness,ssim,rank_correlation "
                        "--threads 2 --planes true,pred,margin --summary @scores.tsv --table two.tsv two.npy"),
    ("cam-score-errors", "cam-score --errors --class-maps class_maps.npy --logits logits.npy --model m.pth "
                         "--data IN --threads 2 --summary @turned.tsv --table two.tsv"),
    ("mosaic", "mosaic --rows-out @rows.tsv --tiles-out @tiles.npy IN < few.tsv"),
    ("sheets", "cam-overlay --table two.tsv --maps two.npy --data IN --zoom 1 --threads 2 "
               "--classes classes.tsv --out @sheets"),
    ("sheet", "cam-overlay --table one.tsv --maps one.npy --data IN --zoom 1 --threads 1"),
    ("overlays", "cam-overlay --table rows.tsv --maps maps.npy --data IN --raw"),
    ("summary", "report summary " + TEXT),
    ("recommendations", "report recommendations " + TEXT),
    ("csv-classes", "report csv --classes classes.tsv"),
    ("csv-pairs", "report csv --pairs pairs.tsv"),
    ("bars", "report bars --classes classes.tsv"),
    ("explorer", "report explorer --classes classes.tsv --pairs pairs.tsv --summary summary.tsv "
                 "--predictions p.tsv --selected rows.tsv --pair-rows pair_rows.tsv --data IN --threads 2 "
                 "--class-maps maps.npy --out @page.html"),
]


class Case:
    def __init__(self, name, command, home):
        words = command.split()
        self.name, self.home, self.input, self.argv = name, home, None, []
        if "<" in words:
            at = words.index("<")
            self.input = os.path.join(home, words[at + 1])
            del words[at:at + 2]
        for w in words:
            path = home if w == "IN" else os.path.join(home, w)
            self.argv.append(w[1:] if w[0] == "@" else path if os.path.exists(path) else w)
        self.program = self.argv[0] = words[0]

    def run(self, env):
        """Status, standard output, standard error, files left."""
        work = tempfile.mkdtemp(dir=os.path.dirname(self.home))
        try:
            stdout = os.path.join(work, "stdout")
            os.mkdir(os.path.join(work, "out"))
            with open(self.input or os.devnull, "rb") as i, open(stdout, "wb") as o:
                p = subprocess.Popen(self.argv, stdin=i, stdout=o, stderr=subprocess.PIPE,
                                     cwd=os.path.join(work, "out"), env=env)
                try:
                    err = p.communicate(timeout=LIMIT)[1]
                except subprocess.TimeoutExpired:
                    p.kill()
                    err = p.communicate()[1] + b"(still running after %d s)" % LIMIT
            files = {}
            for folder, _, names in os.walk(os.path.join(work, "out")):
                for n in names:
                    path = os.path.join(folder, n)
                    with open(path, "rb") as f:
                        files[os.path.relpath(path, os.path.join(work, "out"))] = f.read()
            with open(stdout, "rb") as f:
                return p.returncode, f.read(), err.decode(errors="replace"), files
        finally:
            shutil.rmtree(work)

    def count(self, call, source):
        path = os.path.join(self.home, "count-" + self.name)
        env = dict(ENV, FAULT_CALL=call, FAULT_AT="0", FAULT_FROM=source, FAULT_COUNT=path)
        status = self.run(env)[0]
        if status != 0 or not os.path.exists(path):
            sys.exit("%s: the run that counts %s ended with status %d" % (self.name, call, status))
        with open(path) as f:
            n = int(f.read())
        os.remove(path)
        return n

    def wrong(self, got, how, call):
        """What is not as it must be, or None."""
        status, out, err, files = got
        if status == 0:
            if err != self.whole[2]:
                return "status 0 with words: " + err.strip()
            if out != self.whole[1]:
                return "status 0, and standard output of %d bytes instead of %d, or others" % (
                    len(out), len(self.whole[1]))
            if files != self.whole[3]:
                return "status 0, and files that are not those of the whole result: %s" % (
                    ", ".join(sorted(n for n in set(files) | set(self.whole[3])
                                     if files.get(n) != self.whole[3].get(n))))
            return None
        if status < 0:
            return "ended by %s: %s" % (signal.Signals(-status).name, err.strip())
        if how != "error" or call in HARMLESS:
            return "status %d: %s" % (status, err.strip())
        if status != 1:
            return "status %d: %s" % (status, err.strip())
        # A warning that an undisturbed run gives as well may come before.
        err = err.removeprefix(self.whole[2])
        if not err.startswith(self.program + ": ") or err.count("\n") != 1:
            return "no message of one line: %r" % err
        if not any(r in err for r in REASONS):
            return "a message without a reason: %r" % err
        if self.name == "sheets":
            files = {n: f for n, f in files.items() if f != self.whole[3].get(n)}
        if files:
            return "status 1 and files: " + ", ".join(sorted(files))
        return None


def chosen(n, quick, rnd):
    if quick:
        return sorted({1, n, rnd.randint(1, n)})
    if n <= FIRST:
        return list(range(1, n + 1))
    step = max(1, (n - FIRST) // (MOST - FIRST))
    return list(range(1, FIRST + 1)) + list(range(FIRST + 1, n + 1, step))


def plan(case, quick, rnd):
    """(call, from, how, at) of every run, and the calls counted."""
    runs, counts = [], {}
    for call in ERROR:
        if quick and call in HARMLESS:
            continue
        n = case.count(call, "program")
        counts[call] = n
        if n == 0:
            continue
        at = chosen(n, quick, rnd)
        runs += [(call, "program", "error", str(i)) for i in at]
        if call in ONWARDS:
            onwards = at if not quick and n <= 20 else [1, rnd.randint(1, n)]
            runs += [(call, "program", "error", "%d+" % i) for i in sorted(set(onwards))]
        if call in MOVED:
            for how in ("short", "eintr"):
                runs += [(call, "program", how, "1+")]
                runs += [] if quick else [(call, "program", how, str(i)) for i in at[:10]]
    libraries = {"cam-overlay": ["libpng", "libz.so", "libdeflate"], "cifar-predict": ["libz.so", "libjansson"],
                 "model-info": ["libjansson"], "report": ["libpng", "libz.so", "libdeflate", "libjansson"]}
    for library in libraries.get(case.program, []):
        n = case.count("malloc", library)
        counts["malloc of " + library] = n
        if n > 0:
            runs += [("malloc", library, "error", str(i)) for i in chosen(n, quick, rnd)]
    return runs, counts


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--list", action="store_true")
    ap.add_argument("name", nargs="*")
    args = ap.parse_args()
    if args.list:
        print("\n".join(name for name, _ in CASES_OF))
        return 0
    rnd = random.Random(args.seed)
    work = tempfile.mkdtemp()
    bad = tried = 0
    try:
        home = os.path.join(work, "in")
        os.mkdir(home)
        inputs(home)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for name, command in CASES_OF:
                if args.name and name not in args.name:
                    continue
                case = Case(name, command, home)
                case.whole = case.run(ENV)
                if case.whole[0] != 0:
                    sys.exit("%s: the undisturbed run ends with status %d: %s"
                             % (name, case.whole[0], case.whole[2]))
                runs, counts = plan(case, args.quick, rnd)
                # Nothing would be tried where the library is not heard.
                for call in ("malloc", "write", "close"):
                    if counts[call] == 0:
                        print("%s: no %s was counted" % (name, call))
                        bad += 1

                def one(r):
                    call, source, how, at = r
                    return r, case.wrong(case.run(dict(
                        ENV, FAULT_CALL=call, FAULT_FROM=source, FAULT_HOW=how, FAULT_AT=at)),
                        how, call)

                wrong = [w for w in pool.map(one, runs) if w[1]]
                for (call, source, how, at), why in wrong:
                    print("%s: %s %s%s, %s: %s" % (
                        name, call, at, "" if source == "program" else " of " + source, how, why))
                tried += len(runs)
                bad += len(wrong)
                if not args.quick:
                    print("%s: %d runs, %d wrong; calls: %s" % (
                        name, len(runs), len(wrong),
                        ", ".join("%s %d" % c for c in counts.items() if c[1])), flush=True)
    finally:
        shutil.rmtree(work)
    print("%d runs, %d wrong" % (tried, bad) if not args.quick or bad else "all runs end as they must")
    return 1 if bad or tried == 0 else 0


if __name__ == "__main__":
    os.environ["PATH"] = BUILD + "/bin:" + os.environ["PATH"]
    ENV = dict(os.environ, LD_PRELOAD=os.environ.get("FAULT_SO", BUILD + "/tests/fault/fault.so"),
               HEATPIPE_CUDA="none", SOURCE_DATE_EPOCH="0",
               # The sanitizer's library then comes second.
               ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
    sys.exit(main())
