#!/usr/bin/env python3
"""A second reading of the rule language: recomputes the expectation of every case in cases/.

It shares no code with Graylane and is written for the reader, not for speed: documents are interpreted as they stand, each
request from the beginning. Documents are taken to be valid; what it does not know, it refuses loudly.

    reference.py --check   compares every expectation with what it computes; exit status 1 where they differ
    reference.py --fill    replaces each `expect: fill` by what it computes, for a person to read and to agree with

Needs PyPI's PyYAML and xxhash.
"""

import base64
import ipaddress
import json
import pathlib
import re
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import xxhash

import npm_ranges
from strict_yaml import known, read, text, written

CASES = pathlib.Path(__file__).with_name("cases")
SLOTS = 100_000
LABELS = {"env": "staging", "region": "us", "app.kubernetes.io/name": "edge"}
OWNED = ["x-gray-variant", "x-feature-flags", "x-gray-experiment", "x-gray-evaluated-at", "x-gray-switches"]
# What stands for a time that nobody knows beforehand.
TIME = "<time>"
API_VERSION = "graylane.dev/v1"


def slot_of(domain, salt, identity):
    seed = xxhash.xxh3_64_intdigest(domain.encode() + b"\x00" + salt.encode())
    return (xxhash.xxh3_64_intdigest(identity, seed) * SLOTS) >> 64


# The request: bytes, and what may be asked of them.


class Request:
    def __init__(self, case):
        known(case, "method", "path", "host", "headers", "headersHex", "source", "labels", "unixMillis", "minted", "peer", "direction")
        self.peer, self.direction = case.get("peer"), case.get("direction")
        # A case of another source is decided without Envoy.
        self.elsewhere = "source" in case
        self.source = text(case.get("source", "127.0.0.1:50000"))
        self.labels = case.get("labels", LABELS)
        self.millis = case.get("unixMillis", 1767225600000)
        self.minted = bytes.fromhex(text(case["minted"])) if "minted" in case else None
        self.method = text(case.get("method", "GET")).encode()
        self.target = text(case.get("path", "/")).encode()
        self.authority = text(case.get("host", "shop.example.com")).encode()
        sent = [(text(name), text(value).encode()) for name, value in case.get("headers", [])]
        sent += [(text(name), bytes.fromhex(text(value))) for name, value in case.get("headersHex", [])]
        self.sent = [(name.lower(), value) for name, value in sent]
        sendable(self)

    def lines(self, name):
        """The field lines called `name`. Owned headers are stripped first, and so are names that differ from them in `_` alone."""
        return [value for sent, value in self.sent if sent == name.lower() and sent.replace("_", "-") not in OWNED]

    def carried(self, name):
        """The field lines of an owned header as they came, which nothing but inheriting asks for."""
        return [value for sent, value in self.sent if sent == name.lower()]

    def header(self, name):
        lines = self.lines(name)
        return [b"; ".join(lines)] if name.lower() == "cookie" and lines else lines

    def cookie(self, name):
        crumbs = b";".join(self.lines("cookie")).split(b";")
        pairs = [crumb.strip(b" \t").partition(b"=") for crumb in crumbs]
        return [value for found, equals, value in pairs if equals and found == name.encode()]

    def claim(self, source):
        known(source, "header", "claim")
        lines = self.header(source.get("header", "authorization"))
        return claimed(lines[0], claim_names(source["claim"])) if len(lines) == 1 else []

    def query(self, name):
        pairs = [pair.partition(b"=") for pair in self.target.partition(b"?")[2].split(b"&") if pair]
        return [decoded(value) for found, _, value in pairs if decoded(found) == name.encode()][:1]

    def path(self):
        return self.target.partition(b"?")[0]

    def navigates(self):
        html = any(b"text/html" in ascii_lower(value) for value in self.lines("accept"))
        return b"navigate" in self.lines("sec-fetch-mode") or (self.method == b"GET" and html)

    def host(self):
        return re.sub(rb":[0-9]+\Z", b"", self.authority).lower().removesuffix(b".")


def decoded(raw):
    plain = raw.replace(b"+", b" ")
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), plain)


REFUSED_NAMES = re.compile(r"x-request-id|x-envoy-.*|x-forwarded-.*|connection|te|host|content-length|transfer-encoding|upgrade")


