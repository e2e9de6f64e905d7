"""Whole messages, whatever the sockets do with their bytes."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from framedex.ingest.channel import Channel


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = map(Channel, socket.socketpair())
    yield one, other
    one.close()
    other.close()


def test_messages_arrive_in_order_and_nothing_waits(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    assert other.arrived() == []
    for number in range(100):
        one.send({"number": number})
    assert [message for _ in range(3) for message in other.arrived()] == [{"number": number} for number in range(100)]
    other.send("answer")
    assert one.receive() == "answer"


def test_a_message_larger_than_any_buffer(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    large = bytes(range(256)) * 20_000
    sender = threading.Thread(target=one.send, args=(large,))
    sender.start()
    found: list[object] = []
    while not found:
        found += other.arrived()
    sender.join()
    assert found == [large]


def test_half_a_message_is_none() -> None:
    raw, end = socket.socketpair()
    channel = Channel(end)
    raw.sendall(struct.pack("<I", 1000) + b"x" * 10)
    assert channel.arrived() == []
    raw.close()
    with pytest.raises(EOFError):
        channel.arrived()
    channel.close()


def test_what_was_sent_before_the_end_is_given_first(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    one.send(1)
    one.close()
    assert other.arrived() == [1]
    with pytest.raises(EOFError):
        other.arrived()
    with pytest.raises(EOFError):
        other.receive()
    with pytest.raises(OSError, match=r"pipe|reset"):
        other.send(2)


def test_a_process_that_has_lost_its_mind() -> None:
    raw, end = socket.socketpair()
    channel = Channel(end)
    raw.sendall(struct.pack("<I", 4) + b"\xff\xfe\x00\x01")
    with pytest.raises(EOFError, match="mind"):
        channel.arrived()
    raw.close()
    channel.close()
