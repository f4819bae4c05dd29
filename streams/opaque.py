"""Identifiers that are personal data in, tokens that tell nothing but sameness out; any other identifier stays as it is.

The same function makes them of a complaint's id, of the follow-ups' and corrections' reference to it, of users and of orders, so
that what belongs together still meets. Without a key (HUIYIN_TOKEN_KEY) whoever holds the store could try all phone numbers.
"""

from __future__ import annotations

import hashlib
import unicodedata

from models.privacy import is_personal

_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")  # a token without digits is never taken for a number


def opaque(identifier: str, key: str = "") -> str:
    """`identifier`, or in place of a phone number, an ID card or an e-mail address 24 letters of its keyed BLAKE2b."""
    if not is_personal(identifier):
        return identifier
    folded = unicodedata.normalize("NFKC", identifier).strip().lower().encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(folded, digest_size=12, key=key.encode()[: hashlib.blake2b.MAX_KEY_SIZE]).hexdigest()
    return f"anonymous-{digest.translate(_LETTERS)}"
