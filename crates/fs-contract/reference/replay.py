#!/usr/bin/env python3
"""Holds a contract server against recordings. Standard library only.

    replay.py --base http://127.0.0.1:PORT ../corpus/recorded/*.json
              [--only GLOB] [--json report.json] [--exact] [--session-cookie strict]

Each scenario passes, fails, or is unsupported (the server answered 501). A step's `quirk` says
where an implementation should not follow the reference: those fields are compared with its
`instead`, or left out; a scenario that is a quirk as a whole is left out. --exact compares
everything with what the reference answered, as serve.py must.

The session cookie is opaque, and when it is sent again is the server's own affair: by default it
is compared in the answers where both sides send it.
"""

import argparse
import fnmatch
import http.client
import json
import pathlib
import sys
from urllib.parse import urlsplit

import driver
import normalise


class Http:
    """Transport over HTTP, with one connection per request. Never follows redirects."""

    def __init__(self, base, timeout):
        split = urlsplit(base)
        self.origin = f"{split.scheme}://{split.netloc}"
        self.host, self.port = split.hostname, split.port or (443 if split.scheme == "https" else 80)
        self.secure, self.timeout = split.scheme == "https", timeout

    def send(self, method, target, headers, body):
        kind = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=self.timeout)
        try:
            connection.putrequest(
                method, target, skip_accept_encoding=True,
                skip_host=any(name.lower() == "host" for name in headers),
            )
            if body is not None or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body or b"")))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Connection", "close")
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def control(self, method, what, value):
        body = None if value is None else json.dumps(value).encode()
        headers = {} if value is None else {"Content-Type": "application/json"}
        status, _, out = self.send(method, "/__contract/" + what, headers, body)
        return status, out


def page_forms(want, got):
    """Removes the forms from both sides, and returns the recorded ones that the page lacks.

    A page may hold more forms, more hidden fields and buttons, and other kinds of field than the
    reference's: it must take the same fields by the same method at the same place.
    """
    asked = (want.get("html") or {}).get("forms", [])
    there = (got.get("html") or {}).get("forms", [])
    for side in (want, got):
        if "html" in side:
            side["html"] = {k: v for k, v in side["html"].items() if k != "forms"}
            if not side["html"]:
                del side["html"]
    out = []
    for form in asked:
        need = {k: v for k, v in form["fields"].items() if not v.startswith("submit")}
        near = [f for f in there if (f["method"], f["action"]) == (form["method"], form["action"])]
        if not any(takes(need, f["fields"]) for f in near):
            what = f"{form['method']} {form['action']} {sorted(need)}"
            out.append(("/html/forms", what, [sorted(f["fields"]) for f in near] or "<absent>"))
    return out


def takes(need, fields):
    extra = {k for k in fields if k not in need}
    return (
        all(k in fields and (not v.startswith("hidden =") or fields[k] == v) for k, v in need.items())
        and all(fields[k].startswith(("hidden", "submit", "button", "reset")) for k in extra)
    )


def compare(step, got, exact, loose):
    want, got = dict(step.get("recorded") or {}), dict(got)
    pages = [] if exact else None
    quirk = step.get("quirk")
    if quirk and not exact:
        for field in quirk.get("skip", []):
            want.pop(field, None)
            got.pop(field, None)
        for field, value in (quirk.get("instead") or {}).items():
            if value is None:
                want.pop(field, None)
            else:
                want[field] = value
    if pages is None:
        pages = page_forms(want, got)
    if loose:
        ours = {c["name"] for c in want.get("cookies", [])} & {
            c["name"] for c in got.get("cookies", [])
        }
        for side in (want, got):
            kept = [c for c in side.get("cookies", []) if c["name"] != loose or c["name"] in ours]
            side.pop("cookies", None)
            if kept:
                side["cookies"] = kept
    return pages + normalise.differences(want, got)


