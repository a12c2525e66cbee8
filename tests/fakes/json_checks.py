"""What the fakes of vendors with JSON requests share: mailboxes, base64, members that nobody documents."""
import base64
import binascii
import email.utils
import re

ADDRESS = re.compile(r'^(?:[^\s@",<>()]+|"(?:[^"\\]|\\.)+")@(?:[A-Za-z0-9_-]+\.)+[A-Za-z0-9-]+$')


def is_address(text) -> bool:
    return isinstance(text, str) and bool(ADDRESS.match(text))


def address_of(text) -> str | None:
    """Of "Name <user@example.com>" or "user@example.com"; None when it is neither."""
    if not isinstance(text, str) or "\n" in text:
        return None
    found = email.utils.getaddresses([text])
    return found[0][1] if len(found) == 1 and is_address(found[0][1]) else None


def decoded(text) -> bytes | None:
    """None when it is no base64, or nothing."""
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, TypeError, ValueError):
        return None


def unknown(value: dict, known: set) -> list[str]:
    return sorted(set(value) - known)
