"""What schemathesis cannot know: which ids are on the books, NDJSON, and how we say no.

Read by schemathesis.toml. Wants DAIFUKU_URL and DAIFUKU_API_KEY in the environment, and the demo.
"""

import itertools
import json
import os
import re
import time
import urllib.request

import schemathesis

NDJSON = "application/x-ndjson"
ENDS = "2099-01-01T00:00:00Z"
# What callers choose themselves: other values than those proposed are as good.
CHOSEN = ("id", "code")
# The first member of the demo: her id follows from her mail address, and the API names no members.
MEMBER = "mem_32RKZNX15XQK9HB7P9311N7FFP"
# Where the ids are those proposed here, so that what was placed is found.
PLACING = [f"/api/v1/{things}" for things in ("holds", "expectations", "wallet/holds", "webhooks")]
POINTER = re.compile(r"(/.*|(query|path|header):.+)\Z", re.DOTALL)

commands = itertools.count(1)


def ask(method, path, body=None):
    """Asks the server and gives its JSON; what is refused stops the run."""
    request = urllib.request.Request(
        os.environ["DAIFUKU_URL"] + "/api/v1" + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "authorization": "Bearer " + os.environ["DAIFUKU_API_KEY"],
            "content-type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def some(prefix, first):
    """Makes a few ids, so that what one request places another finds."""
    return [f"{prefix}_01JD3T6Z8M3V5K1W9QXY2ABC{first}{last}" for last in "ABCDEFGHJK"]


def furnish():
    """Places one thing of each kind; gives the values to try, by path and by name of the field."""
    unit = ask("GET", "/units")["items"][0]
    code, cost, takings = unit["code"], unit["accounts"]["cost"], unit["accounts"]["takings"]
    granted = [item for item in ask("GET", "/movements")["items"] if item["credit_lot"]]
    wallet = granted[0]["credit"]
    # Freezing and closing happen to accounts of their own: else little would work afterwards.
    spare = [ask("POST", "/accounts", {"unit": code, "side": "credit"})["id"] for _ in range(8)]
    named = [f"tests-api-{number}" for number in range(4)]
    hook = {"url": "http://127.0.0.1:9/"}
    webhooks = [ask("POST", "/webhooks", {"id": name, **hook})["id"] for name in named]
    holds, expectations, tills = some("hold", "A"), some("exp", "A"), some("hold", "B")
    asked = {"debit": cost, "credit": wallet, "amount": 1000}
    ask("POST", "/holds", {"id": holds[0], "expires_at": ENDS, **asked, "credit": takings})
    ask("POST", "/expectations", {"id": expectations[0], **asked})
    till = {"id": tills[0], "member": MEMBER, "unit": code, "amount": 1, "shop": "x"}
    ask("POST", "/wallet/holds", till)
    deliveries, end = [], time.monotonic() + 10
    while not deliveries and time.monotonic() < end:
        time.sleep(0.2)
        deliveries = ask("GET", f"/webhooks/{webhooks[0]}/deliveries")["items"]
    paths = {
        r"/accounts/{id}/close": spare[:2],
        r"/accounts/{id}/(freeze|thaw)": spare[2:4],
        r"/accounts/{id}": [wallet, cost, takings],
        r"/units/{code}": [code],
        r"/wallet/holds/{id}": tills,
        r"/holds/{id}": holds,
        r"/expectations/{id}": expectations,
        r"/deliveries/{seq}": [str(item["seq"]) for item in deliveries[:1]],
        r"/webhooks/{id}": webhooks,
    }
    fields = {
        "debit": [cost, wallet],
        "credit": [wallet, takings],
        "account": spare[4:],
        "shortfall": [takings],
        "hold": holds,
        "AskedHold.id": holds,
        "PlaceHoldRequest.id": tills,
        "expectation": expectations,
        "AskedAnnouncement.id": expectations,
        "EndpointForm.id": named,
        "original": [item["batch"] for item in granted[:6]],
        "member": [MEMBER],
        "AccountForm.unit": [code],
        "PlaceHoldRequest.unit": [code],
        "UnitForm.code": ["TEST-A", "TEST-B"],
        "expires_at": [ENDS],
        "expires_on": ["2099-12-31"],
        "url": ["http://127.0.0.1:9/", "https://example.com/"],
    }
    return paths, fields


def forms(document):
    """Gives the schemas that bodies of requests are made of; answers stay as they are described."""
    schemas, found = document["components"]["schemas"], {}
    operations = (operation for item in document["paths"].values() for operation in item.values())
    ahead = [operation.get("requestBody", {}) for operation in operations]
    while ahead:
        for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(ahead.pop())):
            if name in schemas and name not in found:
                found[name] = schemas[name]
                ahead.append(schemas[name])
    return found


