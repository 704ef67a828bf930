"""`python -m tests.llm [--port 0] [--delay 0.02]`: try `provider = "local"` without a model."""

import argparse
import asyncio
import contextlib
import sys

from tests.llm.server import LlmServer


async def serve(port: int, delay: float) -> None:
    async with LlmServer(port=port, delay=delay) as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.llm", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds between two chunks")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments.port, arguments.delay))


if __name__ == "__main__":
    main()
