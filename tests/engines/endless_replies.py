"""Replies that never end, or that unpack to more than they were."""

import gzip
from contextlib import suppress


def endless(piece: bytes, head: str = "Content-Type: application/json", before: bytes = b""):
    """Send ``before``, then one piece again and again until the client closes; count the bytes."""

    async def reply(exchange):
        writer = exchange.writer
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        if before:
            writer.write(f"{len(before):x}\r\n".encode() + before + b"\r\n")
        with suppress(ConnectionError):
            for _ in range((1 << 28) // len(chunk)):
                writer.write(chunk)
                await writer.drain()
                exchange.server.sent += len(piece)
        writer.close()

    return reply


def packed(data: bytes, head: str = "Content-Encoding: gzip"):
    return endless(gzip.compress(data, 9), f"Content-Type: application/json\r\n{head}")


MIB = 1 << 20
