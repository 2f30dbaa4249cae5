"""Load for DNS servers on loopback: a closed loop over UDP that looks at every answer.

A fixed number of queries is in flight; each answer lets the next query go, so a slow server is asked
slowly and nothing is dropped. dnsperf, where it is installed, gives a second opinion.
"""

import re
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

_IN_FLIGHT = 100
_SOCKETS = 8
"""Several source ports, or SO_REUSEPORT would give every query to one worker."""


class Question(NamedTuple):
    """A name, and the IPv4 address that must be the first answer to it."""

    name: str
    address: bytes


class Load(NamedTuple):
    """What was measured."""

    queries_per_s: float
    lost: int
    mean_ms: float
    p50_ms: float | None = None
    p99_ms: float | None = None


class WrongAnswerError(Exception):
    """A server answered something else than it must; its speed is of no interest then."""


def packet(name: str, id_: int) -> bytes:
    """A query for the IPv4 address of `name`, with EDNS as nearly every client sends it."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    header = struct.pack("!HHHHHH", id_, 0x0100, 1, 0, 0, 1)
    return header + labels + b"\0\0\1\0\1" + b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)


def check(port: int, questions: Sequence[Question]) -> None:
    """Ask each question once and look at the whole answer. Raises WrongAnswerError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect(("127.0.0.1", port))
        for number, question in enumerate(questions):
            sent = packet(question.name, number)
            sock.send(sent)
            try:
                response = sock.recv(4096)
            except TimeoutError:
                raise WrongAnswerError("no answer") from None
            if response[:2] != sent[:2] or not _is_right(response, len(question.name) + 2, question):
                raise WrongAnswerError("the answer is not the expected one")


def _is_right(response: bytes, name_bytes: int, question: Question) -> bool:
    """The first record of the answer section is the expected address."""
    flags, _, answers = struct.unpack_from("!HHH", response, 2)
    first = 12 + name_bytes + 4
    rdata = first + 12  # a compressed owner, type, class, TTL, length
    return flags & 0x800F == 0x8000 and answers > 0 and response[rdata : rdata + 4] == question.address


def run(port: int, questions: Sequence[Question], seconds: float) -> Load:
    """Ask the questions in turn for `seconds`, a hundred at a time."""
    packets = [(packet(each.name, number & 0xFFFF), each) for number, each in enumerate(questions)]
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(_SOCKETS)]
    try:
        for sock in socks:
            sock.settimeout(1)
            sock.connect(("127.0.0.1", port))
        return _loop(socks, packets, seconds)
    finally:
        for sock in socks:
            sock.close()


def warm(port: int, questions: Sequence[Question]) -> None:
    """Have every worker know every answer: the kernel spreads source ports over the workers."""
    for _ in range(_SOCKETS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect(("127.0.0.1", port))
            for start in range(0, len(questions), 50):
                batch = questions[start : start + 50]
                for number, question in enumerate(batch):
                    sock.send(packet(question.name, number))
                for _ in batch:
                    sock.recv(4096)


def _loop(socks: list[socket.socket], packets: list[tuple[bytes, Question]], seconds: float) -> Load:
    # One socket after the other: all its answers are awaited, and each lets one query go.
    clock = time.perf_counter
    sent_at: list[dict[bytes, tuple[float, Question]]] = [{} for _ in socks]
    waits: list[float] = []
    answered = lost = at = 0

    def send(place: int) -> None:
        nonlocal at
        query, question = packets[at % len(packets)]
        at += 1
        sent_at[place][query[:2]] = (clock(), question)
        socks[place].send(query)

    started = clock()
    for place in range(len(socks)):
        for _ in range(_IN_FLIGHT // len(socks)):
            send(place)
    place = 0
    while (now := clock()) - started < seconds:
        place = (place + 1) % len(socks)
        try:
            response = socks[place].recv(4096)
        except TimeoutError:
            lost += len(sent_at[place])
            sent_at[place].clear()
            for _ in range(_IN_FLIGHT // len(socks)):
                send(place)
            continue
        entry = sent_at[place].pop(response[:2], None)
        if entry is None:
            continue
        sent, question = entry
        if not _is_right(response, len(question.name) + 2, question):
            raise WrongAnswerError("a wrong answer under load")
        answered += 1
        waits.append(clock() - sent)
        send(place)
    waits.sort()
    return Load(
        queries_per_s=answered / (now - started),
        lost=lost,
        mean_ms=round(statistics.fmean(waits) * 1000, 3),
        p50_ms=round(waits[len(waits) // 2] * 1000, 3),
        p99_ms=round(waits[len(waits) * 99 // 100] * 1000, 3),
    )


def dnsperf(port: int, questions: Sequence[Question], seconds: float, *, transport: str) -> Load | None:
    """The same by dnsperf; None where it is not installed. It tells no percentiles."""
    program = shutil.which("dnsperf")
    if program is None:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{each.name} A\n" for each in questions)
        file.flush()
        words = ["-s", "127.0.0.1", "-p", str(port), "-m", transport, "-d", file.name, "-e"]
        words += ["-l", str(max(1, int(seconds))), "-c", "8", "-q", str(_IN_FLIGHT)]
        text = subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Queries per second:\s+([\d.]+)", text)
    lost = re.search(r"Queries lost:\s+(\d+)", text)
    average = re.search(r"Average Latency \(s\):\s+([\d.]+)", text)
    if rate is None or lost is None or average is None:
        raise RuntimeError("dnsperf printed something unexpected")
    return Load(float(rate[1]), int(lost[1]), round(float(average[1]) * 1000, 3))
