"""YAML without surprises, in and out, for reference.py."""

import re
from decimal import Decimal

import yaml


def read(path):
    return yaml.load(path.read_text(encoding="utf-8"), Strict)


class Strict(yaml.SafeLoader):
    """YAML without surprises: `no` is a string, 007 is one too, a decimal keeps its digits, a key occurs once."""

    yaml_implicit_resolvers = {}


def unique_mapping(loader, node):
    pairs = [(loader.construct_object(key), loader.construct_object(value, deep=True)) for key, value in node.value]
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError(f"found a key twice in the mapping at line {node.start_mark.line + 1}")
    return mapping


Strict.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"null\Z"), ["n"])
Strict.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)\Z"), ["t", "f"])
Strict.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]*)\Z"), list("-0123456789"))
Strict.add_implicit_resolver("!decimal", re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+\Z"), list("-0123456789"))
Strict.add_constructor("!decimal", lambda loader, node: Decimal(node.value))
Strict.add_constructor("tag:yaml.org,2002:map", unique_mapping)


def known(mapping, *keys):
    """`mapping`, having made sure that it says nothing this interpreter would overlook."""
    unknown = set(mapping) - set(keys)
    if unknown:
        raise ValueError(f"found {sorted(unknown)}, expected only {list(keys)}")
    return mapping


def text(value):
    if not isinstance(value, str):
        raise ValueError(f"found {value!r}, expected a string: quote it")
    return value


def scalar(value):
    """As a plain YAML scalar where that is safe in a flow mapping, else quoted."""
    if value is None or isinstance(value, int):
        return "null" if value is None else str(value)
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", value) and value.lower() not in ("null", "true", "false", "yes", "no", "on", "off")
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written(expect):
    if expect is None:
        return "null"
    values = {key: scalar(value) for key, value in expect.items() if key not in ("set", "cookies")}
    values["set"] = "{" + ", ".join(f"{name}: {scalar(value)}" for name, value in expect["set"].items()) + "}"
    if "cookies" in expect:
        values["cookies"] = "[" + ", ".join(scalar(cookie) for cookie in expect["cookies"]) + "]"
    return "{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}"
