"""A Job's program for the tests of the real node: it does what its spec says."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

ALLOCATE = "held = [bytearray(1 << 20) for _ in range(1 << 10)]"


def report(outcome):
    with open("/dev/termination-log", "w") as file:
        json.dump(outcome, file, separators=(",", ":"))


def succeed(value=""):
    # The value comes back as the address of an output: as text, or as JSON.
    text = value if isinstance(value, str) else json.dumps(value)
    report({"ok": True, "outputs": {"said": {"uri": text, "digest": ""}}, "figures": {}})


def end(*_):
    print("told to end", flush=True)
    sys.exit(143)


def sleep(on_sigterm):
    signal.signal(signal.SIGTERM, on_sigterm)
    print("begun", flush=True)
    while True:
        time.sleep(1)


def can_write(folder):
    try:
        with open(f"{folder}/written", "w"):
            return True
    except OSError:
        return False


spec = json.loads(os.environ["TUNELINE_JOB"])
match spec["does"]:
    case "succeed":
        succeed(spec["value"])
    case "exit":
        sys.exit(spec["code"])
    case "report":
        report(spec["outcome"])
        sys.exit(spec["code"])
    case "sleep":
        sleep(end)
    case "ignore SIGTERM":
        sleep(signal.SIG_IGN)
    case "print":
        for number in range(1, spec["lines"] + 1):
            print(f"line {number}")
        succeed()
    case "use memory":
        exec(ALLOCATE)
    case "lose a child":
        child = subprocess.run([sys.executable, "-c", ALLOCATE], check=False)
        succeed(child.returncode)
    case "look around":
        read_only = bool(os.statvfs("/").f_flag & os.ST_RDONLY)
        succeed({"user": os.getuid(), "group": os.getgid(), "readOnly": read_only, "writes": list(filter(can_write, spec["folders"]))})
    case "fetch":
        with urllib.request.urlopen(spec["url"]) as response:
            succeed(response.read().decode())
