"""Proves the replayer: the reference itself, over HTTP, passes every recording, and each way of
spoiling its answers is noticed.

    selftest.py [../corpus/recorded/*.json ...]
"""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# Kinds of corruption, each with the verdict that the replayer must reach.
SPOILED = {
    "status": "FAIL",
    "json": "FAIL",
    "location": "FAIL",
    "cookie": "FAIL",
    "mail": "FAIL",
    "signal": "FAIL",
    "html": "FAIL",
    "unsupported": "unsupported",
}


class Server:
    def __init__(self, *args):
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "serve.py"), "--port", "0", *args],
            stdout=subprocess.PIPE, text=True,
        )
        self.base = self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self.base

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def replay(base, *args):
    done = subprocess.run(
        [sys.executable, str(HERE / "replay.py"), "--base", base, "--quiet", "--exact", *args],
        capture_output=True, text=True,
    )
    return done.returncode, done.stdout


def main():
    recorded = sys.argv[1:] or [str(p) for p in sorted((HERE.parent / "corpus" / "recorded").glob("*.json"))]
    bad = 0
    with Server() as base:
        code, out = replay(base, "--session-cookie", "strict", *recorded)
        print("the reference:", out.strip().splitlines()[-1])
        if code or " 0 failed, 0 unsupported" not in out:
            print(out)
            bad += 1
    few = [p for p in recorded if re.search(r"/(login|register|recover)\.json$", p)] or recorded[:2]
    for what, word in SPOILED.items():
        with Server("--break", what) as base:
            code, out = replay(base, *few)
        last = out.strip().splitlines()[-1]
        caught = code == (1 if word == "FAIL" else 0) and re.search(rf"^{word} ", out, re.M)
        print(f"spoiled {what}: {'caught' if caught else 'NOT CAUGHT'} ({last})")
        bad += not caught
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
