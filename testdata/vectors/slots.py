#!/usr/bin/env python3
"""Writes slots.json: which slot an identity has, by an implementation that shares no code with Graylane.

    seed = xxh3_64(domain ++ 0x00 ++ salt)
    hash = xxh3_64_with_seed(identity, seed)
    slot = (hash * 100000) >> 64

Needs PyPI's xxhash, a binding of the C reference. Without arguments the file is written anew; with --check it is
compared and left alone, and the exit status is 1 where it differs.
"""

import json
import pathlib
import sys
import uuid

import xxhash

SLOTS = 100_000
FILE = pathlib.Path(__file__).with_name("slots.json")

# The seed is a hash as well, so the salts cross the length classes of xxh3, too.
SALTS = [
    "checkout/login",
    "checkout/canary-20",
    "shop/new-cart",
    "a",
    "exp-login-2024-q3",
    "shared",
    "café/größe",
    "s" * 63 + "/" + "r" * 63,
    "t" * 122,
    "u" * 234,
    "v" * 250,
]

# xxh3 takes another path at 1-3, 4-8, 9-16, 17-128, 129-240 and more than 240 bytes; within those it works in steps of 16, 32, 64.
LENGTHS = [
    *range(1, 20),
    *(31, 32, 33, 63, 64, 65, 95, 96, 97, 111, 112, 113, 127, 128),
    *(129, 130, 143, 144, 145, 159, 160, 161, 192, 223, 224, 225, 239, 240),
    *(241, 242, 255, 256, 257, 271, 272, 288, 299, 300),
]


def identities():
    """What services use as identities, then bytes of every kind of length, most of them not UTF-8."""
    for text in ["42", "0", "1", "-7", "007", "1000", "1999", "9223372036854775807", "x", "anonymous", "Zoë", "用户-42", "a b;c=d"]:
        yield text.encode()
    for number in range(24):
        yield str(uuid.uuid5(uuid.NAMESPACE_DNS, f"user-{number}.example.com")).encode()
    for number in range(24):
        yield f"user.{number * 37}+tag@mail{number % 5}.example.com".encode()
    for single in [0x00, 0x20, 0x7F, 0x80, 0xC3, 0xFF]:
        yield bytes([single])
    yield b"caf\xe9"
    yield b"\xff" * 256
    yield b"\x00" * 256
    for length in LENGTHS:
        yield bytes((length * 31 + place * 167 + 128) % 256 for place in range(length))
    for length in LENGTHS:
        yield ("0123456789abcdef" * 19)[:length].encode()


def vector(domain, salt, identity):
    seed = xxhash.xxh3_64_intdigest(domain.encode() + b"\x00" + salt.encode())
    digest = xxhash.xxh3_64_intdigest(identity, seed)
    return {
        "domain": domain,
        "salt": salt,
        "identityHex": identity.hex(),
        "seed": str(seed),
        "hash": str(digest),
        "slot": (digest * SLOTS) >> 64,
    }


def vectors():
    """Each identity once under either domain in turn, and one identity under every domain and salt."""
    for place, identity in enumerate(identities()):
        yield vector(["split", "percent"][place % 2], SALTS[place % len(SALTS)], identity)
    for salt in SALTS:
        for domain in ["split", "percent"]:
            yield vector(domain, salt, b"user-1")


def main(arguments):
    lines = [json.dumps(each) for each in vectors()]
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    if arguments == ["--check"]:
        if not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
            sys.exit(f"{FILE.name}: found other vectors, expected what this script computes; run it without --check")
        print(f"{len(lines)} vectors in {FILE.name}, 0 wrong")
        return
    if arguments:
        sys.exit("usage: slots.py [--check]")
    FILE.write_text(text, encoding="utf-8")


main(sys.argv[1:])
