"""A program that behaves as its input says; the algorithm of the runner tests.

It knows of the environment only what the contract says, and uses the standard library alone.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def value(name):
    return base64.b32decode(os.environ[name].replace("!", "=")).decode()


def read(name):
    return Path(value(name)).read_text()


def somebody_is_at(host, port):
    """Tell whether anything answers, be it with a refusal."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


order = json.loads(read("INPUT_FILE"))
behaviour = order.get("method")
output = Path(value("OUTPUT_FILE"))


def answer(result):
    output.write_text(json.dumps(result))


if behaviour == "echo":
    print("hello from the algorithm")
    answer(order["args"])
elif behaviour == "tell":
    answer(
        {
            "token": read("TOKEN_FILE"),
            "environment": {name: os.environ[name] for name in order["args"] if name in os.environ},
            "table": read("DEFAULT_DATABASE_URI") if "DEFAULT_DATABASE_URI" in os.environ else None,
            "names": sorted(os.environ),
        }
    )
elif behaviour == "count":
    counter = Path(value("TEMPORARY_FOLDER")) / "counter"
    before = int(counter.read_text()) if counter.exists() else 0
    counter.write_text(str(before + 1))
    answer(before + 1)
elif behaviour == "crash":
    print("this goes wrong", file=sys.stderr)
    sys.exit(3)
elif behaviour == "sleep":
    answer("slept")
    time.sleep(order["args"][0])
elif behaviour == "stubborn":
    subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 300"], start_new_session=True)
    subprocess.run(["sh", "-c", "trap '' TERM; sleep 300"], check=False)
elif behaviour == "chatter":
    for _ in range(order["args"][0]):
        sys.stdout.write("x" * 1024 * 1024)
    answer("told")
elif behaviour == "link":
    output.unlink()
    output.symlink_to(order["args"][0])
elif behaviour == "unlink":
    output.unlink()
elif behaviour == "pipe":
    output.unlink()
    os.mkfifo(output)
elif behaviour == "fill":
    with output.open("wb") as file:
        file.truncate(order["args"][0])
elif behaviour == "damage":
    try:
        with Path(value("DEFAULT_DATABASE_URI")).open("a") as file:
            file.write("more")
        answer("written")
    except OSError as error:
        answer(error.strerror)
elif behaviour == "fetch":
    with urllib.request.urlopen(f"{value('HOST')}:{value('PORT')}/version") as response:
        answer(response.read().decode())
elif behaviour == "reach":
    answer([[host, port] for host, port in order["args"] if somebody_is_at(host, port)])
elif behaviour == "serve":
    with socket.create_server(("", order["args"][0])) as server:
        print("serving", flush=True)
        while True:
            server.accept()[0].close()
elif behaviour == "program":
    answer(eval(compile(order["args"][0], "program", "eval")))
