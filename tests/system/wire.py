"""A terminal's side of the wire, written from the page on the wire format and not with the product's code: messages, a peer with or without
TLS, and the control socket's protobuf by hand."""
import contextlib
import pathlib
import socket
import ssl
import struct

ANSWER_S = 30  # until an answer counts as lost; what is looked at are answers, not how busy this machine is
TPDU, HEADER = bytes.fromhex("6000030000"), bytes.fromhex("602200311001")


# ---- messages, written here from the page on the wire format, not with the product's code

def bcd(digits):
    return bytes.fromhex(digits + "0" * (len(digits) % 2))


def ascii_field(text):
    return text.encode("ascii")


def lll(text):
    """A field of BCD digits behind a length of digits."""
    return bcd(f"{len(text):04d}") + bcd(text)


def message(mti, fields):
    """`fields`: number -> bytes as they stand on the wire."""
    bits = 0
    for number in fields:
        bits |= 1 << (64 - number)
    return bcd(mti) + bits.to_bytes(8, "big") + b"".join(fields[number] for number in sorted(fields))


def frame(body):
    whole = TPDU + HEADER + body
    return struct.pack(">H", len(whole)) + whole


class Fleet:
    def __init__(self, folder):
        lines = (folder / "fleet/terminals.csv").read_text().splitlines()
        row = dict(zip(lines[0].split(","), lines[1].split(",")))
        self.terminal, self.merchant = row["terminal_id"], row["merchant_id"]

    def echo(self):
        return message("0820", {41: ascii_field(self.terminal), 42: ascii_field(self.merchant), 60: lll("00000001301")})

    def signon(self, terminal=None, merchant=None):
        return message("0800", {11: bcd("000001"), 41: ascii_field(terminal or self.terminal), 42: ascii_field(merchant or self.merchant),
                                60: lll("00000001003"), 63: bcd("0003") + b"01 "})

    def sale(self, **changed):
        fields = {2: bcd("16") + bcd("6210948000000037"), 3: bcd("000000"), 4: bcd("000000001234"), 11: bcd("000017"), 22: bcd("012"), 25: bcd("00"),
                  41: ascii_field(self.terminal), 42: ascii_field(self.merchant), 49: b"156", 60: lll("22000001000"), 64: b"01234567"}
        for name, value in changed.items():
            number = int(name[1:])
            if value is None:
                del fields[number]
            else:
                fields[number] = value
        return fields


# ---- the peer's side

class Answer:
    def __init__(self, whole):
        self.mti = whole[11:13].hex()
        self.body = whole
        # Of the fields that stand before 39 here all have a fixed length but 2, 32: enough to find it.
        bits = int.from_bytes(whole[13:21], "big")
        sizes = {3: 3, 4: 6, 11: 3, 12: 3, 13: 2, 14: 2, 15: 2, 22: 2, 23: 2, 25: 1, 26: 1, 37: 12, 38: 6}
        at = 21
        for number in range(2, 39):
            if not bits >> (64 - number) & 1:
                continue
            if number in (2, 32):
                at += 1 + (int(whole[at:at + 1].hex()) + 1) // 2
            else:
                at += sizes[number]
        self.code = whole[at:at + 2].decode("ascii") if bits >> (64 - 39) & 1 else ""
        self.asks = whole[7] & 15


class Peer:
    def __init__(self, port, tls=False):
        self.raw = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        self.raw.settimeout(ANSWER_S)
        self.socket = self.raw
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.raw)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def exactly(self, count):
        got = b""
        while len(got) < count:
            part = self.socket.recv(count - len(got))
            if not part:
                return None
            got += part
        return got

    def answer(self):
        """None: the connection was closed."""
        with contextlib.suppress(ConnectionError):
            head = self.exactly(2)
            body = head and self.exactly(int.from_bytes(head, "big"))
            return body and Answer(body)
        return None

    def send(self, data):
        self.socket.sendall(data)
        return self

    def is_closed(self):
        with contextlib.suppress(ConnectionError):
            return self.socket.recv(1) == b""
        return True


# ---- the control socket, by hand: protobuf fields as protocols/control.proto numbers them

def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields_of(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        else:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        yield key >> 3, value


def control_answer(path, request):
    """The fields of the answer."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(ANSWER_S)
        control.connect(str(path))
        control.sendall(struct.pack(">I", len(request)) + request)
        data = b""
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
            part = control.recv(65536)
            if not part:
                raise ConnectionError(f"{path}: closed before its answer was whole")
            data += part
    return fields_of(data[4:])


def metrics(path):
    """(name, labels) -> value"""
    found = {}
    for number, value in control_answer(path, b"\x08\x01" + b"\x62\x00"):  # id = 1, metrics = {}
        if number != 12:
            continue
        for _, sample in fields_of(value):
            name, labels, amount = "", [], None
            for field, part in fields_of(sample):
                if field == 1:
                    name = part.decode()
                elif field == 2:
                    labels.append(part.decode())
                elif field == 3:
                    amount = struct.unpack("<d", part)[0]
            if amount is not None:
                found[name, tuple(labels)] = amount
    return found
