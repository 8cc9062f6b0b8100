"""Encrypt or decrypt in all forms, with whichever packages this Python has."""

import io
import json
import sys
from pathlib import Path

from vantage6.common.encryption import RSACryptor

given = json.load(sys.stdin)
folder = Path(given["folder"])
message = given["message"].encode()
cryptor = RSACryptor(folder / "key.pem")
key = cryptor.public_key_str

if given["task"] == "write":
    (folder / "inline").write_text(cryptor.encrypt_bytes_to_str(message, key))
    (folder / "blob").write_bytes(
        cryptor.encrypt_bytes_to_str(message, key, skip_base64_encoding_of_msg=True)
    )
    pieces = cryptor.encrypt_stream(io.BytesIO(message), key, chunk_size=100)
    (folder / "stream").write_bytes(b"".join(pieces))
    answer = {}
else:
    stream = io.BytesIO((folder / "stream").read_bytes())
    answer = {
        "inline": cryptor.decrypt((folder / "inline").read_text()).decode(),
        "blob": cryptor.decrypt((folder / "blob").read_bytes()).decode(),
        "stream": b"".join(cryptor.decrypt_stream(stream, chunk_size=64)).decode(),
    }
Path(given["answer"]).write_text(json.dumps(answer))
