"""Bodies made up from the schemas of an OpenAPI document: good ones, and all that can be wrong."""

import itertools
import json


class Bodies:
    """Writes JSON for schemas. Of a `oneOf` the alternative number `pick`, modulo their number, is
    taken. Every `@ID@` in what it writes stands for an id, which `fresh` draws."""

    def __init__(self, document, known):
        self.schemas = document["components"]["schemas"]
        self.known = known
        self.ids = itertools.count()

    def resolve(self, schema, pick):
        """Follows references, and puts together what an `allOf` has in parts."""
        if "$ref" in schema:
            return self.resolve(self.schemas.get(named(schema["$ref"]), {"type": "string"}), pick)
        choices = schema.get("oneOf", schema.get("anyOf", []))
        choices = [choice for choice in choices if choice.get("type") != "null"]
        if choices and "properties" not in schema:
            return self.resolve(choices[pick % len(choices)], pick)
        merged = dict(schema, properties=dict(schema.get("properties", {})))
        for part in schema.get("allOf", []):
            part = self.resolve(part, pick)
            merged["properties"] |= part["properties"]
            merged["required"] = merged.get("required", []) + part.get("required", [])
        return merged

    def write(self, schema, pick=0, aim=None, value=None, name=""):
        """Writes what is required, and `value` at the path `aim`: before all else in its object,
        because of several wrong members the first is told."""
        if aim == []:
            return value
        schema = self.resolve(schema, pick)
        kind = kind_of(schema)
        if kind == "object":
            return self.write_object(schema, pick, aim or [], value)
        if kind == "array":
            return "[" + self.write(schema["items"], pick, aim and aim[1:], value, name) + "]"
        if "enum" in schema:
            return json.dumps(schema["enum"][0])
        texts = {"date-time": "2099-01-01T00:00:00Z", "date": "2099-12-31"}
        text = texts.get(schema.get("format"), self.known.get(name, "@ID@"))
        plain = {"integer": max(1, schema.get("minimum", 1)), "boolean": False}
        return json.dumps(plain.get(kind, text))

    def write_object(self, schema, pick, aim, value):
        fields, first = schema["properties"], aim[:1]
        wanted = [name for name in fields if name in [*schema.get("required", []), "id"]]
        members = [(name, self.write(fields.get(name, {}), pick, aim[1:], value)) for name in first]
        members += [
            (name, self.write(fields[name], pick, name=name)) for name in wanted if [name] != first
        ]
        return "{" + ",".join(f'"{name}":{text}' for name, text in members) + "}"

    def fresh(self, text):
        """Gives every id its own value, so that nothing is refused as a repeat."""
        return text.replace("@ID@", f"0192f3a0-7c1e-7b3a-9d55-{next(self.ids):012x}").encode()

    def good(self, schema):
        return self.fresh(self.write(schema))

    def places(self, schema, pick, path=()):
        """Lists a body and its fields: path, schema, whether `null` will do."""
        found = self.resolve(schema, pick)
        own = json.dumps([schema.get("type"), schema.get("oneOf"), schema.get("anyOf")])
        yield list(path), found, '"null"' in own
        for name, field in found["properties"].items():
            yield from self.places(field, pick, (*path, name))
        if kind_of(found) == "array":
            yield from self.places(found["items"], pick, (*path, "0"))

    def wrong(self, schema):
        """Gives everything that can be wrong with a body: what, its bytes, the field to name."""
        whole = self.write(schema).replace("@ID@", "x")
        yield "nothing", b"", None
        yield "half of it", whole[:-1].encode(), None
        yield "two of it", (whole + whole).encode(), None
        yield "single quotes", b"{'a':1}", None
        yield "a byte order mark", b"\xef\xbb\xbf" + whole.encode(), None
        yield "UTF-16", whole.encode("utf-16"), None
        yield "no UTF-8", b'{"\xff\xfe":1}', None
        yield "a list of it", f"[{whole}]".encode(), None
        seen = set()
        for pick in range(16):
            for path, field, nullable in self.places(schema, pick):
                for aim, value, what in self.changes(path, field, nullable, pick):
                    body = self.write(schema, pick, aim, value)
                    if body not in seen:
                        seen.add(body)
                        place = pointer(path) or "the body"
                        yield f"{place} {what}", self.fresh(body), pointer(aim)

    def changes(self, path, field, nullable, pick):
        """Gives what can be done to one field: where, the JSON to put there, what it is."""
        for value in wrong_values(field, nullable):
            yield path, value, f"is {value[:20]}"
        if kind_of(field) == "object":
            yield path + ["zzz"], "1", "has an unknown member"
            members = [self.write(its, pick, name=n) for n, its in field["properties"].items()]
            for order in itertools.permutations(members) if len(members) < 5 else ():
                yield path, "[" + ",".join(order) + "]", "is a list of its members"
        if path and path[-1] != "0":
            once = self.write(field, pick, name=path[-1])
            yield path, f'{once},"{path[-1]}":{once}', "is there twice"


def named(reference):
    return reference.removeprefix("#/components/schemas/")


def pointer(path):
    return "".join("/" + step for step in path)


def kind_of(schema):
    kinds = schema.get("type", "object")
    return kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null")


def wrong_values(schema, nullable):
    """Gives JSON that a field cannot be, and texts that are no JSON at all."""
    kind = kind_of(schema)
    yield from {
        "object": ["[]", '"x"', "1", "true"],
        "array": ["{}", '"x"', "1", "true"],
        "boolean": ["0", '"true"', "[]", "{}"],
        "integer": ['"1"', "1.5", "true", "[]", "{}", "-1", "1" + "0" * 30, "-1e400", "NaN"],
        "string": ["1", "1.5", "true", "[]", "{}", '""', r'"\u0000"', r'"\ud800"', r'"\udc00x"'],
    }[kind]
    yield from ["[" * 100_000, '{"a":' * 100_000, "1" * 10_000, f'"{"x" * 50_000}"', '"\n"']
    yield from ['"zzz"'] * ("enum" in schema or kind == "string" and "format" in schema)
    yield from [] if nullable else ["null"]
    yield from [str(schema["maximum"] + 1)] if "maximum" in schema else []
