"""Sends the API what no client should: python3 tests/api/hostile.py http://HOST:PORT KEY

Reads the operations and their fields from the served OpenAPI document, so that none is forgotten.
Whatever is wrong has to be refused with 4xx, as a problem that names the field, and the server has
to go on answering. Lists what fails and ends with 1. Takes a minute, because slow clients do.
"""

import collections
import json
import re
import resource
import sys
import threading
import time
import urllib.parse

from bodies import Bodies
from wire import Server, parse

# A slow client has to be cut within this: a head may take 30 s, and so may the largest bodies.
PATIENCE_S = 45
IDLE_CONNECTIONS = 1000
# Beyond limits up to this one bodies are sent in full; beyond larger ones they are announced only.
SENT_MAX = 16 << 20
PROBLEM, NDJSON = "application/problem+json", "application/x-ndjson"
# A line of NDJSON, of which the document says only that it is text.
LINE = {"$ref": "#/components/schemas/TransferForm"}
ANY_4XX = set(range(400, 500))
# What the parser of HTTP refuses itself, before it knows what is asked for: without a problem.
UNREADABLE = {None, 400, 414, 431}

# Why, where, and what was sent.
failures = collections.defaultdict(lambda: collections.defaultdict(list))


def fail(where, what, why):
    failures[why][where].append(what)


# What an answer has to be.


def refused(where, what, answer, pointer=None, allowed=ANY_4XX):
    """Checks that it was refused, as a problem, which for a wrong field (422) names it."""
    if answer is None:
        return fail(where, what, "no answer")
    if answer.status not in ANY_4XX:
        return fail(where, what, f"{answer.status} instead of 4xx")
    kind = answer.headers.get("content-type")
    if kind != PROBLEM:
        return fail(where, what, f"{answer.status} comes as {kind}, not as {PROBLEM}")
    problem = json.loads(answer.body)
    if problem["status"] != answer.status or not problem["code"] or not problem["instance"]:
        fail(where, what, "the problem lacks its status, code or request id")
    if answer.status not in allowed:
        return fail(where, f"{what} → {problem['code']}", f"not one of {sorted(allowed)}")
    if answer.status == 422:
        named(where, what, problem, pointer)


def named(where, what, problem, pointer):
    told = [error["pointer"] for error in problem.get("errors", [])]
    if not told:
        fail(where, f"{what} → {problem['code']}", "422 names no field")
    elif pointer and not any(f"{one}/".startswith(f"{pointer}/") for one in told):
        fail(where, f"{what} → {told}", "422 does not name the field that is wrong")


# What is tried with every operation.


def address(path, **change):
    """Fills a path with ids that are well formed and lead nowhere."""
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        value = change.get(name) or {"code": "ZZZ", "seq": "1"}.get(name, "@ID@")
        path = path.replace("{" + name + "}", bodies.fresh(value).decode())
    return path


def body_of(operation):
    """Gives media type and schema of an operation's body; nothing for none."""
    content = operation.get("requestBody", {}).get("content", {})
    for media_type, its in content.items():
        return media_type, LINE if media_type == NDJSON else its["schema"]
    return None, None


def try_body(where, method, path, operation):
    media_type, schema = body_of(operation)
    typed = ["Content-Type: " + media_type]
    keyed = "idempotency-key" in [its["name"] for its in operation.get("parameters", [])]
    for wrong in ([], ["text/plain"], [""], ["\xff"], ["application"]):
        headers = ["Content-Type: " + kind for kind in wrong]
        answer = server.ask(method, address(path), headers, bodies.good(schema))
        refused(where, f"the media type {wrong}", answer, allowed={415})
    try_oversized(where, method, path, typed)
    if media_type == NDJSON:
        return try_lines(where, method, path, typed)
    for number, (what, body, pointer) in enumerate(bodies.wrong(schema)):
        key = [f"Idempotency-Key: {where} {number}"] * keyed
        answer = server.ask(method, address(path), typed + key, body)
        refused(where, what, answer, pointer, {400, 422})


