"""Makes lenient.tsv: how the Python port of libphonenumber reads numbers as people write them.

    pip install phonenumbers==9.0.33
    python core/tests/phone/lenient.py

Rows: default region, text, digits of the number read; no digits if the port reads none, or one that is not possible
(or possible only locally). The texts: example numbers of all regions and types in their national and international
formats, as dialled from abroad, with the calling code but no plus, and random digits as dialled in each region.
"""

import random
from pathlib import Path

import phonenumbers as pn
from phonenumbers.phonemetadata import PhoneMetadata

VERSION = "9.0.33"
rng = random.Random(20260513)


def read(text, region):
    try:
        number = pn.parse(text, region)
    except pn.NumberParseException:
        return ""
    if pn.is_possible_number_with_reason(number) != pn.ValidationResult.IS_POSSIBLE:
        return ""
    digits = pn.format_number(number, pn.PhoneNumberFormat.E164)[1:]
    return digits if len(digits) <= 15 else ""


def main():
    assert pn.__version__ == VERSION, pn.__version__
    rows = {}
    for region in sorted(pn.SUPPORTED_REGIONS):
        meta = PhoneMetadata.metadata_for_region(region)
        texts = []
        for kind in sorted(pn.supported_types_for_region(region)):
            number = pn.example_number_for_type(region, kind)
            if number is None:
                continue
            texts.append(pn.format_number(number, pn.PhoneNumberFormat.NATIONAL))
            texts.append(pn.format_number(number, pn.PhoneNumberFormat.INTERNATIONAL))
            texts.append(f"{number.country_code}{pn.national_significant_number(number)}")
            abroad = pn.format_out_of_country_calling_number(number, rng.choice(["US", "GB", "JP", "AU", "BR", "FI"]))
            texts.append(abroad)
        other = pn.example_number(rng.choice(["US", "GB", "DE", "IT", "IN", "MX"]))
        texts.append(pn.format_out_of_country_calling_number(other, region))
        longest = max(meta.general_desc.possible_length) + 3
        for _ in range(8):
            texts.append("".join(rng.choice("0123456789") for _ in range(rng.randint(4, longest))))
            texts.append((meta.national_prefix or "0")
                         + "".join(rng.choice("0123456789") for _ in range(rng.randint(5, longest - 1))))
        for text in texts:
            rows[region, text] = read(text, region)
    lines = [f"{region}\t{text}\t{digits}\n" for (region, text), digits in sorted(rows.items())]
    path = Path(__file__).with_name("lenient.tsv")
    path.write_text("".join(lines), encoding="utf-8")
    print(f"{path.name}: {len(lines)} rows, {sum(1 for d in rows.values() if d)} read, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