def narrow(schema, values):
    """Lets a field of the document be one of these values, or `null` where it may."""
    null = [None] if "null" in schema["type"] else []
    schema.pop("format", None)
    schema.update({"enum": [*values, *null], "example": values[0]})


def widen(schema, values):
    """Proposes values for a field: what is valid stays as it was."""
    own = {key: schema.pop(key) for key in list(schema)}
    schema.update({"anyOf": [{"type": "string", "enum": values}, own], "example": values[0]})


@schemathesis.hook
def before_load_schema(context, raw_schema):
    paths, fields = furnish()
    for path, item in raw_schema["paths"].items():
        known = {place: values for place, values in paths.items() if re.search(place, path)}
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                name = "{" + parameter["name"] + "}"
                values = [values for place, values in known.items() if name in place]
                if parameter["in"] == "path" and values:
                    narrow(parameter["schema"], values[0])
    for name, schema in forms(raw_schema).items():
        for part in [schema, *schema.get("oneOf", []), *schema.get("allOf", [])]:
            for field, its in part.get("properties", {}).items():
                values = fields.get(f"{name}.{field}") or fields.get(field)
                if values and "string" in its.get("type", ()):
                    (widen if field in CHOSEN else narrow)(its, values)
    # The document says of NDJSON only that it is text; here each line is a transfer.
    lines = {"type": "array", "items": {"$ref": "#/components/schemas/TransferForm"}}
    stream = raw_schema["paths"]["/api/v1/transfers/stream"]["post"]["requestBody"]
    stream["content"][NDJSON]["schema"] = lines


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives most commands ids of their own: else all but the first would be refused as repeats."""
    number = next(commands)
    if number % 4 == 0 or case.path in PLACING or case.meta.generation.mode.is_negative:
        return
    body = case.body if isinstance(case.body, dict) else {}
    for part in [body, *body.get("transfers", []), *body.get("accounts", [])]:
        if isinstance(part.get("id"), str):
            part["id"] = f"{number} {part['id'][:240]}"
    if "idempotency-key" in case.headers:
        case.headers["idempotency-key"] = f"{number} {case.headers['idempotency-key'][:240]}"


@schemathesis.serializer(NDJSON)
def write_lines(context, value):
    lines = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@schemathesis.deserializer(NDJSON)
def read_lines(context, response):
    """Every line is JSON; the text itself is what the document describes."""
    for line in response.content.splitlines():
        json.loads(line)
    return response.content.decode()


@schemathesis.check
def a_refusal_is_a_problem(context, response, case):
    """Whatever is refused is told as RFC 9457 has it, and a wrong field (422) is named."""
    if response.status_code < 400:
        return
    kind = (response.headers.get("content-type") or [""])[0]
    assert kind == "application/problem+json", f"{response.status_code} came as {kind!r}"
    problem = response.json()
    assert problem["status"] == response.status_code, "the problem tells another status"
    assert problem["type"] == "/problems/" + problem["code"], "the type is not the code's page"
    assert problem.get("instance"), "the request id is missing"
    pointers = [error["pointer"] for error in problem.get("errors", [])]
    if response.status_code == 422:
        assert pointers, f"{problem['code']} names no field"
        # The body as a whole is at fault when it is no object.
        whole = not isinstance(case.body, dict)
        wrong = [p for p in pointers if not POINTER.match(p) and not (p == "" and whole)]
        assert not wrong, f"{wrong} lead to no field"