def sendable(request):
    """Every case is also sent through a real Envoy: nothing may stand in it that Envoy refuses, rewrites or drops."""
    path = request.path()
    for wrong in [rb"//", rb"/\.\.?(/|\Z)", rb"(?i)%(2f|5c|2e)", rb"[^!-~]", rb"#", rb"\\"]:
        if re.search(wrong, path):
            raise ValueError(f"found a path that a proxy would rewrite: {path!r}")
    if re.search(rb"[^!-~]|#", request.target):
        raise ValueError(f"found a target that is no HTTP/1.1 one: {request.target!r}")
    for name, value in request.sent:
        bare = name.replace("_", "-") in OWNED
        known_from = name == "x-forwarded-for" and request.elsewhere
        if not re.fullmatch(r"[a-z0-9-]+", name) and not bare or REFUSED_NAMES.fullmatch(name) and not known_from:
            raise ValueError(f"found the header {name}, which does not reach the filter as sent")
        if value != value.strip(b" \t") or re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise ValueError(f"found a value of {name} that HTTP/1.1 does not carry: {value!r}")


# Matches.


def utf8(value):
    try:
        value.decode()
        return True
    except UnicodeDecodeError:
        return False


def ascii_lower(value):
    return bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in value)


def in_range(bounds, value):
    known(bounds, "from", "to")
    if not re.fullmatch(rb"0|-?[1-9][0-9]*", value):
        return False
    number = int(value)
    low, high = -(2**63), 2**63 - 1
    return low <= number <= high and bounds.get("from", low) <= number <= bounds.get("to", high)


def in_networks(networks, value):
    """IPv4 and the IPv6 that maps it are one; IPv6 networks larger than all that is mapped leave it out."""
    host = re.fullmatch(r"\[(.+)\]:[0-9]+|([^\[\]]*)", value.decode())
    bare = host and (host[1] or host[2]) or ""
    if host and host[2] and bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    for network in [ipaddress.ip_network(text(each)) for each in networks]:
        if network.version == 6 and network.prefixlen >= 96 and network.network_address.ipv4_mapped:
            network = ipaddress.ip_network(f"{network.network_address.ipv4_mapped}/{network.prefixlen - 96}")
        if address.version == network.version and address in network:
            return True
    return False


