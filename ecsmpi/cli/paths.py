"""The default names of files that the commands write."""


def default_path(file, name, suffix):
    """The default name of a picture, beside the file that it shows: k.h5 -> k_NAMESUFFIX."""
    return file.with_name(f"{file.stem}_{name}{suffix}")
