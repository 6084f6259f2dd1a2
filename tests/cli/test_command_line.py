"""What `ecsmpi` prints of its own words: help, usage, examples."""

import os
import shlex
import subprocess
import sys

from ecsmpi.cli import command_parser, main
from ecsmpi.cli.command_parser import subcommands
import pytest

from support.frames import write

WITHOUT_EXAMPLES = {"ecsmpi view"}


def parsers(parser=None):
    """Every parser of the command line, those that have subcommands included."""
    parser = parser or command_parser()
    yield parser
    for _, below in subcommands(parser):
        yield from parsers(below)


def leaves():
    return [parser for parser in parsers() if not any(True for _ in subcommands(parser))]


def examples(parser):
    """The words of each example of a parser, without those of the launcher."""
    text = (parser.epilog or "").removeprefix("examples:").removeprefix("example:")
    for line in text.splitlines():
        words = shlex.split(line)
        yield words[words.index("ecsmpi") + 1 :]


@pytest.mark.parametrize("words", [[], ["bench"]])
def test_a_command_alone_prints_its_help(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert told.out.startswith(" ".join(["usage: ecsmpi", *words]))
    assert "example: ecsmpi " in told.out


@pytest.mark.parametrize("words", [[], ["run", "--help"]])
def test_under_mpirun_rank_0_alone_prints_help(words, capsys, monkeypatch):
    printed = []
    for rank in "01":
        monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
        monkeypatch.setenv("OMPI_COMM_WORLD_RANK", rank)
        with pytest.raises(SystemExit):
            main(words)
        printed.append(capsys.readouterr().out)
    assert printed[0].startswith("usage: ") and printed[1] == ""


@pytest.mark.parametrize(
    "words, usage, nearest",
    [
        (["run", "x.py", "--outptu", "f"], "[mpirun -n P] ecsmpi run SCRIPT", "--output"),
        (["info", "f", "--axsi"], "ecsmpi info [-h] file", None),
        (["bench", "kernel", "--reproducable"], "ecsmpi bench kernel [-h]", "--reproducible"),
        (["doctor", "now"], "ecsmpi doctor [-h]", None),
    ],
)
def test_an_unknown_word_prints_the_usage_of_its_command(words, usage, nearest, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"usage: {usage}")
    assert "unrecognized arguments: " in told
    assert told.rstrip().endswith(f"did you mean {nearest}?") == (nearest is not None)


def test_every_command_shows_an_example_of_its_own():
    without = {parser.prog for parser in leaves() if not list(examples(parser))}
    assert without <= WITHOUT_EXAMPLES
    for parser in leaves():
        for words in examples(parser):
            assert command_parser().parse_args(words).parser.prog == parser.prog


@pytest.mark.parametrize("words, status", [(["info", "k.h5"], 141), (["run", "--help"], 0)])
def test_a_reader_that_leaves_early_is_no_error(words, status, tmp_path):
    write(tmp_path / "k.h5")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from ecsmpi.cli import main; sys.exit(main())",
            *words,
        ],
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (status, "")
