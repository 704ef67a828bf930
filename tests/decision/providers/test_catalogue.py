import pytest

from tui_trader.decision.providers import PROVIDERS, Endpoint, Prices, endpoint, provider_spec
from tui_trader.decision.providers.catalogue import FORMS, FREE, simpler


def test_a_price_that_is_not_known_is_none_and_not_zero() -> None:
    assert Endpoint("openai", "", "gpt-9").prices is None
    assert Endpoint("deepseek", "", "deepseek-next").prices is None
    assert Endpoint("alive", "", "m").prices is None
    assert Endpoint("local", "", "m").prices == FREE


def test_a_price_that_changes_with_the_hour_is_taken_at_its_highest_and_says_so() -> None:
    prices = Endpoint("deepseek", "", "deepseek-flash").prices
    assert prices == Prices(0.30, 0.006, 1.20, at_most=True)
    assert Endpoint("deepseek", "", "deepseek-v4-flash").prices == prices


def test_no_cached_prompt_costs_more_than_a_new_one() -> None:
    known = [prices for spec in PROVIDERS.values() for prices in spec.prices.values()]
    assert known
    for prices in known:
        assert 0 <= prices.cached_input_usd <= prices.input_usd <= prices.output_usd


def test_deepseek_needs_nothing_but_its_key() -> None:
    found = endpoint("deepseek", api_key="sk-1")
    assert (found.base_url, found.model) == ("https://api.deepseek.com", "deepseek-flash")
    assert found.spec.structured == "json_object"


def test_configured_values_win() -> None:
    found = endpoint("openai", api_key="k", model="m", base_url="http://127.0.0.1:1/v1")
    assert (found.base_url, found.model) == ("http://127.0.0.1:1/v1", "m")


def test_a_local_endpoint_needs_no_key() -> None:
    assert endpoint("local", model="m", base_url="http://127.0.0.1:1/v1").api_key is None


def test_recorded_answers_need_no_address_no_model_and_no_key() -> None:
    assert endpoint("recorded") == Endpoint("recorded", "", "")
    assert endpoint("recorded", model="m", base_url="http://127.0.0.1:1").base_url == ""


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("deepseek", {}, "DEEPSEEK_API_KEY is missing"),
        ("deepseek", {"api_key": ""}, "DEEPSEEK_API_KEY is missing"),
        ("openai", {"api_key": "k"}, "llm.model is missing"),
        ("alive", {"api_key": "k", "model": "m"}, "llm.base_url is missing"),
        ("local", {"model": "m"}, "llm.base_url is missing"),
        ("local", {"model": "m", "base_url": "http://[::1"}, "which is not an address"),
        ("local", {"model": "m", "base_url": "http://127.0.0.1:x/"}, "which is not an address"),
        ("local", {"model": "m", "base_url": "http:///v1"}, "which is not an address"),
    ],
)
def test_what_is_missing_is_named(name: str, settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        endpoint(name, **settings)


def test_an_unknown_provider_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'deepseek'"):
        provider_spec("deepsek")
    with pytest.raises(ValueError, match=", ".join(PROVIDERS)):
        provider_spec("zzz")


def test_every_provider_is_reached_over_https_unless_the_user_names_another_address() -> None:
    addresses = [spec.base_url for spec in PROVIDERS.values() if spec.base_url]
    assert addresses
    assert all(address.startswith("https://") for address in addresses)


def test_the_key_is_not_in_the_repr() -> None:
    assert "sk-1" not in repr(endpoint("deepseek", api_key="sk-1"))


def test_a_host_is_told_without_what_else_an_address_holds() -> None:
    assert Endpoint("local", "http://me:secret@127.0.0.1:8080/v1", "m").host == "127.0.0.1:8080"


def test_the_last_form_that_is_tried_is_plain() -> None:
    assert [simpler(form) for form in FORMS] == ["json_object", "plain", "plain"]
