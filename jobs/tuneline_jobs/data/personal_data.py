"""Finding and redacting personal data in text: e-mail and IP addresses, phone and card numbers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple


class Detector(NamedTuple):
    kind: str
    pattern: re.Pattern[str]
    confirms: Callable[[str], bool]


def digits_of(text: str) -> str:
    return re.sub(r"\D", "", text)


def is_card(text: str) -> bool:
    """Whether the digits satisfy the Luhn checksum (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in reversed(digits_of(text))]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0 and any(digits)


def is_ip(text: str) -> bool:
    # `Add::Face` is the name of a module, though all its letters are hexadecimal.
    if not any(character.isdigit() for character in text):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_phone(text: str) -> bool:
    """Whether this many digits can be a subscriber's number (ITU-T E.164 allows at most 15)."""
    return 9 <= len(digits_of(text)) <= 15


# In this order: a card number would also pass as a phone number, and so would an IP address.
DETECTORS = (
    Detector(
        "email",
        re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b"),
        lambda _: True,
    ),
    Detector("card", re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])"), is_card),
    Detector(
        "ip",
        re.compile(
            r"(?<![\w.:])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)"
            r"|(?<![\w.:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![\w:])"
        ),
        is_ip,
    ),
    # A plus sign, brackets or separators must be there: a bare run of digits is rarely a phone.
    Detector(
        "phone",
        re.compile(
            r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,4}"
            r"|\(\d{2,5}\)[ .-]?\d{3,4}[ .-]?\d{3,4}"
            r"|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w-]|\.\d)"
        ),
        is_phone,
    ),
)

KINDS = tuple(detector.kind for detector in DETECTORS)


def redact(text: str) -> tuple[str, dict[str, int]]:
    """The text with `[EMAIL]`, `[CARD]`, `[IP]`, `[PHONE]` for what was found, and how often each."""
    counts: dict[str, int] = {}
    for detector in DETECTORS:
        text, count = redact_kind(detector, text)
        if count:
            counts[detector.kind] = count
    return text, counts


def redact_kind(detector: Detector, text: str) -> tuple[str, int]:
    found = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal found
        if not detector.confirms(match.group()):
            return match.group()
        found += 1
        return f"[{detector.kind.upper()}]"

    return detector.pattern.sub(replace, text), found
