"""The commands of a manual page or guide, and what it says that they print.

    commands.py blocks PAGE [SECTION]
    commands.py run PAGE [SECTION]

lists them, or runs them in this folder, all in one bash.

A display (.Bd -literal or -unfilled) or lines of .Dl are commands, unless a comment stands before them:

    .\\" OUTPUT     the commands since the last such display print these lines, in this order;
                   blanks count as one, ... stands for any words
    .\\" NOT RUN: WHY  they need what a test has not (a cluster, a GPU, data of one's own): it is
                   only checked that there are such programs, options and variables
    .\\" RUN BY FOLDER  a test of their own runs them: it has all their options and variables
    .\\" NEEDS MODULE   commands that are run where Python has this module
    .\\" FILE NAME  the content of a file
    .\\" PYTHON     a program in Python, where the modules that it imports are installed
    .\\" TEXT       none of these
"""
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import util

ESCAPES = {"e": "\\", "-": "-", "&": "", "(dq": '"', "(ha": "^", "(aq": "'", "(ti": "~"}
ROOT = os.path.dirname(os.path.abspath(__file__)) + "/../../.."
# Programs of others; what needs one that is not installed is not run.
OTHERS = ("mlr", "jq", "strings", "parallel")
KINDS = ("OUTPUT", "NOT RUN", "RUN BY", "NEEDS", "FILE", "PYTHON", "TEXT")


def plain(line):
    return re.sub(r"\\(\(..|.)", lambda m: ESCAPES[m[1]], line)


def words_of(line):
    """The words of a macro's line, as one: double quotes hold words together."""
    return " ".join(quoted[1:-1] if quoted.startswith('"') else quoted for quoted in re.findall(r'"[^"]*"|\S+', line))


