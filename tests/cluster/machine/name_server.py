#!/usr/bin/env python3
"""The cluster's name server, for Services alone: NAME.NAMESPACE.svc.cluster.local -> its address.

    name_server.py API_SERVER TOKEN_FILE ADDRESS
"""

import json
import pathlib
import socket
import ssl
import struct
import sys
import time
import urllib.request

DOMAIN = ["svc", "cluster", "local"]
IS_ADDRESS = 1  # the kind of question
NO_SUCH_NAME = 3
POINTER_TO_THE_QUESTION = b"\xc0\x0c"
TTL_SECONDS = 5
CACHE_SECONDS = 1


class Services:
    def __init__(self, api_server, token):
        self.request = urllib.request.Request(
            f"{api_server}/api/v1/services", headers={"Authorization": f"Bearer {token}"}
        )
        # It is asked in its own network namespace.
        self.context = ssl._create_unverified_context()  # pylint: disable=protected-access
        self.known = {}
        self.read_at = None

    def address(self, name, namespace):
        now = time.monotonic()
        if self.read_at is None or now - self.read_at > CACHE_SECONDS:
            with urllib.request.urlopen(self.request, context=self.context, timeout=3) as answer:
                services = json.load(answer)["items"]
            self.known = {
                (s["metadata"]["name"], s["metadata"]["namespace"]): s["spec"].get("clusterIP")
                for s in services
            }
            self.read_at = now
        return self.known.get((name, namespace))


def question(packet):
    """The name's labels, its kind, and the question's bytes."""
    at, labels = 12, []
    while packet[at]:
        end = at + 1 + packet[at]
        labels.append(packet[at + 1 : end].decode("ascii").lower())
        at = end
    (kind,) = struct.unpack_from(">H", packet, at + 1)
    return labels, kind, packet[12 : at + 5]


def answer(packet, services):
    labels, kind, asked = question(packet)
    address = services.address(*labels[:2]) if labels[2:] == DOMAIN else None
    record = b""
    if kind == IS_ADDRESS and address not in (None, "None"):
        record = POINTER_TO_THE_QUESTION + struct.pack(">HHIH", IS_ADDRESS, 1, TTL_SECONDS, 4)
        record += socket.inet_aton(address)
    flags = 0x8580 | (0 if address is not None else NO_SUCH_NAME)
    head = struct.pack(">HHHHH", flags, 1, 1 if record else 0, 0, 0)
    return packet[:2] + head + asked + record


def main():
    api_server, token_file, own_address = sys.argv[1:]
    services = Services(api_server, pathlib.Path(token_file).read_text())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((own_address, 53))
        while True:
            packet, peer = server.recvfrom(4096)
            try:
                server.sendto(answer(packet, services), peer)
            except (OSError, ValueError, IndexError, struct.error) as error:
                print(f"name server: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
