"""Makes expected.bin: what the Python port of libphonenumber says about strict E.164 strings.

    pip install phonenumbers==9.0.33
    python core/tests/phone/expected.py

The metadata version has to be the one that data/phone/numbers.bin was made from. The strings: the example number of
every region and type, numbers drawn from the pattern of every region and type, mutations of both, random digits with
and without a calling code that is in use, and for every step that the automaton in data/phone/numbers.bin can take
(and every step that it refuses) a number that takes it. The seed is fixed: the same version of the port gives the same file.

The answers are about the number exactly as written. The port's parser may rewrite it first (it takes out a trunk prefix
and the like); then the file also says to what, and that number is one of the strings too.

The port's `is_possible_number` also says yes to lengths that are dialled only locally, such as `+15551234`; its
`is_possible_number_with_reason` keeps the two apart, and so does the file.

The file: `PHX1`, the length of the version (1 byte), the version; the count of distinct answers (varint), each 1 byte
possible + 2 * valid + 4 * possible only locally, 1 byte type, 3 bytes region (zeros: none); the count of numbers (varint), then for each, ascending,
varints: the distance from the number before, 2 * the index of its answer + whether the parser rewrites it, and if so
the number that it makes of it. A varint has seven bits per byte, low ones first; the highest bit says that more follow.
"""

import random
import re
import struct
from pathlib import Path

try:
    import re._parser as sre
except ImportError:
    import sre_parse as sre

import phonenumbers as pn
from phonenumbers.phonemetadata import PhoneMetadata
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE as REGIONS
from phonenumbers.phonenumberutil import _set_italian_leading_zeros_for_phone_number as set_leading_zeros

VERSION = "9.0.33"
DIGITS = "0123456789"
TYPES = ("fixed_line mobile toll_free premium_rate shared_cost personal_number voip pager uan voicemail "
         "no_international_dialling general_desc").split()
rng = random.Random(20260513)


def plans():
    """Every numbering plan, as (calling code, metadata)."""
    for code, regions in sorted(REGIONS.items()):
        for region in regions:
            yield code, PhoneMetadata.metadata_for_region_or_calling_code(code, region)


def draw(tree):
    """A random string that matches a parsed pattern."""
    out = []
    for op, arg in tree:
        op = str(op)
        if op == "LITERAL":
            out.append(chr(arg))
        elif op == "IN":
            choices = []
            for kind, value in arg:
                kind = str(kind)
                if kind == "LITERAL":
                    choices.append(chr(value))
                elif kind == "RANGE":
                    choices.extend(chr(c) for c in range(value[0], value[1] + 1))
                else:
                    assert kind == "CATEGORY", kind
                    choices.extend(DIGITS)
            out.append(rng.choice(choices))
        elif op in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = arg
            out.extend(draw(inner) for _ in range(rng.randint(low, high)))
        elif op == "SUBPATTERN":
            out.append(draw(arg[-1]))
        elif op == "BRANCH":
            out.append(draw(rng.choice(arg[1])))
        else:
            raise ValueError(op)
    return "".join(out)


def mutate(text):
    """One random change of a string of digits."""
    at = rng.randrange(len(text))
    kind = rng.randrange(6)
    if kind == 0:
        return text[:at] + text[at + 1:]
    if kind == 1:
        return text[:at] + rng.choice(DIGITS) + text[at:]
    if kind == 2:
        return text + "".join(rng.choice(DIGITS) for _ in range(rng.randint(1, 2)))
    if kind == 3 and at + 1 < len(text):
        return text[:at] + text[at + 1] + text[at] + text[at + 2:]
    if kind == 4:
        return text[:-rng.randint(1, 2)]
    return text[:at] + rng.choice(DIGITS) + text[at + 1:]


def strings():
    """All strings to ask about, without the plus."""
    found = set()

    def add(text):
        if re.fullmatch("[1-9][0-9]{0,14}", text):
            found.add(text)

    for code, meta in plans():
        code = str(code)
        for name in TYPES:
            desc = getattr(meta, name)
            if desc is None or not desc.national_number_pattern:
                continue
            seeds = [desc.example_number] if desc.example_number else []
            tree = sre.parse(desc.national_number_pattern)
            seeds += [draw(tree) for _ in range(7)]
            for seed in seeds:
                add(code + seed)
                for _ in range(2):
                    add(code + mutate(seed))
            if desc.example_number:
                for _ in range(10):
                    add(mutate(code + desc.example_number))
                # With a trunk prefix, which the port's parser takes out.
                add(code + (meta.national_prefix or "0") + desc.example_number)
    for text in steps():
        add(text)
    for code in REGIONS:
        for length in range(0, 15):
            for _ in range(6):
                add(str(code) + "".join(rng.choice(DIGITS) for _ in range(length)))
    # North America and the other shared codes, area code by area code.
    for code in (1, 7, 39, 44, 47, 61, 212, 262, 290, 358, 590, 599):
        for area in range(1000):
            add(f"{code}{area:03}" + "".join(rng.choice(DIGITS) for _ in range(rng.choice((5, 6, 7, 7, 7)))))
    while len(found) < 130_000:
        length = rng.randint(1, 15)
        add(rng.choice("123456789") + "".join(rng.choice(DIGITS) for _ in range(length - 1)))
    return found


