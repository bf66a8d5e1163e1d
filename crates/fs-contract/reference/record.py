"""Plays ../corpus/scenarios/*.yaml against the reference and writes ../corpus/recorded/*.json.

    record.py [--scenarios DIR] [--out DIR] [--only GLOB] [--check] [--show]

--check writes nothing and fails when a recording would change. --show prints each step.
"""

import argparse
import fnmatch
import io
import json
import pathlib
import sys
import traceback
from urllib.parse import unquote_to_bytes

import yaml

import driver
import normalise
from driver import Broken, check_step

HERE = pathlib.Path(__file__).resolve().parent
FILE_KEYS = {"name", "about", "config", "fixtures", "define", "scenarios"}
SCENARIO_KEYS = {"name", "intent", "config", "quirk", "refused", "steps"}
MUST_KEYS = {
    "status", "content_type", "location", "json", "absent", "error", "errors", "messages", "notices",
    "mails", "sms", "signals", "cookies", "user", "returned", "as", "via", "forms", "www_authenticate",
}


class InProcess:
    """Transport that calls the WSGI callable of the control plane."""

    origin = "http://localhost:5000"

    def __init__(self, plane):
        self.plane = plane

    def send(self, method, target, headers, body):
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "5000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost:5000",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body or b""),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if body is not None or method in ("POST", "PUT", "PATCH"):
            environ["CONTENT_LENGTH"] = str(len(body or b""))
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else "HTTP_" + key] = value
        got = {}

        def start_response(status, answered, exc_info=None):
            got["status"], got["headers"] = int(status.split()[0]), answered

        parts = self.plane(environ, start_response)
        try:
            out = b"".join(parts)
        finally:
            getattr(parts, "close", lambda: None)()
        return got["status"], got["headers"], out

    def control(self, method, what, value):
        body = None if value is None else json.dumps(value).encode()
        status, _, out = self.send(method, "/__contract/" + what, {}, body)
        return status, out


# Assertions of the scenario files

def check_must(must, got, status_needed):
    """Returns the parts of a step's `must` that the answer does not meet."""
    out = []
    unknown = set(must) - MUST_KEYS
    if unknown:
        return [f"unknown in must: {', '.join(sorted(unknown))}"]

    def want(name, wanted, found):
        if wanted != found:
            out.append(f"must {name} {wanted!r}, got {found!r}")

    body = got.get("json") if isinstance(got.get("json"), dict) else {}
    html = got.get("html") or {}
    if status_needed and "status" not in must and got.get("status", 0) >= 400:
        out.append(f"answers {got['status']}, which its must does not expect")
    for name in ("status", "content_type", "location", "www_authenticate", "returned"):
        if name in must:
            want(name, must[name], got.get(name))
    for path, wanted in (must.get("json") or {}).items():
        want(f"json {path}", wanted, driver.pointer(got.get("json"), path))
    for path in must.get("absent", []):
        want(f"absent {path}", None, driver.pointer(got.get("json"), path))
    if "error" in must:
        want("error", must["error"], driver.pointer(body, "/response/error"))
    if "errors" in must:
        want("errors", must["errors"], driver.pointer(body, "/response/errors"))
    if "messages" in must:
        want("messages", sorted(must["messages"]), html.get("messages", []))
    if "notices" in must:
        want("notices", must["notices"], got.get("notices", []))
    if "forms" in must:
        want("forms", must["forms"], [form["action"] for form in html.get("forms", [])])
    if "mails" in must:
        want("mails", must["mails"], [mail["template"] for mail in got.get("mails", [])])
    if "sms" in must:
        want("sms", must["sms"], len(got.get("sms", [])))
    if "signals" in must:
        want("signals", must["signals"], [s["name"] for s in got.get("signals", [])])
    for name, wanted in (must.get("cookies") or {}).items():
        ops = [c["op"] for c in got.get("cookies", []) if c["name"] == name]
        want(f"cookie {name}", wanted, ops[-1] if ops else "none")
    for name, wanted in (must.get("user") or {}).items():
        want(f"user {name}", wanted, (got.get("user") or {}).get(name))
    shown = html.get("route") or body
    if "as" in must:
        want("as", must["as"], shown.get("user"))
    if "via" in must:
        want("via", must["via"], shown.get("authn_via"))
    return out


# Scenario files

def flatten(steps):
    for step in steps or []:
        if isinstance(step, list):
            yield from flatten(step)
        else:
            yield step


def load(path):
    try:
        data = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise Broken(f"{path.name}: not YAML: {error}")
    if not isinstance(data, dict) or not isinstance(data.get("scenarios"), list):
        raise Broken(f"{path.name}: a scenario file has a name and a list of scenarios")
    extra = set(data) - FILE_KEYS
    if extra:
        raise Broken(f"{path.name}: unknown {', '.join(sorted(extra))}")
    if data.get("name") != path.stem:
        raise Broken(f"{path.name}: its name is {data.get('name')!r}, not {path.stem!r}")
    seen = set()
    for scenario in data["scenarios"]:
        name = scenario.get("name")
        where = f"{path.name}: {name}"
        if not isinstance(name, str) or not name.replace("_", "").isalnum():
            raise Broken(f"{where}: a scenario's name is letters, digits and underscores")
        if name in seen:
            raise Broken(f"{where}: named twice")
        seen.add(name)
        extra = set(scenario) - SCENARIO_KEYS
        if extra:
            raise Broken(f"{where}: unknown {', '.join(sorted(extra))}")
        scenario["steps"] = list(flatten(scenario.get("steps")))
        if not scenario["steps"] and not scenario.get("refused"):
            raise Broken(f"{where}: no steps")
        for number, step in enumerate(scenario["steps"], 1):
            check_step(step, f"{where}, step {number}")
    return data


