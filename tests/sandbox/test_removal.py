import os

from harness.sandbox.child.removal import empty_folder


def test_a_tree_deeper_than_any_path_is_removed(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d" * 20, dir_fd=here)
        inner = os.open("d" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    empty_folder(folder)
    assert list(folder.iterdir()) == []


def test_links_are_removed_and_not_followed(tmp_path):
    kept, folder = tmp_path / "kept", tmp_path / "scratch"
    kept.mkdir()
    folder.mkdir()
    (kept / "file").write_text("still here")
    (folder / "to_folder").symlink_to(kept, target_is_directory=True)
    (folder / "to_file").hardlink_to(kept / "file")
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    empty_folder(folder)
    assert list(folder.iterdir()) == []
    assert (kept / "file").read_text() == "still here"


def test_folders_that_nobody_may_enter_and_special_files_are_removed(tmp_path):
    (tmp_path / "closed" / "inner").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    os.mkfifo(tmp_path / "pipe")
    empty_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_what_a_user_owns_is_removed_where_one_is_named(tmp_path):
    (tmp_path / "ours").write_text("")
    empty_folder(tmp_path, owner=os.getuid() + 1)
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]
    empty_folder(tmp_path, owner=os.getuid())
    assert list(tmp_path.iterdir()) == []