def try_oversized(where, method, path, typed):
    """Announces too much, learns the limit from the answer, and sends a byte more than that."""
    answer = server.ask(method, address(path), [*typed, f"Content-Length: {1 << 40}"])
    refused(where, "a terabyte is announced", answer, allowed={413})
    told = re.search(rb"at most (\d+) bytes", answer.body if answer else b"")
    size = int(told[1]) + 1 if told else 0
    if 0 < size <= SENT_MAX:
        headers = [*typed, "Transfer-Encoding: chunked", "Connection: close"]
        start = server.head(method, address(path), headers)
        got, _ = server.exchange(start + b"%x\r\n%s\r\n0\r\n\r\n" % (size, b" " * size))
        refused(where, f"{size} bytes in chunks", parse(got)[0], allowed={413})


def try_lines(where, method, path, typed):
    """Sends every wrong body as a line: each has to be told by its number, and stops no other."""
    cases = [case for case in bodies.wrong(LINE) if case[1] and b"\n" not in case[1]]
    short = [case for case in cases if len(case[1]) < 60_000]
    for part in [short, *([case] for case in cases if case not in short)]:
        answer = server.ask(method, path, typed, b"".join(line + b"\n" for _, line, _ in part))
        told = [json.loads(line) for line in answer.body.splitlines()]
        if [line["line"] for line in told] != list(range(1, len(part) + 1)):
            fail(where, f"{len(part)} wrong lines", "the results are not one for each line")
        for line, (what, _, pointer) in zip(told, part):
            if line["status"] not in ("invalid", "aborted"):
                fail(where, f"a line where {what} → {line}", "a wrong line is not told as invalid")
            elif line["code"] == "invalid_field":
                named(where, f"a line where {what}", line, pointer)


WRONG_IDS = ["x", "%ff", "%00", "%e2%28%a1", "%2e%2e%2f", "%", "%zz", "..%5c", ";", "'--", "-1"]
WRONG_IDS += ["zzz_01JD3T6Z8M3V5K1W9QXY2ABCDE", "0" * 32, "9" * 30, "a" * 5000, "%F0%9F%92%A9"]
WRONG_QUERIES = ["", "%ff", "%00", "x" * 9000, "%F0%9F%92%A9", "null", "[]", "-1", "1.5", "1e3"]
WRONG_HEADERS = [["k" * 10_000], [""], ["\xe9"], ["a\tb"], ["same", "same"], ["one", "two"]]
NO_KEYS = [[], [""], ["Bearer"], ["Bearer x"], ["Basic eDp5"], ["Bearer \xe9"], ["k" * 9000]]


def try_parameters(where, method, path, operation):
    media_type, schema = body_of(operation)
    typed = [f"Content-Type: {media_type}"] * bool(media_type)
    body = bodies.good(schema) if schema else None
    for parameter in operation.get("parameters", []):
        name, pointer = parameter["name"], f"{parameter['in']}:{parameter['name']}"
        if parameter["in"] == "path":
            for value in WRONG_IDS:
                answer = server.ask(method, address(path, **{name: value}), typed, body)
                refused(where, f"{pointer} is {value[:20]}", answer, pointer)
        elif parameter["in"] == "query":
            for query in wrong_queries(parameter):
                answer = server.ask(method, f"{address(path)}?{query}")
                refused(where, f"?{query[:60]}", answer, pointer, {422})
        else:
            for values in WRONG_HEADERS:
                headers = typed + [f"{name}: {value}" for value in values]
                answer = server.ask(method, address(path), headers, body)
                what = f"{pointer} is {[value[:10] for value in values]}"
                refused(where, what, answer, pointer, {422, 431})
    bearer = f"Bearer {server.key}"
    for values in [*NO_KEYS, [bearer, "Bearer x"], ["Bearer x", bearer]]:
        headers = typed + ["Authorization: " + value for value in values]
        answer = server.ask(method, address(path), headers, body, key=False)
        what = f"authorization is {[value[:11] for value in values]}"
        refused(where, what, answer, allowed={400, 401})
    refused(where, "an unknown method", server.ask("BREW", address(path)), allowed={405})
    if method == "GET" and "{" in path:
        answer = server.ask(method, address(path), ["Accept: text/html"])
        refused(where, "a browser's Accept", answer)