def record(data, path, plane, only, show):
    defaults = json.loads((HERE / "defaults.json").read_text())
    base = {**defaults, **(data.get("config") or {})}
    fixtures_at = path.parent / data["fixtures"] if data.get("fixtures") else HERE / "fixtures.json"
    fixtures = json.loads(fixtures_at.read_text())
    out = {"name": data["name"], "config": base, "fixtures": fixtures, "scenarios": []}
    problems = []
    requests = 0
    for scenario in data["scenarios"]:
        if only and not fnmatch.fnmatch(f"{data['name']}/{scenario['name']}", only):
            continue
        where = f"{data['name']}/{scenario['name']}"
        kept = {k: scenario[k] for k in ("name", "intent", "config", "quirk", "refused")
                if k in scenario}
        try:
            steps, sent = play(scenario, base, fixtures, plane, problems, where, show)
        except Broken as error:
            problems.append(f"{where}: {error}")
            continue
        kept["steps"] = steps
        requests += sent
        out["scenarios"].append(kept)
    return out, requests, problems


def play(scenario, base, fixtures, plane, problems, where, show):
    config = {**base, **(scenario.get("config") or {})}
    try:
        run = driver.Play(InProcess(plane), config, fixtures)
    except driver.Refused as error:
        if not scenario.get("refused"):
            problems.append(f"{where}: the reference refuses its configuration: {error}")
        return [], 0
    except driver.Unsupported as error:
        raise Broken(str(error))
    if scenario.get("refused"):
        problems.append(f"{where}: the reference accepts its configuration")
    steps = []
    for number, step in enumerate(scenario["steps"], 1):
        plane.state.exceptions.clear()
        try:
            got = run.step(step)
        except (driver.Unsupported, Broken) as error:
            raise Broken(f"step {number}: {error}")
        wrong = check_must(step.get("must") or {}, got, "request" in step)
        wrong += [f"nothing to capture at {what}" for what in run.missing]
        if show or wrong:
            print(f"--- {where}, step {number}: {json.dumps(driver_view(step))}")
            print("    " + json.dumps(got, ensure_ascii=False))
            for error in plane.state.exceptions:
                last = traceback.extract_tb(error.__traceback__)[-1]
                print(f"    {type(error).__name__}: {error} at {last.filename}:{last.lineno}")
        problems += [f"{where}, step {number}: {text}" for text in wrong]
        kept = {key: value for key, value in step.items() if key != "must"}
        if "clock" not in step and "close" not in step:
            kept["recorded"] = got
        steps.append(kept)
    return steps, run.requests


def emit(done):
    """Formats JSON with one line per item, so that differences are easy to read."""

    def line(value):
        return json.dumps(value, ensure_ascii=False)

    def block(value):
        items = (
            [f"{line(key)}: {line(item)}" for key, item in sorted(value.items())]
            if isinstance(value, dict)
            else [line(item) for item in value]
        )
        left, right = "{}" if isinstance(value, dict) else "[]"
        return left + "\n" + ",\n".join("  " + item for item in items) + "\n " + right

    out = ["{", f'"name": {line(done["name"])},', f'"config": {block(done["config"])},']
    fixtures = ",\n ".join(
        f"{line(key)}: {block(value)}" for key, value in sorted(done["fixtures"].items())
    )
    out += ['"fixtures": {', f" {fixtures}", "},", '"scenarios": [']
    scenarios = []
    for scenario in done["scenarios"]:
        head = [f"{line(key)}: {line(scenario[key])}"
                for key in ("name", "intent", "quirk", "refused", "config") if key in scenario]
        steps = []
        for step in scenario["steps"]:
            parts = [f"{line(key)}: {line(step[key])}"
                     for key in (*driver.STEP_KINDS, "intent", "capture", "quirk", "recorded")
                     if key in step]
            steps.append("   {" + ",\n    ".join(parts) + "}")
        body = ",\n".join(steps)
        scenarios.append(" {" + ",\n  ".join(head) + ',\n  "steps": [\n' + body + "\n  ]}")
    out += [",\n".join(scenarios), "]", "}"]
    text = "\n".join(out) + "\n"
    assert json.loads(text) == json.loads(json.dumps(done))
    return text


def driver_view(step):
    return {key: value for key, value in step.items() if key not in ("must", "quirk", "intent")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenarios", type=pathlib.Path, default=HERE.parent / "corpus" / "scenarios")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--only")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    out = args.out or args.scenarios.parent / "recorded"

    from plane import Clock, Plane

    plane = Plane(Clock())
    problems, total, requests, changed, names = [], 0, 0, [], set()
    only = args.only if not args.only or "/" in args.only else f"*/{args.only}"
    for path in sorted(args.scenarios.glob("*.yaml")):
        if only and not fnmatch.fnmatch(path.stem, only.split("/")[0]):
            continue
        try:
            data = load(path)
            done, sent, wrong = record(data, path, plane, only, args.show)
        except Broken as error:
            problems.append(str(error))
            continue
        problems += wrong
        total += len(done["scenarios"])
        requests += sent
        names.add(path.stem + ".json")
        if only:
            continue
        text = emit(done)
        target = out / (path.stem + ".json")
        if not wrong and (not target.exists() or target.read_text() != text):
            changed.append(target.name)
            if not args.check:
                out.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
    if not only:
        for stale in sorted(out.glob("*.json")):
            if stale.name not in names and not problems:
                changed.append(stale.name)
                if not args.check:
                    stale.unlink()
    for text in problems:
        print("broken:", text)
    print(f"recorded: {total} scenarios, {requests} requests, {len(changed)} files changed")
    return 1 if problems or (args.check and changed) else 0


if __name__ == "__main__":
    sys.exit(main())
