"""Makes zones.bin, core/src/phone/zone/names.rs and core/tests/phone/zones.tsv from libphonenumber's time zone data.

    pip install phonenumbers==9.0.33
    python core/data/phone/zones.py

The format of zones.bin is described in README.md beside this file.
"""

import random
import struct
from pathlib import Path

import phonenumbers as pn
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

VERSION = "9.0.33"
WIDTH = 9
HERE = Path(__file__).parent
CORE = HERE.parent.parent


def variant(name):
    """The name of a zone in chrono-tz's enum."""
    return name.replace("/", "__").replace("-", "").replace("+", "Plus")


def table(names, lists):
    """The bytes of zones.bin."""
    prefixes = sorted(TIMEZONE_DATA, key=lambda p: (int(p.ljust(WIDTH, "0")), len(p)))
    place = {prefix: n for n, prefix in enumerate(prefixes)}
    starts, rest = bytearray(), bytearray()
    for prefix in prefixes:
        longer = (place[prefix[:n]] + 1 for n in range(len(prefix) - 1, 0, -1) if prefix[:n] in place)
        starts += struct.pack("<I", int(prefix.ljust(WIDTH, "0")))
        rest += struct.pack("<HHB", next(longer, 0), lists[TIMEZONE_DATA[prefix]], len(prefix))
    offsets, members = bytearray(), bytearray()
    for zones in lists:
        offsets += struct.pack("<H", len(members) // 2)
        members += b"".join(struct.pack("<H", names[zone]) for zone in zones)
    offsets += struct.pack("<H", len(members) // 2)
    return b"PHZ1" + struct.pack("<HH", len(prefixes), len(lists)) + starts + rest + offsets + members


def source(names):
    """The Rust source of the list of zones."""
    lines = "".join(f"    Tz::{variant(name)},\n" for name in names)
    return ("//! The zones that `data/phone/zones.bin` refers to. Made by `data/phone/zones.py`; do not edit.\n\n"
            f"use chrono_tz::Tz;\n\n#[rustfmt::skip]\npub(super) static ZONES: [Tz; {len(names)}] = [\n{lines}];\n")


def lookup(digits):
    """The zones of the longest prefix, as the port finds them."""
    for length in range(TIMEZONE_LONGEST_PREFIX, 0, -1):
        if digits[:length] in TIMEZONE_DATA and len(digits) >= length:
            return TIMEZONE_DATA[digits[:length]]
    return ()


def samples():
    """Numbers to test with: some under each of many prefixes, and shorter ones."""
    rng = random.Random(20260513)
    found = set()
    for prefix in rng.sample(sorted(TIMEZONE_DATA), 1_400):
        more = "".join(rng.choice("0123456789") for _ in range(rng.randint(0, 15 - len(prefix))))
        found.add(prefix + more)
    while len(found) < 2_000:
        found.add(str(rng.randint(1, 10 ** rng.randint(1, 15) - 1)))
    return sorted(found)


def main():
    assert pn.__version__ == VERSION, pn.__version__
    assert TIMEZONE_LONGEST_PREFIX <= WIDTH
    names = {name: n for n, name in enumerate(sorted({zone for zones in TIMEZONE_DATA.values() for zone in zones}))}
    lists = {zones: n for n, zones in enumerate(sorted(set(TIMEZONE_DATA.values())))}
    data = table(names, lists)
    (HERE / "zones.bin").write_bytes(data)
    (CORE / "src/phone/zone/names.rs").write_text(source(names))
    rows = [f"{digits}\t{','.join(lookup(digits))}\n" for digits in samples()]
    (CORE / "tests/phone/zones.tsv").write_text("".join(rows))
    print(f"zones.bin: {len(data)} bytes, {len(TIMEZONE_DATA)} prefixes, {len(names)} zones, {len(lists)} lists")


if __name__ == "__main__":
    main()