def wrong_queries(parameter):
    name, its = parameter["name"], bodies.resolve(parameter["schema"], 0)
    good = urllib.parse.quote(str(json.loads(bodies.good(its))))
    above = [its["maximum"] + 1] if "maximum" in its else []
    yield from [f"{name}={value}" for value in [*WRONG_QUERIES, 10**30, *above]]
    yield f"{name}={good}&{name}={good}"
    yield from ["x=1"] * parameter.get("required", False)


# What is tried once: requests that are no proper HTTP, and clients that are slow.


def try_wire():
    get = server.head("GET", "/api/v1/companies")
    typed = "Content-Type: application/json"

    def get_with(line):
        return get[:-2] + line + b"\r\n\r\n"

    def post(*lines):
        return server.head("POST", "/api/v1/accounts", [typed, *lines])

    def statuses(what, data, *allowed):
        """Compares the statuses of all the answers; `None` is the end without one."""
        (got, closed), found = server.exchange(data, patience=5), []
        while got and (answer := parse(got))[0]:
            found, got = [*found, answer[0].status], answer[1]
        found += [None] * (not found and closed)
        if len(found) != len(allowed) or any(one not in its for one, its in zip(found, allowed)):
            fail("HTTP", f"{what} → {found}", "a malformed request is not refused as it should be")

    for what, data in {
        "no HTTP": b"garbage\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/3.1": get.replace(b"1.1", b"3.1"),
        "a path of 70 kB": server.head("GET", "/" + "a" * 70_000),
        "bytes in the path": server.head("GET", "/api/\xff\xfe"),
        "a header of 500 kB": get_with(b"X: " + b"a" * 500_000),
        "100 headers": get_with(b"\r\n".join([b"X: a"] * 100)),
        "NUL in a header": get_with(b"X: a\0b"),
        "a blank before the colon": get_with(b"X : a"),
        "a folded header": get_with(b"X: a\r\n b"),
        "no host": get.replace(b"Host: test\r\n", b""),
        "two hosts": get_with(b"Host: other"),
        "two lengths": post("Content-Length: 1", "Content-Length: 2") + b"{}",
        "a negative length": post("Content-Length: -2") + b"{}",
        "chunks not last": post("Transfer-Encoding: chunked, x") + b"0\r\n\r\n",
        "a chunk of size ZZ": post("Transfer-Encoding: chunked") + b"ZZ\r\n{}\r\n0\r\n\r\n",
        "a chunk of 2^68 bytes": post("Transfer-Encoding: chunked") + b"F" * 17 + b"\r\n{}\r\n",
    }.items():
        statuses(what, data, UNREADABLE)
    wrong = post("Content-Length: 1") + b"{"
    both = post("Content-Length: 3", "Transfer-Encoding: chunked")
    statuses("length and chunks", both + b"1\r\n{\r\n0\r\n\r\n", {400})
    odd = [b"X-Request-Id: \xff<>", b"traceparent: 00-z", b"Cookie: =;\xff", b"Accept: \xff;q=x"]
    statuses("odd headers", get_with(b"\r\n".join([*odd, b"X-Forwarded-For: 1.2.3.4.5"])), {200})
    statuses("HTTP/1.0", get.replace(b"1.1", b"1.0"), {200})
    statuses("three in one", get * 3, {200}, {200}, {200})
    statuses("a wrong one, then a right one", wrong + get, {400}, {200})
    statuses("more than the length says", wrong + b"}", {400}, UNREADABLE)
    statuses("a promise", post("Expect: 100-continue", "Content-Length: 1") + b"{", {100}, {400})
    huge = post("Expect: 100-continue", f"Content-Length: {1 << 40}")
    statuses("the promise of a terabyte", huge, {413})


