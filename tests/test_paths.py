"""Folders and files: where they lie, and whom they are open to."""

import os
import stat
from pathlib import Path

import pytest

from tui_trader import paths


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_home_variable_moves_both_folders(tmp_path: Path) -> None:
    environ = {"TUI_TRADER_HOME": str(tmp_path)}
    assert paths.config_folder(environ) == tmp_path
    assert paths.data_folder(environ) == tmp_path / "data"


def test_without_the_variable_the_platform_decides_and_nothing_is_created() -> None:
    config, data = paths.config_folder({}), paths.data_folder({})
    assert config != data
    assert config.name == data.name == "tui-trader"
    assert not config.exists()
    assert not data.exists()


def test_missing_folders_are_private_all_the_way_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = paths.private_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert mode_of(made) == mode_of(made.parent) == 0o700


def test_a_folder_that_can_not_be_made_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=paths.HOME_VARIABLE) as caught:
            paths.private_folder(path)
        assert str(path) in str(caught.value)


def test_a_folder_that_everybody_can_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError, match="everybody can write"):
        paths.private_folder(tmp_path)


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = tmp_path.stat().st_uid + 4321
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    with pytest.raises(PermissionError, match=f"not to you \\({stranger}\\)"):
        paths.private_folder(tmp_path)


def test_a_file_is_private_also_when_it_was_not(tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    loose.touch(0o644)
    for path in (loose, tmp_path / "new"):
        os.close(paths.private_file(path))
        assert mode_of(path) == 0o600


def test_profiles_of_two_modes_never_share_a_folder(tmp_path: Path) -> None:
    paper = paths.profile_folder(tmp_path, "paper", "main")
    live = paths.profile_folder(tmp_path, "live", "main")
    assert (paper.name, live.name) == ("paper-main", "live-main")
    assert mode_of(paper) == 0o700


@pytest.mark.parametrize("account", ["", "a/b", "a b", "../x", "é", "a\n", "x" * 65])
def test_an_account_that_is_no_plain_name_is_refused(tmp_path: Path, account: str) -> None:
    with pytest.raises(ValueError, match="can't name a folder"):
        paths.profile_folder(tmp_path, "paper", account)
    assert not list(tmp_path.iterdir())


def test_a_mode_with_a_hyphen_is_refused_because_it_could_meet_another_account(
    tmp_path: Path,
) -> None:
    with pytest.raises(ValueError, match="can't name a folder"):
        paths.profile_folder(tmp_path, "paper-a", "b")
