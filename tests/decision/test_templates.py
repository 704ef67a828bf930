"""Templates: nothing in them runs, a broken one is never used, and an edit is taken whole."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trader.decision.templates import (
    PLACEHOLDERS,
    Template,
    TemplateError,
    TemplateFile,
    default_template,
    packaged_text,
    parse_template,
)

WORDS = "Act: {{actions}}\nLimits: {{limits}}\nForm: {{output_format}}\nPlan: {{strategy}}\n"
VALUES = {name: f"<{name}>" for name in PLACEHOLDERS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    return folder


def write(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    return path


def parse(text: str) -> Template:
    return parse_template("mine", text.encode(), "mine.md")


# --- an edit while the agent runs -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("", "{{actions}} is missing"),
        (WORDS[:20], "{{limits}} is missing"),
        (WORDS.replace("{{limits}}", "{{limist}}"), "line 2: unknown placeholder {{limist}}"),
    ],
)
def test_a_broken_edit_leaves_the_last_good_one_in_use_and_says_so_once(
    folder: Path, broken: str, problem: str
) -> None:
    path = write(folder, WORDS)
    template = TemplateFile("mine", folder)
    good = template.current().template
    path.write_text(broken)
    loaded = template.current()
    assert loaded.template is good
    assert loaded.news is None
    assert loaded.problem is not None
    assert str(path) in loaded.problem
    assert problem in loaded.problem
    assert loaded.problem.endswith(f"; {good.id} stays in use")
    again = template.current()
    assert (again.template, again.news, again.problem) == (good, None, None)


def test_a_good_edit_is_used_and_acknowledged_once(folder: Path) -> None:
    path = write(folder, f"version: 1\n{WORDS}")
    template = TemplateFile("mine", folder)
    before = template.current()
    assert (before.news, before.problem) == (None, None)
    path.write_text(f"version: 2\n{WORDS}Be calm.")
    loaded = template.current()
    assert loaded.template.text.endswith("Be calm.")
    assert loaded.problem is None
    assert loaded.news == (
        f"the prompt's template is now mine@2 ({loaded.template.sha256[:8]}),"
        f" no longer mine@1 ({before.template.sha256[:8]})"
    )
    again = template.current()
    assert (again.template, again.news, again.problem) == (loaded.template, None, None)


def test_every_save_of_a_broken_file_is_answered_and_its_mending_too(folder: Path) -> None:
    path = write(folder, WORDS)
    template = TemplateFile("mine", folder)
    for broken in ("{{actions}", "{{actions}}  "):
        path.write_text(broken)
        assert template.current().problem is not None
        assert template.current().problem is None
    path.write_text(WORDS)
    loaded = template.current()
    assert loaded.news == f"template {loaded.template.id} reads well again"
    assert template.current().news is None


def test_a_file_that_is_gone_leaves_the_last_good_one_in_use(folder: Path) -> None:
    path = write(folder, WORDS)
    template = TemplateFile("mine", folder)
    path.unlink()
    loaded = template.current()
    assert loaded.template.text == WORDS.strip()
    assert loaded.problem is not None
    assert "there is no" in loaded.problem
    assert template.current().problem is None
    path.write_text(f"{WORDS}More.")
    assert template.current().template.text.endswith("More.")


def test_a_file_that_was_only_touched_is_no_news(folder: Path) -> None:
    path = write(folder, WORDS)
    template = TemplateFile("mine", folder)
    os.utime(path, ns=(1, 1))
    assert template.current().news is None
    path.write_text(WORDS.replace("Act", "Do "))
    os.utime(path, ns=(2, 2))
    assert template.current().news is not None


def test_an_edit_that_leaves_the_version_as_it_was_is_still_told_apart(folder: Path) -> None:
    path = write(folder, f"version: 1\n{WORDS}")
    template = TemplateFile("mine", folder)
    path.write_text(f"version: 1\n{WORDS}More.")
    news = template.current().news
    assert news is not None
    assert len(set(news.split("(")[1:])) == 2


# --- at the start ---------------------------------------------------------------------------------


def test_a_template_that_is_missing_at_the_start_names_those_that_there_are(folder: Path) -> None:
    write(folder, WORDS, "calm")
    with pytest.raises(ValueError, match=r"there is no .*mine\.md.*: default, calm$"):
        TemplateFile("mine", folder)
    with pytest.raises(ValueError, match=r"there is no .*: default$"):
        TemplateFile("mine", folder / "nowhere")


def test_a_template_that_is_broken_at_the_start_is_refused(folder: Path) -> None:
    write(folder, "Just buy.")
    with pytest.raises(ValueError, match=r"the placeholder {{actions}} is missing: write it"):
        TemplateFile("mine", folder)


@pytest.mark.parametrize("name", ["../secrets", "a/b", "", "x" * 33, "mine.md", "mine\0"])
def test_a_name_is_no_path(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a name is up to 32"):
        TemplateFile(name, folder)


def test_what_is_no_file_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "mine.md")
    with pytest.raises(ValueError, match="is not a file"):
        TemplateFile("mine", folder)


def test_the_default_needs_no_folder_and_nothing_may_pass_for_it(folder: Path) -> None:
    loaded = TemplateFile("default", folder / "nowhere").current()
    assert loaded.template == default_template()
    write(folder, WORDS, "default")
    with pytest.raises(ValueError, match="is never read"):
        TemplateFile("default", folder)


def test_the_packaged_text_is_a_starting_point(folder: Path) -> None:
    write(folder, packaged_text())
    assert TemplateFile("mine", folder).current().template.text == default_template().text


def test_the_packaged_template_has_a_new_version_when_it_has_a_new_text() -> None:
    """A record says `default@1`: the next text is another version, and another hash here."""
    digest = "c6cfc64e82b12672b94f425f84aa8b2d01117a27600810d1133add148dd55f7c"
    assert (default_template().id, default_template().sha256) == ("default@1", digest)


# --- the language ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{action}}", "line 1: unknown placeholder {{action}}; nearest known: {{actions}}"),
        ("\n{{xyz}}", "line 2: unknown placeholder {{xyz}}; known: {{actions}}, {{idle}}"),
        ("{{actions.__class__}}", "unknown placeholder {{actions.__class__}}"),
        ("{{actions!r}}", "unknown placeholder"),
        ("{{}}", "unknown placeholder {{}}"),
        ("{{actions", "line 1: '{{' begins a placeholder, but no '}}' ends it; nearest known"),
        ("{{actions\n}}", "line 1: '{{' begins a placeholder"),
        ("{{{actions}}}", "line 1: '{{' begins a placeholder"),
        (f"{WORDS}{{{{strategy}}}}", "line 5: {{strategy}} stands there for the second time"),
        ("version: \n", "line 1: a version is up to 16"),
        ("a\nb\x00c", "line 2: control character U+0000: delete it"),
        (WORDS + "x" * 16_384, "is larger than 16384 bytes"),
        (WORDS.replace("{{output_format}}", ""), "the placeholder {{output_format}} is missing"),
    ],
)
def test_a_mistake_is_named_with_its_file_its_line_and_the_remedy(text: str, problem: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(text)
    assert str(caught.value).startswith("mine.md")
    assert problem in str(caught.value)


def test_bytes_that_are_no_text_are_named_by_their_line() -> None:
    with pytest.raises(TemplateError, match=r"mine\.md, line 3: not UTF-8"):
        parse_template("mine", b"a\nb\n\xff", "mine.md")


def test_placeholders_are_filled_once_and_everything_else_stays() -> None:
    text = "{0} {x} %s $y {{ actions }} }} {{limits}}{{idle}}{{idle}}{{output_format}}{{strategy}}"
    filled = parse(text).fill(VALUES | {"strategy": "{{actions}} \\1"})
    assert filled == "{0} {x} %s $y <actions> }} <limits><idle><idle><output_format>{{actions}} \\1"


@given(st.text())
def test_any_text_is_a_template_or_a_template_error(text: str) -> None:
    for attempt in (text, WORDS + text):
        try:
            parsed = parse_template("mine", attempt.encode(errors="surrogatepass"), "mine.md")
        except TemplateError:
            continue
        assert "<actions>" in parsed.fill(VALUES)


def test_line_ends_and_a_byte_order_mark_are_no_difference_to_the_text() -> None:
    windows = parse_template(
        "mine", b"\xef\xbb\xbf" + f"version: 3\n{WORDS}".replace("\n", "\r\n").encode(), "mine.md"
    )
    assert windows.text == parse(WORDS).text
    assert windows.id == "mine@3"


def test_the_hash_is_that_of_the_file_and_names_what_has_no_version() -> None:
    digest = hashlib.sha256(WORDS.encode()).hexdigest()
    assert parse(WORDS).sha256 == digest
    assert parse(WORDS).id == f"mine@{digest[:8]}"
