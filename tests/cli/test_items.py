"""`qe-ban items`: files in and out at a shell, with lines for who waits and codes for who scripts."""

import base64
import re

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from qe_ban.audit.models import AuditEvent
from qe_ban.cli.progress import Progress
from qe_ban.items.service import importing
from qe_ban.jobs import service as jobs
from tests.cli.conftest import refused
from tests.factories.sheets import CODE, csv_file, row, xlsx_file

pytestmark = pytest.mark.usefixtures("chinese")


@pytest.fixture
def env(settings, database):
    key = base64.b64encode(settings.master_key).decode()
    return {"QE_DATABASE_URL": settings.database_url, "QE_MASTER_KEY": key}


@pytest.fixture
def file(tmp_path):
    def make(data, name="items.csv"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return make


def test_a_file_is_imported_and_the_counts_are_told(qe, env, file):
    rows = [row(), row()]
    result = qe("items", "import", file(csv_file(rows)), **env)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "新增 2，变更 0，未变 0，重新启用 0，终止 0，跳过 0\n"
    phases = [line.rstrip("0123456789/ ") for line in result.stderr.splitlines()]
    assert list(dict.fromkeys(phases)) == ["正在读取文件", "正在核对各行", "正在与现有事项比对", "正在写入事项"]
    assert "正在写入事项 2/2" in result.stderr
    again = qe("items", "import", file(xlsx_file(items=rows), "items.XLSX"), **env)
    assert again.stdout.startswith("新增 0，变更 0，未变 2")


def test_a_file_that_is_wrong_ends_with_its_first_faults(qe, env, file):
    rows = [row(), *(row(办件类型="马上办") for _ in range(25))]
    result = qe("items", "import", file(xlsx_file(items=rows), "items.xlsx"), **env)
    lines = [line for line in result.stderr.splitlines() if line.startswith("qe-ban: ")]
    assert result.exit_code == 2
    assert "25 处错误" in lines[0]
    assert lines[1].startswith("qe-ban: 事项 第3行 “办件类型” “马上办”不在可选范围内")
    assert lines[-1] == "qe-ban: 另有 5 处问题"
    assert len(lines) == 22
    assert "Traceback" not in result.output


def test_what_is_wrong_can_be_skipped(qe, env, file):
    data = csv_file([row(), row(办件类型="马上办")])
    result = qe("items", "import", file(data), "--skip-invalid", **env)
    assert (result.exit_code, "新增 1" in result.stdout, "跳过 1" in result.stdout) == (0, True, True)
    assert "第3行 “办件类型”" in result.stderr


def test_a_dry_run_changes_nothing(qe, env, file):
    data = file(csv_file([row()]))
    for _ in range(2):
        lines = qe("items", "import", data, "--dry-run", **env).stdout.splitlines()
        assert lines[0].startswith("新增 1")
        assert lines[1:] == ["这是试运行，没有更改任何内容；正式导入可以进行"]


def test_a_dry_run_says_why_the_real_one_would_be_refused(qe, env, file):
    result = qe("items", "import", file(csv_file([row(), row(办件类型="马上办")])), "--dry-run", **env)
    assert (result.exit_code, result.stdout.splitlines()[1]) == (
        0, "这是试运行，没有更改任何内容；正式导入会被拒绝：文件有 1 处错误",
    )  # fmt: skip
    assert "第3行 “办件类型”" in result.stderr


def test_missing_ones_end_within_bounds(qe, env, file):
    rows = [row()]
    rows += [row(agency=rows[0]["实施主体编码"]) for _ in range(2)]
    qe("items", "import", file(csv_file(rows)), **env)
    one = file(csv_file(rows[:1]))
    assert "将终止 2 个事项" in qe("items", "import", one, "--end-missing", **env).stderr
    result = qe("items", "import", one, "--end-missing", "--at-most", "2", **env)
    assert "终止 2" in result.stdout
    assert "正在终止缺失的事项 2/2" in result.stderr


def test_an_interrupted_import_says_how_to_go_on_and_goes_on(qe, env, file, database, monkeypatch):
    rows = [row() for _ in range(3)]
    show, phases = Progress.show, []

    def interrupting(self, view):
        phases.append(view.phase)
        if view.phase == "comparing":
            raise KeyboardInterrupt
        show(self, view)

    monkeypatch.setattr(Progress, "show", interrupting)
    result = qe("items", "import", file(csv_file(rows)), **env)
    assert result.exit_code == 130
    job = re.search(r"qe-ban items import --resume ([0-9a-f-]{36})", result.stderr)[1]
    monkeypatch.setattr(Progress, "show", show)
    resumption = qe("items", "import", "--resume", job, **env)
    assert resumption.stdout.startswith("新增 3")
    with database.transaction() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.subject == job)).all()
    assert "jobs.resume" in [event.action for event in events]
    assert {event.actor_id for event in events} == {None}
    refused(qe("items", "import", "--resume", job, **env), "任务已经完成")


