"""Names of orders at a venue."""

import hashlib
from base64 import b32encode

PREFIX = "tt-"


def client_order_id(account: str, instruction_id: str) -> str:
    """The venue's client order id of an instruction: always the same for the same two words.

    29 characters of `[a-z0-9-]`, which every venue that we know takes (Binance asks for at most 36
    of `[.A-Z:/a-z0-9_-]`, its portfolio margin for 32).
    """
    digest = hashlib.sha256(f"{account}|{instruction_id}".encode()).digest()
    return PREFIX + b32encode(digest).decode()[:26].lower()
