"""Ranges of versions as npm's documentation describes them, for reference.py. Ordinary ranges; what npm lets pass by accident is refused."""

import re

NUMBER = r"(?:0|[1-9][0-9]*)"
IDENTIFIER = rf"(?:{NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
TAIL = rf"(?:-(?P<pre>{IDENTIFIER}(?:\.{IDENTIFIER})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
VERSION = re.compile(rf"v?(?P<major>{NUMBER})\.(?P<minor>{NUMBER})\.(?P<patch>{NUMBER}){TAIL}", re.ASCII)
OPEN = rf"(?:{NUMBER}|[xX*])"
PARTIAL = re.compile(rf"v?(?P<major>{OPEN})(?:\.(?P<minor>{OPEN})(?:\.(?P<patch>{OPEN}){TAIL})?)?", re.ASCII)
COMPARATOR = re.compile(r"(?P<sign><=|>=|<|>|=|\^|~>|~|) *(?P<version>[^ <>=^~].*)")
LOWEST = "0"


def version(text):
    """(major, minor, patch, prerelease) of a full version, or None."""
    found = VERSION.fullmatch(text) if len(text) <= 256 else None
    numbers = found and [int(found[part]) for part in ("major", "minor", "patch")]
    return (*numbers, found["pre"]) if found and max(numbers) < 2**53 else None


def key(found):
    """Sorts as semver.org says: a prerelease before its release, numbers before words."""
    *numbers, pre = found
    words = [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in pre.split(".")] if pre else []
    return (numbers, pre is None, words)


def partial(text):
    """The numbers that are given, and the prerelease where all three are."""
    found = PARTIAL.fullmatch(text)
    if not found:
        raise ValueError(f"found {text!r}, expected a version or a part of one")
    numbers = []
    for part in ("major", "minor", "patch"):
        if found[part] is None or found[part] in "xX*":
            return numbers, None
        numbers.append(int(found[part]))
    return numbers, found["pre"]


def following(numbers, place):
    """What is below every version that has another number at `place` or before it, and all their prereleases."""
    return (*numbers[:place], numbers[place] + 1, *[0] * (2 - place), LOWEST)


def bounds(sign, text, prereleases):
    """[(relation, version)] that a comparator stands for."""
    numbers, pre = partial(text)
    whole = len(numbers) == 3
    first = (*numbers, *[0] * (3 - len(numbers)), pre if whole else LOWEST if prereleases else None)
    if not numbers:
        return [("<", (0, 0, 0, LOWEST))] if sign in ("<", ">") else []
    last = len(numbers) - 1
    if sign in ("^", "~", "~>"):
        if sign == "^":
            place = next((place for place, number in enumerate(numbers) if number), last)
            if whole and pre is None and prereleases and numbers[0] == 0:
                first = (*numbers, LOWEST)
        else:
            place = min(last, 1)
            first = (*first[:3], pre if whole else None)
        return [(">=", first), ("<", following(numbers, place))]
    if whole:
        return [(sign or "=", first)]
    return {
        ">": [(">=", (*following(numbers, last)[:3], first[3]))],
        "<=": [("<", following(numbers, last))],
        "<": [("<", (*first[:3], LOWEST))],
        ">=": [(">=", first)],
    }.get(sign, [(">=", first), ("<", following(numbers, last))])


def between(low, high, prereleases):
    numbers, pre = partial(high)
    lower = bounds(">=", low, prereleases)
    if prereleases and lower and lower[0][1][3] is None:
        lower = [(">=", (*lower[0][1][:3], LOWEST))]
    if not numbers:
        return lower
    if len(numbers) == 3 and (pre or not prereleases):
        return lower + [("<=", (*numbers, pre))]
    return lower + [("<", following(numbers, len(numbers) - 1))]


def comparators(text, prereleases):
    """Those of one alternative; none stand for every version."""
    if " - " in text:
        return between(*text.split(" - "), prereleases)
    words = re.sub(r"(<=|>=|<|>|=|\^|~>|~) +", r"\1", text).split()
    found = [bound for word in words for bound in bounds(*COMPARATOR.fullmatch(word).group("sign", "version"), prereleases)]
    first = (0, 0, 0, LOWEST if prereleases else None)
    return [bound for bound in found if bound != (">=", first)]


PASSES = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "=": lambda one, other: one == other,
}


def within(range_text, value, prereleases):
    """Whether `value` (text) is a full version within the range."""
    found = version(value.strip(" \t"))
    alternatives = [comparators(" ".join(each.split()), prereleases) for each in range_text.split("||")]
    if found is None:
        return False
    if not all(alternatives):
        alternatives = [[]]
    meant = lambda bounds: prereleases or found[3] is None or any(other[3] and other[:3] == found[:3] for _, other in bounds)
    return any(meant(bounds) and all(PASSES[sign](key(found), key(other)) for sign, other in bounds) for bounds in alternatives)
