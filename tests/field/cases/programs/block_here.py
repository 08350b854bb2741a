"""The same on asyncio, or on the loop that is named."""

import asyncio
import sys
import time


def block_here(seconds):
    end = time.monotonic() + seconds
    total = 0
    while time.monotonic() < end:
        total += sum(range(2000))  # HERE
    return total


async def main():
    print("ready", flush=True)
    while True:
        await asyncio.sleep(0.8)
        block_here(0.4)


if len(sys.argv) > 1:
    __import__(sys.argv[1]).install()
asyncio.run(main())