def steps():
    """A number for every step of the automaton: each state and digit, whether it leads on or not."""
    data = (Path(__file__).parents[2] / "data/phone/numbers.bin").read_bytes()
    _, _, plans_at, regions_at, labels_at, rows_at, texts_at, _ = struct.unpack("<8I", data[4:36])
    labels = data[labels_at:rows_at]
    rows = list(struct.iter_unpack("<10H", data[rows_at:texts_at]))
    # The shortest way from each state to the end of a valid number.
    ends = ["" if label else None for label in labels]
    todo = [state for state, label in enumerate(labels) if label]
    before = [[] for _ in rows]
    for state, row in enumerate(rows):
        for digit, after in enumerate(row):
            before[after].append((state, str(digit)))
    for state in todo:
        for earlier, digit in before[state]:
            if ends[earlier] is None and earlier:
                ends[earlier] = digit + ends[state]
                todo.append(earlier)
    taken = set()
    for at in range(plans_at, regions_at, 30):
        code, root = struct.unpack("<HH", data[at + 2:at + 6])
        (lengths,) = struct.unpack("<I", data[at + 10:at + 14])
        lengths = [n for n in range(15) if lengths >> n & 1]
        seen, todo = {root}, [(root, "")]
        for state, path in todo:
            for digit, after in enumerate(rows[state]):
                text = path + str(digit)
                if (state, digit) not in taken:
                    taken.add((state, digit))
                    if after:
                        end = ends[after]
                    else:
                        longer = rng.choice([n for n in lengths if n >= len(text)] or [len(text)])
                        end = "".join(rng.choice(DIGITS) for _ in range(longer - len(text)))
                    yield str(code) + text + end
                if after and after not in seen:
                    seen.add(after)
                    todo.append((after, text))


def literal(text):
    """The number with exactly these digits; None if no calling code begins it or too little follows."""
    for length in (1, 2, 3):
        code = int(text[:length])
        if code in REGIONS:
            national = text[length:]
            if len(national) < 2:
                return None
            number = pn.PhoneNumber(country_code=code, national_number=int(national))
            set_leading_zeros(national, number)
            assert pn.format_number(number, pn.PhoneNumberFormat.E164) == "+" + text
            return number
    return None


def answer(number):
    """What the port says: possible, valid, type, region."""
    if number is None:
        return (0, 99, "")
    reason = pn.is_possible_number_with_reason(number)
    local = reason == pn.ValidationResult.IS_POSSIBLE_LOCAL_ONLY
    possible = reason == pn.ValidationResult.IS_POSSIBLE
    assert pn.is_possible_number(number) == (possible or local)
    flags = possible + 2 * pn.is_valid_number(number) + 4 * local
    return (flags, pn.number_type(number), pn.region_code_for_number(number) or "")


def rewritten(text):
    """The digits that the port's parser makes of a string; the string itself if it refuses it."""
    try:
        return pn.format_number(pn.parse("+" + text), pn.PhoneNumberFormat.E164)[1:]
    except pn.NumberParseException:
        return text


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def main():
    assert pn.__version__ == VERSION, pn.__version__
    texts = strings()
    made = {text: rewritten(text) for text in texts}
    for other in list(made.values()):
        made.setdefault(other, rewritten(other))
    # Where a rewritten number would be rewritten again, that number has to be a string as well.
    while missing := [other for other in made.values() if other not in made]:
        for other in missing:
            made[other] = rewritten(other)
    answers, records, previous, counts = {}, bytearray(), 0, 0
    for value in sorted(map(int, made)):
        text = str(value)
        index = answers.setdefault(answer(literal(text)), len(answers))
        changed = made[text] != text
        counts += changed
        records += varint(value - previous) + varint(2 * index + changed)
        if changed:
            records += varint(int(made[text]))
        previous = value
    out = bytearray(b"PHX1") + bytes([len(VERSION)]) + VERSION.encode() + varint(len(answers))
    for flags, kind, region in answers:
        out += bytes([flags, kind]) + region.encode().ljust(3, b"\0")
    out += varint(len(made)) + records
    path = Path(__file__).with_name("expected.bin")
    path.write_bytes(out)
    valid = sum(1 for text in made if answer(literal(text))[0] & 2)
    print(f"{path.name}: {len(out)} bytes, {len(made)} numbers, {valid} valid, {len(answers)} answers, {counts} rewritten")


if __name__ == "__main__":
    main()