def replay(scenario, config, fixtures, transport, exact, loose):
    """Returns (result, reason lines, requests)."""
    config = {**config, **(scenario.get("config") or {})}
    name = config.get("SESSION_COOKIE_NAME", "session") if loose else None
    run = None
    try:
        try:
            run = driver.Play(transport, config, fixtures)
        except driver.Refused as error:
            if scenario.get("refused"):
                return "pass", [], 0
            return "FAIL", [f"refuses the configuration: {error}"], 0
        if scenario.get("refused"):
            return "FAIL", ["accepts a configuration that it must refuse"], 0
        for number, step in enumerate(scenario["steps"], 1):
            got = run.step(step)
            found = compare(step, got, exact, name) if "recorded" in step else []
            if found:
                lines = [f"step {number}: {describe(step)}"]
                lines += [f"  {at}: {short(want)} -> {short(have)}" for at, want, have in found]
                return "FAIL", lines, run.requests
            if run.missing:
                lines = [f"step {number}: {describe(step)}"]
                lines += [f"  nothing to capture at {what}" for what in run.missing]
                return "FAIL", lines, run.requests
    except driver.Unsupported as error:
        return "unsupported", [str(error)], run.requests if run else 0
    except driver.Broken as error:
        return "FAIL", [str(error)], run.requests if run else 0
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        # No answer, or one that violates the protocol of the control plane.
        return "FAIL", [f"{type(error).__name__}: {error}"], run.requests if run else 0
    return "pass", [], run.requests


def describe(step):
    if "request" in step:
        request = step["request"]
        return f"{request.get('method', 'GET')} {request['path']}"
    return f"store {step['store']['op']}"


def short(value, limit=160):
    text = value if value == "<absent>" else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + "…"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recorded", nargs="+", type=pathlib.Path)
    parser.add_argument("--base", required=True)
    parser.add_argument("--only", help="a scenario, or file/scenario; * and ? match")
    parser.add_argument("--json", type=pathlib.Path, help="write a report here")
    parser.add_argument("--exact", action="store_true", help="hold quirks against the reference too")
    parser.add_argument(
        "--session-cookie", choices=("loose", "strict"), default="loose",
        help="strict: an answer sends the session cookie exactly when the reference does",
    )
    parser.add_argument("--max-diff", type=int, default=8, help="lines of difference a scenario")
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("--quiet", action="store_true", help="print only what does not pass")
    args = parser.parse_args()
    transport = Http(args.base, args.timeout)
    only = args.only if not args.only or "/" in args.only else f"*/{args.only}"
    counts = {"pass": 0, "FAIL": 0, "unsupported": 0}
    report, requests, quirks = [], 0, 0
    for path in args.recorded:
        data = json.loads(path.read_text())
        for scenario in data["scenarios"]:
            name = f"{data['name']}/{scenario['name']}"
            if only and not fnmatch.fnmatch(name, only):
                continue
            if scenario.get("quirk") and not args.exact:
                quirks += 1
                report.append({"name": name, "result": "quirk", "reason": [scenario["quirk"]]})
                continue
            result, reason, sent = replay(
                scenario, data["config"], data["fixtures"], transport, args.exact,
                args.session_cookie == "loose",
            )
            counts[result] += 1
            requests += sent
            report.append({"name": name, "result": result, "reason": reason, "requests": sent})
            if result != "pass" or not args.quiet:
                print(f"{result:11} {name}")
                for line in reason[: args.max_diff]:
                    print(f"            {line}")
                if len(reason) > args.max_diff:
                    print(f"            … {len(reason) - args.max_diff} more")
    total = sum(counts.values())
    if args.json:
        args.json.write_text(
            json.dumps(
                {"passed": counts["pass"], "failed": counts["FAIL"],
                 "unsupported": counts["unsupported"], "quirks_left_out": quirks,
                 "total": total, "requests": requests, "scenarios": report},
                indent=1, ensure_ascii=False,
            ) + "\n"
        )
    if quirks:
        print(f"left out: {quirks} scenarios that record a quirk")
    print(
        f"contract: {counts['pass']} passed, {counts['FAIL']} failed, "
        f"{counts['unsupported']} unsupported of {total} (requests {requests})"
    )
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
