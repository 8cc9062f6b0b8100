"""What every encryption scheme offers, whichever it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

__all__ = ["Cryptor"]


class Cryptor(Protocol):
    """A scheme with the keys of one organization.

    There are two forms of the same message: text, which travels inside JSON ("inline"), and
    bytes, which are streamed to and from the blob storage ("blob" or "stream").
    """

    @property
    def scheme(self) -> str:
        """Identifier of the scheme."""
        ...

    @property
    def encrypts(self) -> bool:
        """Whether others cannot read the messages."""
        ...

    @property
    def public_key(self) -> str | None:
        """The organization's public key as the interface carries it, if the scheme has one."""
        ...

    def encrypt(self, data: bytes, recipient_key: str) -> str:
        """Return the inline form of a message.

        Parameters
        ----------
        data : bytes
            The message. Readers of the inline form expect JSON text.
        recipient_key : str
            Public key of the receiving organization as the interface carries it.

        Raises
        ------
        PublicKeyError
            If the receiver's key is missing or no key.
        """
        ...

    def decrypt(self, text: str) -> bytes:
        """Return the message in an inline form.

        Raises
        ------
        DecryptionError
            If it was encrypted for someone else, or altered. It is an `UnexpectedContentError` if
            that is not certain, and the sender may have put in something else than he should.
        """
        ...

    def is_for_us(self, text: str) -> bool:
        """Tell for certain whether a message in its inline form can be read with our key.

        For people with a message of theirs in front of them. A service must not let strangers
        see the answer, who could decrypt messages by asking often.
        """
        ...

    def encrypt_stream(self, chunks: Iterable[bytes], recipient_key: str) -> Iterator[bytes]:
        """Give the blob form of a message piece by piece, holding no more than a chunk.

        Raises
        ------
        PublicKeyError
            If the receiver's key is missing or no key; already at the call.
        """
        ...

    def decrypt_stream(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Give the message in a blob form piece by piece, holding no more than a chunk.

        Raises
        ------
        DecryptionError
            If it was encrypted for someone else, or is cut off; while the chunks are read.
        """
        ...
