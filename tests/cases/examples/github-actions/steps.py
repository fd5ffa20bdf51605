"""The steps of a workflow: a file NN.sh for each `run: |`, the environment, and what it uses."""
import re
import sys
from pathlib import Path

lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
out = Path(sys.argv[2])
out.mkdir()
env, uses, scripts, at = [], [], [], None
for n, line in enumerate(lines):
    indent = len(line) - len(line.lstrip())
    if at is not None and line.strip() and indent <= at:
        at = None
    if at is not None:
        scripts[-1].append(line)
    elif re.fullmatch(r"\s*run: \|", line):
        at = indent
        scripts.append([])
    elif found := re.fullmatch(r"\s*- uses: (\S+)", line):
        uses.append(found[1])
    elif lines[0:n].count("env:") and "jobs:" not in lines[:n] and (found := re.fullmatch(r"  (\w+): (\S+)", line)):
        env.append(f"export {found[1]}={found[2]}")
for n, script in enumerate(scripts):
    cut = min(len(ln) - len(ln.lstrip()) for ln in script if ln.strip())
    (out / f"{n:02}.sh").write_text("".join(ln[cut:] + "\n" for ln in script), encoding="utf-8")
(out / "env").write_text("\n".join(env) + "\n", encoding="utf-8")
(out / "uses").write_text("\n".join(uses) + "\n", encoding="utf-8")