def test_an_export_is_imported_without_a_change_and_overwrites_nothing(qe, env, file, tmp_path):
    one = row()
    qe("items", "import", file(csv_file([one])), **env)
    for name in ("all.csv", "all.xlsx"):
        assert qe("items", "export", tmp_path / name, **env).exit_code == 0
    assert one[CODE] in (tmp_path / "all.csv").read_text("utf-8-sig")
    output = qe("items", "import", tmp_path / "all.csv", "--dry-run", **env).stdout
    assert output.startswith("新增 0，变更 0，未变 ")
    refused(qe("items", "export", tmp_path / "all.csv", **env), "文件已存在")


def test_the_template_needs_no_installation(qe, tmp_path):
    assert qe("items", "template", tmp_path / "t.xlsx").exit_code == 0
    assert load_workbook(tmp_path / "t.xlsx").sheetnames[0] == "事项"
    assert qe("items", "template", tmp_path / "t.csv", "--table", "fees").exit_code == 0
    assert "收费项目名称" in (tmp_path / "t.csv").read_text("utf-8-sig")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("import",), "请给出 FILE"),
        (("import", "FILE", "--resume", "x"), "请给出 FILE"),
        (("import", "--resume", "x"), "没有这个任务"),
        (("import", "--resume", "01998c00-0000-7000-8000-000000000001"), "没有这个任务"),
        (("import", "--resume", "01998c00-0000-7000-8000-000000000001", "--dry-run"), "不能再带其他选项"),
        (("import", "FILE", "--at-most", "3"), "--end-missing"),
        (("import", "FILE", "--end-missing", "--at-most", "-3"), "-3"),
        (("import", "/nonexistent.csv"), "/nonexistent.csv"),
        (("export", "items.xls"), "必须是 .csv 或 .xlsx"),
        (("export", "items.xlsx", "--table", "items"), "--table 只用于 .csv"),
        (("export", "items.csv", "--table", "people"), "people"),
    ],
)
def test_what_cannot_be_done_is_one_line(qe, env, file, words, text):
    path = file(csv_file([row()]))
    refused(qe("items", *(path if word == "FILE" else word for word in words), **env), text)


@pytest.mark.parametrize("name", ["items.xls", "items.xlsm", "items.txt", "items"])
def test_files_of_other_kinds_are_refused_with_advice(qe, env, file, name):
    refused(qe("items", "import", file(b"x", name), **env), "必须是 .csv 或 .xlsx")


def test_a_file_that_is_not_what_it_is_called(qe, env, file):
    refused(qe("items", "import", file(b"a,b", "items.xlsx"), **env), "这不是 XLSX 文件")


def test_an_import_at_a_shell_is_nobodys_and_the_citys(qe, env, file, database):
    qe("items", "import", file(csv_file([row(), row(所属区划="崂山区")])), **env)
    with database.transaction() as session:
        last = session.query(importing.Import).order_by(importing.Import.job_id.desc()).first()
    assert (last.imported_by, last.district, last.department) == (None, None, None)


def test_on_a_terminal_there_is_a_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    view = jobs.JobView(
        *[None] * 2, jobs.JobState.RUNNING, "applying", 5, 10, 50, {}, *[None] * 4,
    )  # fmt: skip
    with Progress() as progress:
        progress.show(view)
    assert "正在写入事项" in capsys.readouterr().err


def test_who_waits_for_another_import_is_told_so(capsys):
    waiting, reading = (
        jobs.JobView(*[None] * 2, state, "", 0, None, None, {}, *[None] * 4)
        for state in (jobs.JobState.QUEUED, jobs.JobState.RUNNING)
    )
    with Progress() as progress:
        for view in (waiting, waiting, waiting, reading):
            progress.show(view)
    assert capsys.readouterr().err.split() == ["正在读取文件", "等待另一个导入完成", "正在读取文件"]
