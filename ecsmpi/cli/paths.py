"""Paths that the commands write: their default names, and whether they can be written."""


def default_path(file, name, suffix):
    """The default name of a picture, beside the file that it shows: k.h5 -> k_NAMESUFFIX."""
    return file.with_name(f"{file.stem}_{name}{suffix}")


def check_folder(path):
    """Raise OSError where the folder of a file to write is missing."""
    if not path.parent.is_dir():
        raise OSError(f"cannot write {path}: there is no folder {path.parent}; create it first")