def claimed(line, names):
    """The values of a claim of a token, [] where it is none or damaged."""
    if len(line) > 16384:
        return []
    token = re.sub(rb"(?i)\Abearer +", b"", line.strip(b" \t"))
    parts = token.split(b".")
    if len(parts) not in (1, 3) or re.search(rb"[ \t]", token):
        return []
    payload = parts[len(parts) // 2]
    if not re.fullmatch(rb"[A-Za-z0-9_-]*={0,2}", payload) or b"=" in payload and len(payload) % 4:
        return []
    try:
        bare = payload.rstrip(b"=")
        raw = base64.urlsafe_b64decode(bare + b"=" * (-len(bare) % 4))
        if base64.urlsafe_b64encode(raw).rstrip(b"=") != bare:
            return []
        node = json.loads(raw.decode(), object_pairs_hook=once, parse_int=Raw, parse_float=Raw, parse_constant=refuse)
    except ValueError:
        return []
    for name in names:
        node = node.get(name) if isinstance(node, dict) else None
    values = node if isinstance(node, list) else [node]
    return [scalar(value).encode() for value in values if scalar(value) is not None]


class Raw(str):
    """A number as it was written."""


def scalar(value):
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else None


def once(pairs):
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def refuse(constant):
    raise ValueError(f"found {constant}, which is no JSON")


def claim_names(claim):
    return claim if isinstance(claim, list) else [text(claim)]


OPERATORS = {
    "exact": lambda operand, value: value == operand,
    "prefix": lambda operand, value: value.startswith(operand),
    "suffix": lambda operand, value: value.endswith(operand),
    "contains": lambda operand, value: operand in value,
}


def holds(match, value):
    """Whether the operator of `match` holds for a value that is there."""
    operators = [key for key in match if key not in ("name", "header", "claim", "ignoreCase", "includePrerelease")]
    if len(operators) != 1:
        raise ValueError(f"found the operators {operators}, expected exactly one")
    operator, operand = operators[0], match[operators[0]]
    if operator == "present":
        if operand is not True:
            raise ValueError(f"found present: {operand!r}, expected true")
        return True
    if not utf8(value):
        return False
    if operator == "cidr":
        return in_networks(operand, value)
    if operator == "range":
        return in_range(operand, value)
    if operator == "regex":
        return matches(text(operand), match.get("ignoreCase", False), value)
    if operator == "semver":
        return npm_ranges.within(text(operand), value.decode(), match.get("includePrerelease", False))
    folded = ascii_lower if match.get("ignoreCase", False) else bytes
    if operator == "in":
        return any(folded(value) == folded(text(each).encode()) for each in operand)
    return OPERATORS[operator](folded(text(operand).encode()), folded(value))


def matches(pattern, ignore_case, value):
    """Whether the whole value matches, for expressions that Python and Rust read alike."""
    if re.search(r"\$|\^|\\[^\w\s.]|\\[A-Zb]|\(\?[^:]|\[\[|&&|~~|--|[*+?}][+]", re.sub(r"\[\^", "[", pattern)):
        raise ValueError(f"found the expression {pattern}, expected one that means the same everywhere")
    return re.fullmatch(pattern.encode(), value, re.IGNORECASE if ignore_case else 0) is not None


def lower_operands(match):
    if "regex" in match:
        return match | {"ignoreCase": True}
    return {key: [each.lower() for each in operand] if key == "in" else operand.lower() if isinstance(operand, str) else operand
            for key, operand in match.items()}


class Evaluation:
    """One rule of one rule set against one request."""

    def __init__(self, rule_set, rule, request):
        self.rule_set, self.rule, self.request = rule_set, rule, request

    def when(self, node):
        if len(node) != 1:
            raise ValueError(f"found the matches {list(node)}, expected exactly one: use all")
        kind, body = next(iter(node.items()))
        return getattr(self, f"when_{kind}")(body)

    def when_all(self, nodes):
        return all([self.when(node) for node in nodes])

    def when_any(self, nodes):
        return any([self.when(node) for node in nodes])

    def when_not(self, node):
        return not self.when(node)

    def when_header(self, match):
        return any([holds(match, value) for value in self.request.header(match["name"])])

    def when_cookie(self, match):
        return any([holds(match, value) for value in self.request.cookie(match["name"])])

    def when_query(self, match):
        return any([holds(match, value) for value in self.request.query(match["name"])])

    def when_path(self, match):
        return holds(match, self.request.path())

    def when_method(self, match):
        return holds(match, self.request.method)

    def when_host(self, match):
        return holds(lower_operands(match), self.request.host())

    def when_identity(self, match):
        identity = self.rule_set.identity(self.request)
        return identity is not None and holds(match, identity)

    def when_source(self, match):
        known(match, "cidr")
        return holds(match, self.request.source.encode())

    def when_jwtClaim(self, match):
        lines = self.request.header(match.get("header", "authorization"))
        return any([holds(match, value) for line in lines for value in claimed(line, claim_names(match["claim"]))])

    def when_time(self, window):
        known(window, "after", "before")
        since = {name: datetime.fromisoformat(text(value).upper()) - datetime.fromtimestamp(0, timezone.utc) for name, value in window.items()}
        at = {name: each // timedelta(milliseconds=1) for name, each in since.items()}
        return at.get("after", self.request.millis) <= self.request.millis < at.get("before", self.request.millis + 1)

    def when_audience(self, name):
        identity = self.rule_set.identity(self.request)
        return identity is not None and identity in self.rule_set.audiences[text(name)]

    def when_labels(self, wanted):
        return all([self.request.labels.get(name) == text(value) for name, value in wanted.items()])

    def when_percent(self, share):
        identity = self.rule_set.identity(self.request)
        if not isinstance(share, dict):
            share = {"from": 0, "to": share}
        known(share, "from", "to", "salt")
        salt = text(share.get("salt", f"{self.rule_set.name}/{self.rule['id']}"))
        return identity is not None and slots(share["from"]) <= slot_of("percent", salt, identity) < slots(share["to"])


def slots(percent):
    exact = Fraction(percent) * SLOTS / 100
    if exact.denominator != 1 or not 0 <= exact <= SLOTS:
        raise ValueError(f"found {percent} percent, expected 0 to 100 in steps of 0.001")
    return int(exact)


# Switches, as items of RFC 9651.


def sf_string(value):
    if not re.fullmatch(r"[ -~]{0,1024}", text(value)):
        raise ValueError(f"found {value!r}, expected visible ASCII and spaces")
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def sf_integer(value):
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**15:
        raise ValueError(f"found {value!r}, expected a whole number of at most 15 digits")
    return str(value)


def sf_decimal(value):
    value = Decimal(value)
    if abs(value) >= 10**12 or value != round(value, 3):
        raise ValueError(f"found {value}, expected at most 12 digits and 3 behind the point")
    whole, _, fraction = f"{abs(value):.3f}".partition(".")
    return ("-" if value < 0 else "") + whole + "." + (fraction.rstrip("0") or "0")


def sf_boolean(value):
    return {True: "?1", False: "?0"}[value]


def sf_duration(value):
    number, unit = re.fullmatch(r"(0|[1-9][0-9]*)(ms|s|m|h|d)", text(value)).groups()
    millis = int(number) * {"ms": 1, "s": 1000, "m": 60 * 1000, "h": 60 * 60 * 1000, "d": 24 * 60 * 60 * 1000}[unit]
    return sf_integer(millis) + ";unit=ms"


ITEMS = {"string": sf_string, "int": sf_integer, "float": sf_decimal, "bool": sf_boolean, "duration": sf_duration}


# Rule sets and the locks beside them.


class RuleSet:
    def __init__(self, document):
        known(document, "apiVersion", "kind", "metadata", "spec")
        self.name = document["metadata"]["name"]
        spec = known(document["spec"], "scope", "identity", "output", "variants", "default", "splits", "rules", "switches", "inherit")
        self.scope = known(spec.get("scope", {}), "hosts", "pathPrefixes")
        identity = known(spec.get("identity", {"from": []}), "from", "sticky")
        self.sources, self.sticky = identity["from"], sticky_cookie(identity.get("sticky"))
        output = known(spec.get("output", {}), "variantHeader", "experimentHeader", "evaluatedAtHeader")
        self.header = output.get("variantHeader", OWNED[0])
        self.of_experiments = {field: output[field].lower() for field in ("experimentHeader", "evaluatedAtHeader") if field in output}
        self.variants, self.default = spec["variants"], spec["default"]
        self.rules, self.splits = spec.get("rules", []), spec.get("splits", {})
        self.locked, self.audiences = {}, {}
        self.switches = spec.get("switches", {})
        self.inherit = spec.get("inherit", {})

    def identity(self, request):
        return self.found(request)[0]

    def found(self, request):
        """(what the request is bucketed by, the cookies to set): what was seen first, or the first source that yields, or new."""
        known_as = self.remembered(request)
        if known_as:
            return known_as, []
        identity, cookies = self.sent(request), []
        issued = [known(source["issueCookie"], "name", "maxAge") for source in self.sources if "issueCookie" in source]
        if identity is None and issued and request.navigates() and request.minted:
            identity = base64url(request.minted)
            cookies.append(set_cookie(issued[0]["name"], identity, issued[0].get("maxAge", "30d")))
        if identity and self.sticky and request.navigates():
            cookies.append(set_cookie(self.sticky[0], base64url(identity), self.sticky[1]))
        return identity, cookies

    def sent(self, request):
        """The first source that yields bytes to bucket by. What is repeated, empty or too long does not."""
        for source in self.sources:
            (kind, name), = source.items()
            name = name["name"] if kind == "issueCookie" else name
            values = {"header": request.header, "cookie": request.cookie, "issueCookie": request.cookie, "jwtClaim": request.claim}[kind](name)
            if len(values) == 1 and 1 <= len(values[0]) <= 256:
                return values[0]
        return None

    def remembered(self, request):
        values = request.cookie(self.sticky[0]) if self.sticky else []
        if len(values) != 1 or not re.fullmatch(rb"[A-Za-z0-9_-]{2,342}", values[0]):
            return None
        identity = base64.urlsafe_b64decode(values[0] + b"=" * (-len(values[0]) % 4)) if len(values[0]) % 4 != 1 else b""
        return identity if len(identity) <= 256 and base64url(identity) == values[0] else None

    def rank(self, request):
        """None where the scope leaves the request out; otherwise smaller is more specific."""
        hosts = [host_rank(text(pattern).lower().encode(), request.host()) for pattern in self.scope.get("hosts", [])]
        paths = [path_rank(text(prefix).encode(), request.path()) for prefix in self.scope.get("pathPrefixes", [])]
        best = [max(found) if found else 0 for found in (hosts, paths)]
        return None if min(best) < 0 else (-best[0], -best[1], self.name)

    def ranges(self, split):
        """[(first slot, variant)], sorted, each until the next: the lock's, or cumulative in the order of the variants."""
        counts = largest_remainder([(name, self.splits[split]["weights"].get(name, 0)) for name in self.variants])
        if split in self.locked:
            return lock_ranges(self.locked[split]["ranges"], counts)
        ends, ranges = 0, []
        for name, count in counts:
            ranges += [(ends, name)] if count else []
            ends += count
        return ranges

    def inherited(self, request):
        """The variant the request came with, where it is one of ours and whoever sent it is trusted."""
        trust = known(self.inherit, "peers", "sources", "hops", "outbound")
        carried = request.carried(self.header)
        if len(carried) != 1 or carried[0] not in [variant.encode() for variant in self.variants]:
            return None
        peers = [name.removesuffix("/").split("/") for name in trust.get("peers", [])]
        peer = request.peer.split("/") if request.peer else []
        trusted = any(peer[: len(name)] == name for name in peers)
        trusted |= trust.get("outbound", False) and request.direction == "outbound"
        trusted |= "sources" in trust and from_source(request, trust["sources"], trust["hops"])
        return carried[0].decode() if trusted else None

    def decide(self, request):
        inherited = self.inherited(request)
        if inherited is not None:
            return self.decision(None, inherited, "INHERITED")
        for rule in self.rules:
            known(rule, "id", "when", "variant", "split", "set")
            if "when" not in rule or Evaluation(self, rule, request).when(rule["when"]):
                return self.outcome(rule, request)
        return self.decision(None, self.default, "DEFAULT")

    def outcome(self, rule, request):
        if ("variant" in rule) == ("split" in rule):
            raise ValueError(f"found rule {rule['id']}, expected either a variant or a split")
        if "variant" in rule:
            return self.decision(rule, rule["variant"], "TARGETING_MATCH")
        split = known(self.splits[rule["split"]], "weights", "experiment", "salt")
        identity = self.identity(request)
        if identity is None:
            return self.decision(rule, self.default, "NO_IDENTITY")
        slot = slot_of("split", text(split.get("salt", f"{self.name}/{rule['split']}")), identity)
        variant = [name for start, name in self.ranges(rule["split"]) if start <= slot][-1]
        return self.decision(rule, variant, "SPLIT", slot, split.get("experiment"))

    def decision(self, rule, variant, reason, slot=None, experiment=None):
        if variant not in self.variants:
            raise ValueError(f"found variant {variant}, expected one of {self.variants}")
        return {
            "ruleSet": self.name,
            "rule": rule and rule["id"],
            "variant": variant,
            "reason": reason,
            "slot": slot,
            "experiment": experiment,
            "set": {self.header: variant} | self.handed_on(experiment) | (rule or {}).get("set", {}) | self.switched(variant),
        }

    def handed_on(self, experiment):
        """The headers of an experiment that is one."""
        values = {"experimentHeader": experiment, "evaluatedAtHeader": TIME}
        return {header: values[field] for field, header in self.of_experiments.items()} if experiment else {}

    def switched(self, variant):
        """The header of switches, where there are any: a dictionary of RFC 9651."""
        members = []
        for name, switch in sorted(self.switches.items()):
            known(switch, "type", "default", "variants")
            value = switch.get("variants", {}).get(variant, switch["default"])
            members.append(f"{name}={ITEMS[switch['type']](value)}")
        return {"x-gray-switches": ", ".join(members)} if members else {}


def from_source(request, networks, hops):
    """Whether Envoy has the sender's address from where the operator says: the connection, or that far back in x-forwarded-for."""
    address, _, port = request.source.rpartition(":")
    address = ipaddress.ip_address(address.strip("[]"))
    if not any(address in ipaddress.ip_network(network) for network in networks):
        return False
    if hops == 0:
        return port != "0"
    entries = [entry.strip() for entry in b",".join(request.lines("x-forwarded-for")).decode().split(",")]
    return port == "0" and len(entries) > hops and entries[-1 - hops] == str(address)


def sticky_cookie(node):
    """(name, how long it is kept) of the cookie that remembers an identity; None where nothing does."""
    if node is None:
        return None
    cookie = {} if node == "firstSeen" else known(known(node, "firstSeen")["firstSeen"], "cookie", "maxAge")
    return cookie.get("cookie", "gl_first"), cookie.get("maxAge", "30d")


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def set_cookie(name, value, age):
    seconds = int(age[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[age[-1]]
    return f"{name}={value.decode()}; Max-Age={seconds}; Path=/; Secure; HttpOnly; SameSite=Lax"


def host_rank(pattern, host):
    if pattern.startswith(b"*."):
        return len(pattern) if host.endswith(pattern[1:]) and len(host) > len(pattern) - 1 else -1
    return 1_000_000 if host == pattern else -1


def path_rank(prefix, path):
    prefix = prefix.removesuffix(b"/")
    return len(prefix) if path == prefix or path.startswith(prefix + b"/") else -1


def largest_remainder(weights):
    """Slot counts that sum to all slots; what rounding leaves over goes to the largest remainders, ties to the earlier variant."""
    total = sum(weight for _, weight in weights)
    counts = [weight * SLOTS // total for _, weight in weights]
    remainders = sorted(range(len(weights)), key=lambda place: (-(weights[place][1] * SLOTS % total), place))
    for place in remainders[: SLOTS - sum(counts)]:
        counts[place] += 1
    return [(name, count) for (name, _), count in zip(weights, counts)]


def lock_ranges(ranges, counts):
    """The ranges of a lock, having made sure that they give every variant the slots its weight asks for."""
    found = [(known(each, "from", "variant")["from"], each["variant"]) for each in ranges]
    starts = [start for start, _ in found]
    if starts[0] != 0 or starts != sorted(set(starts)) or starts[-1] >= SLOTS:
        raise ValueError(f"found ranges from {starts}, expected them to rise from 0")
    held = dict.fromkeys((name for name, _ in counts), 0)
    for (start, name), end in zip(found, starts[1:] + [SLOTS]):
        held[name] += end - start
    if held != dict(counts):
        raise ValueError(f"found a lock of {held} slots, expected {dict(counts)}")
    return found


def loaded(documents):
    kinds = {"RuleSet": [], "AllocationLock": [], "Audience": []}
    for document in documents:
        if document["apiVersion"] != API_VERSION:
            raise ValueError(f"found apiVersion {document['apiVersion']}, expected {API_VERSION}")
        kinds[document["kind"]].append(document)
    rule_sets = {document["metadata"]["name"]: RuleSet(document) for document in kinds["RuleSet"]}
    for lock in kinds["AllocationLock"]:
        rule_sets[lock["metadata"]["name"]].locked = known(lock["spec"], "splits")["splits"]
    audiences = {document["metadata"]["name"]: {text(each).encode() for each in known(document["spec"], "identities")["identities"]}
                 for document in kinds["Audience"]}
    for rule_set in rule_sets.values():
        rule_set.audiences = audiences
    return list(rule_sets.values())


def expectation(rule_sets, request):
    including = [rule_set for rule_set in rule_sets if rule_set.rank(request) is not None]
    if len({rule_set.header for rule_set in including}) > 1:
        raise ValueError("found rule sets of several variant headers, expected a case to earn one decision")
    if not including:
        return None
    deciding = min(including, key=lambda rule_set: rule_set.rank(request))
    cookies = [] if deciding.inherited(request) is not None else deciding.found(request)[1]
    return deciding.decide(request) | ({"cookies": cookies} if cookies else {})


# The files.


def computed(path):
    """(name, what the file expects, what is computed) of each case of a file."""
    content = known(read(path), "documents", "cases")
    rule_sets = loaded(content["documents"])
    for case in content["cases"]:
        known(case, "name", "request", "expect")
        try:
            yield case["name"], case["expect"], expectation(rule_sets, Request(case["request"]))
        except Exception as why:
            raise ValueError(f"{path.name}: {case['name']}: {why}") from why


def check(path):
    results = list(computed(path))
    names = [name for name, _, _ in results]
    wrong = [f"{path.name}: {name}: the name occurs twice" for name in sorted({name for name in names if names.count(name) > 1})]
    wrong += [f"{path.name}: {name}\n  found    {expect if isinstance(expect, str) else written(expect)}\n  expected {written(found)}"
              for name, expect, found in results if expect != found]
    return len(results), wrong


def fill(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    wanting = [place for place, line in enumerate(lines) if re.fullmatch(r" *expect: fill", line)]
    answers = [found for _, expect, found in computed(path) if expect == "fill"]
    for place, found in zip(wanting, answers, strict=True):
        lines[place] = lines[place].removesuffix("fill") + written(found)
    path.write_text("\n".join(lines), encoding="utf-8")


def main(arguments):
    files = sorted(CASES.iterdir())
    if arguments == ["--fill"]:
        for path in files:
            fill(path)
    elif arguments == ["--check"]:
        results = [check(path) for path in files]
        wrong = [each for _, found in results for each in found]
        print("\n".join(wrong + [f"{sum(count for count, _ in results)} cases in {len(files)} files, {len(wrong)} wrong"]))
        sys.exit(1 if wrong or not files else 0)
    else:
        sys.exit("usage: reference.py --check | --fill")


if __name__ == "__main__":
    main(sys.argv[1:])