def blocks(page, section=None):
    """(kind, argument, line, text) of each display; those of .Dl lines without text between are one."""
    kind, found, inside, here, last = ("COMMANDS", ""), [], None, section is None, 0
    for number, line in enumerate(open(page, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith(".Sh "):
            here = section is None or line == ".Sh " + section
        mark = re.match(r'\.\\" (%s)\b:? ?(.*)' % "|".join(KINDS), line)
        if mark:
            kind = (mark[1], mark[2])
            continue
        if inside is not None:
            if line == ".Ed":
                found += [(*kind, start, "\n".join(inside) + "\n")] if here else []
                kind, inside = ("COMMANDS", ""), None
            elif not line.startswith(r'.\"'):
                inside.append(plain(line))
        elif re.match(r"\.Bd -(literal|unfilled)", line):
            inside, start = [], number
        elif line.startswith(".Dl ") and here:
            text = plain(words_of(line[4:])) + "\n"
            if last == number - 1 and found:
                found[-1] = (*found[-1][:3], found[-1][3] + text)
            else:
                found.append((*kind, number, text))
                kind = ("COMMANDS", "")
            last = number
    return found


def shape(line):
    return " ".join(line.split())


def printed(expected, said):
    """The first line of `expected` that is not in `said`, in order, or None. One that begins with ...
    may go on with the line before."""
    at = 0
    for line in expected.splitlines():
        words = shape(line)
        pattern = ".*".join(re.escape(part.strip()) for part in words.split("..."))
        if not words.startswith("..."):
            pattern = "^" + pattern
        elif at > 0:
            at -= 1
        while at < len(said) and not re.search(pattern, said[at]):
            at += 1
        if at == len(said):
            return line
        at += 1
    return None


def programs():
    return {name for name in os.listdir(os.environ["BUILD"] + "/bin")}


def options_exist(text):
    """What is named in commands that are not run: programs, their options, variables of the analysis."""
    faults = []
    for command in re.split(r"[|;\n]|&&", text.replace("\\\n", " ")):
        try:
            words = shlex.split(command, comments=True)
        except ValueError:
            continue
        while words and re.fullmatch(r"[A-Z_]+=.*|time", words[0]):
            words.pop(0)
        if words and words[0] == "make":
            rules = "".join(open(path, encoding="utf-8").read() for path in
                            [ROOT + "/Makefile", *glob.glob(ROOT + "/*/*.mk"), *glob.glob(ROOT + "/*/*/*.mk")])
            faults += [f"make has no target {word}" for word in words[1:]
                       if "=" not in word and not re.search(rf"^(\.PHONY:.* )?{re.escape(word)}\b.*", rules, re.M)]
        if words and words[0].startswith(("tests/", "examples/")) and not os.path.exists(f"{ROOT}/{words[0]}"):
            faults.append(f"there is no {words[0]}")
        if not words or words[0] not in programs():
            continue
        said = subprocess.run([words[0], "--help"], capture_output=True, text=True, check=False).stdout
        known = set(re.findall(r"--[a-z][a-z0-9-]*", said)) | set(re.findall(r"(?<![\w-])-[A-Za-z]\b", said))
        upper = set(re.findall(r"\b[A-Z][A-Z_]+\b", said))
        for word in words[1:]:
            name = word.split("=", 1)[0]
            if re.fullmatch(r"--?[a-zA-Z][a-z0-9-]*", name) and name not in known:
                faults.append(f"{words[0]} has no option {name}")
            if words[0] == "heatpipe" and "=" in word and re.fullmatch(r"[A-Z_]+", name) and name not in upper:
                faults.append(f"heatpipe has no variable {name}")
    return faults


def not_in_test(text, folder):
    """The options and variables of commands, and their programs, that files of a test's folder do not have."""
    paths = [path for path in glob.glob(f"{ROOT}/{folder}/*") if os.path.isfile(path)]
    test = "".join(open(path, encoding="utf-8", errors="replace").read() for path in paths)
    words = [word for word in shlex.split(text.replace("\\\n", " ")) if word != "time"]
    named = {re.match(r"--?[a-z-]+|[A-Z_]+=", word)[0] for word in words if re.match(r"--[a-z]|-[a-z]|[A-Z_]+=", word)}
    # An option of heatpipe may be given as its variable.
    return [f"{folder} does not have {name}" for name in sorted(named | {words[0]}) if not any(
        form in test for form in (name, name.lstrip("-").replace("-", "_").upper() + "="))]


# As set -e, but a program may be stopped by one that has read enough.
PRELUDE = "set -o pipefail\ntrap 'status=$?; [ $status = 141 ] || exit $status' ERR"


def run(page, section):
    name, faults, script, outputs = os.path.basename(page), [], [PRELUDE], []
    for kind, argument, line, text in blocks(page, section):
        if kind == "COMMANDS" and any(word in text.split() and not shutil.which(word) for word in OTHERS):
            kind = "NOT RUN"
        if kind == "COMMANDS":
            script += [f"printf '\\001%d\\n' {line}; printf '\\001%d\\n' {line} >&2", text]
        elif kind == "OUTPUT":
            outputs.append((line, text))
        elif kind == "NEEDS" and util.find_spec(argument):
            script += [f"printf '\\001%d\\n' {line}; printf '\\001%d\\n' {line} >&2", text]
        elif kind == "RUN BY":
            faults += [f"{name}:{line}: {fault}" for fault in not_in_test(text, argument) + options_exist(text)]
        elif kind == "FILE":
            with open(argument, "w", encoding="utf-8") as file:
                file.write(text)
        elif kind == "NOT RUN":
            faults += [f"{name}:{line}: {fault}" for fault in options_exist(text)]
        elif kind == "PYTHON":
            modules = re.findall(r"^(?:import|from) (\w+)", text, re.M)
            if all(util.find_spec(module) for module in modules):
                script += [f"printf '\\001%d\\n' {line}; printf '\\001%d\\n' {line} >&2",
                           f"python3 - <<'END_OF_PYTHON'\n{text}END_OF_PYTHON\n"]
    script.append("exit 0")
    made = subprocess.run(["bash", "-c", "\n".join(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors="replace", check=False)
    parts = {}
    for stream in (made.stdout, made.stderr):
        for part in stream.split("\001")[1:]:
            line, said = part.split("\n", 1)
            parts.setdefault(int(line), []).append(said)
    if made.returncode:
        at = max(parts, default=0)
        faults.append(f"{name}:{at}: status {made.returncode}\n" + "".join(parts.get(at, [made.stderr]))[-2000:])
    first = 0
    for line, text in outputs:
        said = [shape(row) for at in sorted(parts) if first < at < line for pieces in parts[at][::-1] for row in pieces.splitlines()]
        missing = printed(text, said)
        if missing is not None and not made.returncode:
            faults.append(f"{name}:{line}: the commands before it do not print: {missing}\nbut:\n" + "\n".join(said[:40]))
        first = line
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    if sys.argv[1] == "blocks":
        for block in blocks(*sys.argv[2:]):
            print(*block[:3], block[3], sep="\n", end="\n\n")
    else:
        sys.exit(run(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))
