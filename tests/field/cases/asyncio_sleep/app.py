"""A coroutine that sleeps the wrong way, and one that computes."""

import asyncio
import time


def call_partner(seconds):
    time.sleep(seconds)


def price_all(seconds):
    end = time.monotonic() + seconds
    total = 0
    while time.monotonic() < end:
        total += sum(range(1000))
    return total


async def main():
    print("ready", flush=True)
    await asyncio.sleep(3)
    call_partner(1.2)
    await asyncio.sleep(0.5)
    price_all(0.8)
    await asyncio.sleep(0.5)
    print("done", flush=True)
    await asyncio.sleep(60)


asyncio.run(main())
