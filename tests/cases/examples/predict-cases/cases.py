"""Runs examples/predict.py in processes that share one start of PyTorch."""
import os
import re
import signal
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import numpy as np  # noqa: E402
import predict  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

EXAMPLE, VERSION = sys.argv[2:]
torch.set_num_threads(1)

Path("net.py").write_text("""
import torch
from torch import nn

def build(cells=1, classes=3):
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(cells), nn.Flatten(),
                         nn.Linear(4 * cells * cells, classes))

def pooled():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3, 4, 1), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(16, 3))

def coarse():
    torch.manual_seed(1)
    return nn.Sequential(nn.AvgPool2d(16), nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(16, 3))

def wrong():
    raise KeyError("no such thing")
""")
Path("failing.py").write_text("""
from torch import nn

class Failing(nn.Module):
    def forward(self, x):
        return x.view(7, 7)

build = Failing
""")
Path("broken.py").write_text("def build(:\n")
import importlib.util  # noqa: E402
of = importlib.util.spec_from_file_location("net", "net.py")
net = importlib.util.module_from_spec(of)
of.loader.exec_module(net)
torch.save(net.build().state_dict(), "m.pth")
torch.save(net.build(classes=100).state_dict(), "100.pth")
torch.save(net.pooled().state_dict(), "pooled.pth")
torch.save(net.coarse().state_dict(), "coarse.pth")
torch.save({k: v * float("nan") for k, v in net.build().state_dict().items()}, "nan.pth")
torch.save([1, 2], "list.pth")
torch.save({1: torch.zeros(1)}, "keys.pth")
Path("empty.pth").touch()
Path("garbage.pth").write_text("no checkpoint at all\n")
Path("garbage.safetensors").write_text("no checkpoint at all\n")
pixels = np.random.default_rng(1).integers(0, 255, (4, 32, 32, 3), np.uint8)
np.save("i.npy", pixels)
Path("plain.bin").write_bytes(b"".join(bytes([i % 3]) + p.transpose(2, 0, 1).tobytes() for i, p in enumerate(pixels)))