def slow_clients():
    """Gives what, the first bytes, and what drips every second."""
    get = server.head("GET", "/api/v1/companies")
    yield "HTTP", "nothing is sent", b"", b""
    yield "HTTP", "half a head", get[:-2], b""
    yield "HTTP", "a head that drips", get[:-2], b"X: x\r\n"
    yield "HTTP", "no second request", get, b""
    for where, method, path, operation in operations():
        media_type, _ = body_of(operation)
        if media_type:
            typed = "Content-Type: " + media_type
            start = server.head(method, address(path), [typed, "Content-Length: 1000"])
            yield where, "a body that does not come", start, b""
            start = server.head(method, address(path), [typed, "Transfer-Encoding: chunked"])
            yield where, "a body that drips and never ends", start, b"1\r\n \r\n"


def try_slowly(where, what, first, drip):
    got, closed = server.exchange(first, drip)
    answer, _ = parse(got)
    if not closed:
        fail(where, what, f"a slow client is not cut within {PATIENCE_S} s")
    elif answer and answer.status >= 500:
        fail(where, what, f"{answer.status} instead of 4xx for a slow client")


def try_idling():
    """Opens many connections that say nothing; the server has to answer others, and cut them."""
    idle = [server.connect() for _ in range(IDLE_CONNECTIONS)]
    begun = time.monotonic()
    is_ready("with idle connections")
    for connection in idle:
        connection.settimeout(max(0.01, begun + PATIENCE_S - time.monotonic()))
        try:
            connection.recv(1)
        except TimeoutError:
            fail("HTTP", "idle", f"a connection is not cut within {PATIENCE_S} s")
        except OSError:
            pass
        connection.close()


def is_ready(when):
    begun = time.monotonic()
    answer = server.ask("GET", "/readyz")
    if answer is None or answer.status != 200 or time.monotonic() - begun > 2:
        fail("/readyz", when, "the server is not ready")


def panics():
    answer = server.ask("GET", "/metrics")
    found = re.search(rb"^daifuku_http_panics_total (\d+)", answer.body if answer else b"", re.M)
    return int(found[1]) if found else None


def try_document():
    for reference in set(re.findall(r"#/components/schemas/\w+", json.dumps(DOCUMENT))):
        if reference.split("/")[-1] not in DOCUMENT["components"]["schemas"]:
            fail("/api/openapi.json", reference, "a reference leads nowhere")


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", method.upper(), path, operation


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    before = panics()
    jobs = [threading.Thread(target=try_slowly, args=client) for client in slow_clients()]
    jobs.append(threading.Thread(target=try_idling))
    for job in jobs:
        job.start()
    try_document()
    try_wire()
    for where, method, path, operation in operations():
        if "requestBody" in operation:
            try_body(where, method, path, operation)
        try_parameters(where, method, path, operation)
    for job in jobs:
        job.join()
    is_ready("in the end")
    if before is None or panics() != before:
        fail(
            "/metrics", f"{before} before, {panics()} now", "a handler panicked, or nobody can tell"
        )
    for why, places in sorted(failures.items()):
        print(f"\n{why}:")
        for where, cases in sorted(places.items()):
            more = f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""
            print(f"  {where}: {cases[0]}{more}")
    count = sum(len(cases) for places in failures.values() for cases in places.values())
    print(f"\n{next(server.requests)} requests, {count} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    target = urllib.parse.urlsplit(sys.argv[1])
    server = Server(target.hostname, target.port, sys.argv[2], PATIENCE_S)
    DOCUMENT = server.read("/api/openapi.json")
    unit = server.read("/api/v1/units")["items"][0]
    cost, takings = unit["accounts"]["cost"], unit["accounts"]["takings"]
    known = {"debit": cost, "credit": takings, "account": cost, "unit": unit["code"], "code": "ZZZ"}
    bodies = Bodies(DOCUMENT, known | {"url": "https://example.com/"})
    sys.exit(main())
