"""A pipe between two processes that carries whole messages, and on which neither side can make the other wait for half of one."""

from __future__ import annotations

import pickle
import socket
import struct
import threading

_LENGTH = struct.Struct("<I")
_READ_NBYTES = 1 << 16
#: A process that does not read for so long, while the kernel's buffer for it is full, is stopped or lost.
_SEND_LIMIT_S = 10


class Channel:
    """One end of a pair of sockets. Messages are pickled: both ends are this package, in processes of the same user.

    Args:
        end: a connected stream socket; closed by `close`.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._buffer = bytearray()
        self._sending = threading.Lock()
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", _SEND_LIMIT_S, 0))

    def fileno(self) -> int:
        """For `multiprocessing.connection.wait`."""
        return self._end.fileno()

    def send(self, message: object) -> None:
        """Send one message; any thread may.

        Raises:
            OSError: the other end is closed, or has not read for ten seconds.
        """
        data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        with self._sending:
            self._end.sendall(_LENGTH.pack(len(data)) + data)

    def receive(self) -> object:
        """Wait for the next message.

        Raises:
            EOFError: the other end is closed.
        """
        while True:
            message = self._next()
            if message is not None:
                return message
            self._read(0)

    def arrived(self) -> list[object]:
        """The messages that have come in whole; never waits.

        Raises:
            EOFError: the other end is closed, and everything that it sent was given; or it sends what is no message.
        """
        try:
            while self._read(socket.MSG_DONTWAIT) == _READ_NBYTES:
                pass
        except BlockingIOError:
            pass
        except EOFError:
            if messages := self._all():
                return messages
            raise
        return self._all()

    def close(self) -> None:
        """Close this end; safe to call twice."""
        self._end.close()

    def _read(self, flags: int) -> int:
        try:
            data = self._end.recv(_READ_NBYTES, flags)
        except ConnectionError:
            data = b""
        if not data:
            raise EOFError
        self._buffer += data
        return len(data)

    def _all(self) -> list[object]:
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> object | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (nbytes,) = _LENGTH.unpack_from(self._buffer)
        end = _LENGTH.size + nbytes
        if len(self._buffer) < end:
            return None
        data = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        try:
            message: object = pickle.loads(data)  # noqa: S301  # from a process of ours
        except Exception as error:
            raise EOFError("the other end has lost its mind") from error
        return message
