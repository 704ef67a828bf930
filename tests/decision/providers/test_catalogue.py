import pytest

from tui_trader.decision.providers import PROVIDERS, endpoint, provider_spec


def test_deepseek_needs_nothing_but_its_key() -> None:
    found = endpoint("deepseek", api_key="sk-1")
    assert (found.base_url, found.model) == ("https://api.deepseek.com", "deepseek-chat")
    assert found.json_mode


def test_configured_values_win() -> None:
    found = endpoint("openai", api_key="k", model="m", base_url="http://127.0.0.1:1/v1")
    assert (found.base_url, found.model) == ("http://127.0.0.1:1/v1", "m")


def test_a_local_endpoint_needs_no_key() -> None:
    assert endpoint("local", model="m", base_url="http://127.0.0.1:1/v1").api_key is None


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("deepseek", {}, "DEEPSEEK_API_KEY is missing"),
        ("deepseek", {"api_key": ""}, "DEEPSEEK_API_KEY is missing"),
        ("openai", {"api_key": "k"}, "llm.model is missing"),
        ("alive", {"api_key": "k", "model": "m"}, "llm.base_url is missing"),
        ("local", {"model": "m"}, "llm.base_url is missing"),
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


def test_the_key_is_not_in_the_repr() -> None:
    assert "sk-1" not in repr(endpoint("deepseek", api_key="sk-1"))
