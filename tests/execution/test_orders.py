import re

from tui_trader.execution.orders import client_order_id

BINANCE = re.compile(r"^[\.A-Z\:/a-z0-9_-]{1,36}$")


def test_an_order_has_one_name_for_good() -> None:
    # The very text: a change would let a restarted engine send known orders again.
    assert client_order_id("paper", "run-000001:BTC/USDT") == "tt-xnqcsmdyfetlwk7amliqz7k324"


def test_every_instruction_and_account_has_its_own_name() -> None:
    names = {
        client_order_id(account, f"c{n}:BTC/USDT") for account in ("a", "b") for n in range(500)
    }
    assert len(names) == 1_000


def test_venues_take_the_name_however_long_the_instructions_is() -> None:
    for instruction_id in ("", "c:BTC/USDT:USDT:1", "é" * 500):
        name = client_order_id("account", instruction_id)
        assert BINANCE.match(name)
        assert len(name) <= 32
