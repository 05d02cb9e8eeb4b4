"""Commands speak Chinese, with the interface's words, unless QE_LANG or the locale asks for English."""

import ast
import gettext
import inspect
import re
import string
import subprocess
import sys
from ast import Call, Constant, Name
from pathlib import Path

import click
import pytest
from rich.cells import cell_len

import qe_ban
from qe_ban.audit.rules.findings import What
from qe_ban.cli import language, usage
from qe_ban.cli.root import cli
from qe_ban.message import Message, translate
from tests.cli.conftest import CLEAN, REPOSITORY, refused
from tests.factories.waits import HANG_TIMEOUT

CATALOGUE = language.DIRECTORY / "zh_CN" / "LC_MESSAGES"
CHINESE = re.compile("[\u4e00-\u9fff]")
SENTENCE = re.compile(r"(?:\b[A-Za-z]{2,} ){2}[A-Za-z]{2,}")
"""Three English words in a row."""
COMMAND = re.compile("`.*?`|qe-ban(?: [a-z-]+)+|[A-Z_]{2,}")
"""What a person types, and what stands for what they type."""
NO_LANGUAGE = dict.fromkeys(("QE_LANG", *language.LOCALE_VARIABLES), "")
NEVER_SHOWN = re.compile(
    "bash|shell|editor|windows|declar|decls|flag|stream|colou?r|format|DeprecationWarning|Confirm|Press|Choice"
    "|len_type|defined twice",
    re.IGNORECASE,
)
"""click's words on what none of our commands has."""


def run_process(*words, **env):
    """What a real process says: exit code, standard output, standard error."""
    result = subprocess.run(
        [sys.executable, "-m", "qe_ban.cli", *words],
        check=False, capture_output=True, text=True, encoding="utf-8", timeout=HANG_TIMEOUT, cwd="/",
        env=CLEAN | NO_LANGUAGE | {"PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1"} | env,
    )  # fmt: skip
    return result.returncode, result.stdout, result.stderr