def run(*args, out="out", keep=False):
    """Status and the words on standard error."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open("err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 2)
        if out is None:
            os.close(1)
        elif isinstance(out, str):
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 1)
        else:
            os.dup2(out, 1)
        sys.argv = ["predict.py", *args]
        code = 0
        try:
            predict.main()
        except SystemExit as e:
            code = e.code or 0
        except BaseException:
            import traceback
            traceback.print_exc()
            code = 99
        sys.stderr.flush()
        os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    words = [w for w in Path("err").read_text().splitlines()
             if not re.search("pixels: mean|^usage:|^ {7}|: maps of layer", w)]
    return status, words


BASE = ("--module", "net.py:build", "-m", "m.pth", "-d", "i.npy")


def tell(label, *args, base=BASE, **how):
    status, words = run(*base, *args, **how)
    words = [re.sub(r"predict.py: | \((Unsupported|JSON).*", "", w)[:150] for w in words]
    print(f"{label}: {status}", *words, sep="\n    ")


def table(path="out"):
    head, *rows = (ln.split("\t") for ln in Path(path).read_text(errors="replace").split("\n")[:-1])
    return [dict(zip(head, r)) for r in rows]


print("outputs:")
tell("a device", "--logits", "/dev/null")
print("still a device:", not Path("/dev/null").is_file())
tell("a full device", "--logits", "/dev/full")
tell("standard output full", out="/dev/full")
os.symlink("there.npy", "link.npy")
tell("a link", "--logits", "link.npy")
print("still a link:", Path("link.npy").is_symlink(), np.load("there.npy").shape)
tell("a link to a file that is there", "--logits", "link.npy", "-n", "2")
print("still a link:", Path("link.npy").is_symlink(), np.load("there.npy").shape)
os.mkfifo("fifo")
reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
tell("a pipe", "--logits", "fifo", "--batch", "3")
data, records = os.read(reader, 1 << 16), []
while data:
    n = int(re.search(rb"'shape': \((\d+), 3\)", data[:128])[1])
    records.append(np.frombuffer(data[128:128 + 12 * n], "<f4").reshape(n, 3))
    data = data[128 + 12 * n:]
os.close(reader)
tell("a file", "--logits", "l.npy", "--batch", "3")
print("records:", *map(len, records), "as in a file:", bool((np.load("l.npy") == np.concatenate(records)).all()))
for option, path in (("--logits", "i.npy"), ("--ids", "./m.pth"), ("--run", "net.py"), ("--logits", "-"),
                     ("--logits", "no/such/folder")):
    tell(f"{option} {path}", option, path)
tell("the same twice", "--logits", "two.npy", "--ids", "./two.npy")
tell("closed", out=None)
r, w = os.pipe()
os.close(r)
status, words = run(*BASE, out=w)
print("nobody reads:", status == -signal.SIGPIPE, words)
print("left behind:", [p for p in os.listdir() if "tmp" in p])

print("numbers:")
for option in ("--batch -1", "--batch 0", "--batch x", "--limit -1", "--threads -3", "--limit 0"):
    tell(option, *option.split())
print("rows:", len(table()))

print("names and labels:")


def names(label, content, *more):
    Path("names").write_bytes(content)
    status, words = run(*BASE, "--names", "names", *more, "--classes", "c.tsv")
    print(f"{label}: {status}", *(w.replace("predict.py: ", "") for w in words),
          *([[(r["name"], r["group_name"]) for r in table("c.tsv")]] if status == 0 else []), sep="\n    ")


names("NA, hash and backslash", b"NA\n#b\na\\b\n")
names("two lines and one with a line separator", "a\u2028b\nc\nd".encode())
names("byte order mark, carriage returns", b"\xef\xbb\xbfa\r\nb\r\nc c\r\n\r\n")
names("none", b"")
names("blank lines", b"\n\n")
names("too few", b"a\nb\n")
names("a blank one", b"a\n\nc\n")
names("control characters", b"a\nb\x01\nc\n")
names("Latin-1", b"a\nb\xe9\nc\n")
names("a table in any order", b"class\tname\tgroup\tgroup_name\n2\tz\t0\tg\n0\tx\t0\tg\n1\t\\NA\tNA\tNA\n")
names("a class twice", b"class\tname\n0\tx\n0\ty\n2\tz\n")
names("a short row", b"class\tname\n0\n")
names("no class", b"number\tname\n0\ta\n")
for label, content in (("negative", "0\n1\n2\n-7\n"), ("of words", "0\n1\n2\nx\n"), ("NA", "0\nNA\n2\n1\n"),
                       ("too few", "0\n"),
                       ("of a table", "id\tlabel\n0\t2\n1\t1\n2\t0\n3\tNA\n"), ("of others", "id\tlabel\n1\t2\n"),
                       ("beyond the classes", "0\n1\n2\n3\n")):
    Path("labels").write_text(content)
    tell(f"labels {label}", "--labels", "labels")
    if run(*BASE, "--labels", "labels")[0] == 0:
        print("    true:", *(r["true"] for r in table()))
np.save("labels.npy", np.array([0, 1, 2, -2]))
tell("labels below -1", "--labels", "labels.npy")
Path("batches.meta.txt").write_bytes("one\u00a0word\r\ntwo words\r\nc".encode())
tell("names beside", "--classes", "c.tsv", base=(*BASE[:4], "-d", "plain.bin"))
print("    ", [r["name"] for r in table("c.tsv")])
Path("batches.meta.txt").write_bytes(b"a\nb\n")
tell("too few beside", base=(*BASE[:4], "-d", "plain.bin"))

for i, folder in enumerate((b"NA", b"caf\xe9", "é".encode())):
    os.makedirs(b"folder/" + folder)
    Image.fromarray(pixels[i]).save(b"folder/" + folder + b"/i.png", "PNG")
tell("class folders", "--classes", "c.tsv", base=(*BASE[:4], "-d", "folder"))
print("    ", [r["name"] for r in table("c.tsv")])
print("    ", *(ln.split(b"\t")[-1] for ln in Path("out").read_bytes().splitlines()[1:]))

print("networks:")


def model(label, module, path, *more):
    tell(label, *more, base=("--module", module, "-m", path, "-d", "i.npy"))


model("a list", "net.py:build", "list.pth")
model("keys that are no text", "net.py:build", "keys.pth")
model("empty", "net.py:build", "empty.pth")
model("something else", "net.py:build", "garbage.pth")
model("no safetensors", "net.py:build", "garbage.safetensors")
model("NaN", "net.py:build", "nan.pth")
tell("a whole network of nothing", base=("--pickle", "-m", "/dev/null", "-d", "i.npy"))
tell("a whole network of a list", base=("--pickle", "-m", "list.pth", "-d", "i.npy"))
model("too many arguments", "net.py:build(1, 2, 3)", "m.pth")
model("an unfinished call", "net.py:build(1,,)", "m.pth")
model("a call among the arguments", "net.py:build(open('x'))", "m.pth")
model("no call", "net.py:build)", "m.pth")
model("an error of its own", "net.py:wrong", "m.pth")
model("no Python", "broken.py:build", "m.pth")
status, words = run("-m", "failing.py", "-d", "i.npy")
print(f"an error in the forward pass: {status}", len(words), words[0].startswith("predict.py: RuntimeError: "),
      words[0].endswith("failing.py:6; -v shows the calls)"))
for device in ("bogus", "ref"):
    tell(f"--device {device}", "--device", device)
if not torch.cuda.is_available():
    tell("--device cuda", "--device", "cuda")

print("the record of a run:")
for kind in ("build", "pooled", "coarse"):
    path = "m.pth" if kind == "build" else f"{kind}.pth"
    status, words = run("--module", f"net.py:{kind}", "-m", path, "-d", "i.npy", "--class-maps", "m.npy",
                        "--run", "run.tsv")
    rows = {r["name"]: r["value"] for r in table("run.tsv")}
    print(f"{kind}: {status}", *words, rows["layer"], rows["map_size"], rows["finer_layer"])
print("version:", rows["version"] == VERSION.split()[2] + " (predict.py)" or (rows["version"], VERSION))