@pytest.fixture
def catalogue():
    with (CATALOGUE / "qe-ban.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def commands(command=cli, path=("qe-ban",)):
    """Every command with the words that lead to it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name))


def help_of(path, command):
    return usage.in_language(command).get_help(usage.Context(usage.in_language(command), info_name=" ".join(path)))


def calls():
    """The English texts in the code: of `_(...)` and `Message(...)`."""
    for path in Path(qe_ban.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case Call(func=Name(id="_" | "Message"), args=[Constant(value=str(text)), *_rest]):
                    yield text


def helps():
    """The English texts of every help."""
    for _path, command in commands():
        yield inspect.cleandoc(command.help)
        yield from (option.help for option in command.params if isinstance(option, click.Option) and option.help)


def clicks():
    """click's own words."""
    for path in Path(click.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case Call(func=Name(id="_"), args=[Constant(value=str(text))]):
                    yield text
                case Call(func=Name(id="ngettext"), args=[Constant(value=str(one)), Constant(), _count]):
                    yield one


def fields(text):
    return {(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(text) if name}


def test_every_message_has_both_languages(catalogue):
    for text in {*calls(), *helps(), *map(str, What)}:
        chinese = catalogue.gettext(text)
        assert chinese != text or not re.search("[a-z]{2}", re.sub(r"\{.*?\}", "", text)), text
        assert not CHINESE.search(text), text
        assert not SENTENCE.search(COMMAND.sub("", chinese)), chinese


def test_a_translation_has_the_values_of_its_message(catalogue):
    for text in set(calls()):
        assert fields(catalogue.gettext(text)) == fields(text), text


def test_clicks_own_words_are_translated():
    language.speak(language.CHINESE)
    try:
        texts = {text for text in clicks() if len(text) > 1 and not NEVER_SHOWN.search(text)}
        missing = {text for text in texts if text == gettext.gettext(text) == gettext.ngettext(text, text, 2)}
    finally:
        language.speak(language.ENGLISH)
    assert not missing


def test_the_catalogue_is_compiled_from_its_source(catalogue):
    """`make messages` was run."""
    source = (CATALOGUE / "qe-ban.po").read_text("utf-8")
    pairs = re.findall(r'^msgid (".*")\n(?:msgid_plural ".*"\n)?msgstr(?:\[0\])? (".*")$', source, re.MULTILINE)
    source_texts = {ast.literal_eval(text): ast.literal_eval(chinese) for text, chinese in pairs if text != '""'}
    compiled_texts = {key if isinstance(key, str) else key[0]: text for key, text in catalogue._catalog.items() if key}
    assert compiled_texts == source_texts
    assert len(pairs) == source.count("\nmsgid "), "an entry of another form than one line each"


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda each: " ".join(each) if isinstance(each, tuple) else ""
)
def test_help_is_in_one_language(monkeypatch, path, command, chinese):
    text = help_of(path, command)
    assert CHINESE.search(text)
    assert not SENTENCE.search(COMMAND.sub("", text)), text
    assert max(cell_len(line) for line in text.splitlines() if "|" not in line) <= 100
    language.speak(language.ENGLISH)
    assert not CHINESE.search(help_of(path, command))


CODES = [
    ({}, "zh"),
    ({"QE_LANG": ""}, "zh"),
    ({"QE_LANG": "zh"}, "zh"),
    ({"QE_LANG": "en"}, "en"),
    ({"QE_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
    ({"QE_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
    ({"LC_ALL": "C"}, "zh"),
    ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, "zh"),
    ({"LANG": "C.UTF-8"}, "zh"),
    ({"LANG": "zh_CN.UTF-8"}, "zh"),
    ({"LANG": "de_DE.UTF-8"}, "zh"),
    ({"LANG": "en_US.UTF-8"}, "en"),
    ({"LANG": "en"}, "en"),
    ({"LC_MESSAGES": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
    ({"LC_ALL": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "en"),
    ({"LANGUAGE": "en_GB:zh_CN", "LANG": "zh_CN.UTF-8"}, "en"),
    ({"LANGUAGE": "zh_CN:en", "LANG": "en_US.UTF-8"}, "zh"),
]


@pytest.mark.parametrize(("env", "code"), CODES, ids=str)
def test_qe_lang_decides_and_then_the_locale(qe, env, code):
    refused(qe("up", "--port", "x", **NO_LANGUAGE | env), "Invalid value for" if code == "en" else "的值无效")


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ({}, "没有命令"),
        ({"LANG": "C.UTF-8"}, "没有命令"),
        ({"LANG": "en_US.UTF-8"}, "No such command"),
        ({"QE_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "没有命令"),
        ({"QE_LANG": "en", "LC_ALL": "C"}, "No such command"),
    ],
    ids=str,
)
def test_a_process_speaks_the_language_of_its_environment(env, text):
    code, out, line = run_process("nonsense", **env)
    assert (code, out, text in line, line.count("\n")) == (2, "", True, 1), line


@pytest.mark.parametrize("value", ["fr", "EN", "zh_CN", "en ", "1", "x" * 5000])
@pytest.mark.parametrize(("locale", "text"), [("en_US.UTF-8", "must be zh or en"), ("C", "必须是 zh 或 en")])
def test_another_language_is_one_line(qe, value, locale, text):
    refused(qe("up", "--help", **NO_LANGUAGE | {"QE_LANG": value, "LANG": locale}), text)


WRONG = [
    (("nonsense",), "No such command", "没有命令"),
    (("up", "--nonsense"), "No such option", "没有选项"),
    (("up", "--por", "1"), "Did you mean", "是否指"),
    (("up", "--port"), "requires an argument", "需要给出值"),
    (("up", "--port", "70000"), "is not in the range", "不在范围"),
    (("up", "--port", "x"), "is not a valid", "不是有效的数"),
    (("up", "extra"), "Got unexpected extra argument", "多余的参数"),
    (("staff", "disable"), "Missing argument", "缺少参数"),
    (("scanner", "token"), "Missing option", "缺少选项"),
    (("keys", "rotate", "x"), "is not one of", "之一"),
    (("items", "import", "/nowhere.csv"), "does not exist", "不存在"),
    (("items", "import", "/"), "is a directory", "是目录"),
    (("scanner", "token", "--key", "/nowhere"), "No such file or directory", "没有这个文件或目录"),
    (
        ("scanner", "enrol", "--server", "x", "--code", "x", "--label", "x", "--key", "/tmp/none"),
        "no address",
        "不是地址",
    ),
    (("keys", "list", "--home", "/nowhere"), "there is no home", "不是主目录"),
    (("vectors", "check", "/dev/null"), "not JSON", "不是 JSON"),
    (("worker",), "is missing", "缺少 "),
    (("up", "--home", "/proc/none"), "is missing", "缺少 "),
]


@pytest.mark.parametrize(("words", "english", "chinese_"), WRONG, ids=str)
def test_what_is_wrong_is_said_in_one_language(qe, words, english, chinese_):
    for code, text in (("en", english), ("zh", chinese_)):
        result = qe(*words, QE_LANG=code)
        lines = result.stderr
        assert (result.exit_code, result.stdout) == (2, "")
        assert all(line.startswith("qe-ban: ") for line in lines.splitlines()), lines
        assert text in lines
        assert bool(CHINESE.search(lines)) == (code == "zh"), lines


def test_a_message_is_english_until_it_is_said(chinese):
    inner = Message("the master key")
    message = Message("{meaning} must be 32 random bytes in base64", meaning=inner)
    assert message == "the master key must be 32 random bytes in base64"
    assert message.translation() == "主密钥必须是 base64 编码的 32 个随机字节"
    assert translate("the master key") == "the master key"


def test_braces_in_values_stay_as_they_are(chinese):
    assert Message("{name} is missing", name="{x}").translation() == "缺少 {x}"
    assert Message("No such thing {x}").translation() == "No such thing {x}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("一二三四五", ["一二三四五"]),
        ("一二三四五六", ["一二三四五", "六"]),
        ("一二三四五，六", ["一二三四", "五，六"]),
        ("one two three", ["one two", "three"]),
        ("到 127.0.0.1:8000 去", ["到", "127.0.0.1:8000", "去"]),
        ("一二三四（五）", ["一二三四", "（五）"]),
    ],
)
def test_help_is_broken_by_columns(text, lines):
    assert usage.wrap(text, 10) == lines
