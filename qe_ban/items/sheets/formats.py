"""What a file is by its content, whatever its name: each other format is named, with the way out of it."""

from typing import BinaryIO, Final

from qe_ban.items.errors import FileInvalid

ADVICE: Final = "请用 Excel 或 WPS 打开后另存为 .xlsx 再上传"
_LOOKED_AT: Final = 64 << 10
"""So many bytes at the beginning and at the end: a ZIP file's names stand at its end, an OLE file's wherever."""
_ZIP, _ZIP_END, _OLE = b"PK\x03\x04", b"PK\x05\x06", bytes.fromhex("d0cf11e0a1b11ae1")
_IN_ZIP: Final = (
    (b"opendocument.spreadsheet", "OpenDocument 表格（.ods）"),
    (b"opendocument.", "OpenDocument 文档"),
    (b"xl/workbook.bin", "二进制工作簿（.xlsb）"),
    (b"index/document.iwa", "Numbers 表格（.numbers）"),
    (b"index.zip", "Numbers 表格（.numbers）"),
    (b"word/document.xml", "Word 文档（.docx）"),
    (b"ppt/presentation.xml", "PowerPoint 文档（.pptx）"),
)
_BEGINNINGS: Final = (
    (b"%pdf-", "PDF 文件"),
    (b"{\\rtf", "RTF 文档"),
    (b"\x1f\x8b", "压缩文件（.gz）"),
    (b"7z\xbc\xaf\x27\x1c", "压缩文件（.7z）"),
    (b"rar!", "压缩文件（.rar）"),
    (b"\x89png", "图片"),
    (b"\xff\xd8\xff", "图片"),
)
_MARKUP: Final = (b"<html", b"<!doctype html", b"<table", b"<head", b"<meta", b"<body", b"<style", b"<div")


def sniff(file: BinaryIO, kind: str) -> None:
    """Look at a file from its beginning and leave it there. Raises FileInvalid where it is no `csv` or `xlsx` file."""
    file.seek(0)
    head = file.read(_LOOKED_AT)
    size = file.seek(0, 2)
    file.seek(max(0, size - _LOOKED_AT))
    text = (head + file.read(_LOOKED_AT)).lower()
    file.seek(0)
    if not head:
        raise FileInvalid("文件是空的")
    if head.startswith(_OLE):
        raise FileInvalid(_ole(text))
    if head.startswith((_ZIP, _ZIP_END)):
        _require_workbook(text, kind)
        return
    _require_no_other(head, text)
    if kind == "xlsx":
        raise FileInvalid(f"这不是 XLSX 文件；{ADVICE}，或按 CSV 上传")


def _ole(text: bytes) -> str:
    if _wide("EncryptedPackage") in text:
        return f"文件加了密码；请取消密码，{ADVICE[1:]}"
    if _wide("WordDocument") in text:
        return f"这是 Word 文档（.doc），不是表格；{ADVICE}"
    if _wide("Workbook") in text:
        return f"这是旧版 .xls 文件；{ADVICE}"
    return f"这是旧版 .xls 文件，或加了密码的文件；请取消密码，{ADVICE[1:]}"


def _require_workbook(text: bytes, kind: str) -> None:
    for name, kind_name in _IN_ZIP:
        if name in text:
            raise FileInvalid(f"这是{kind_name}，不能直接导入；{ADVICE}")
    if _ZIP_END.lower() in text and b"[content_types].xml" not in text:
        raise FileInvalid("这是压缩文件（.zip），不是表格；请解压后上传其中的 .xlsx 或 .csv 文件")
    if kind == "csv":
        raise FileInvalid("这不是 CSV 文件，看来是 XLSX 文件；请按 XLSX 上传")


def _require_no_other(head: bytes, text: bytes) -> None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:512].lower()
    for beginning, kind_name in _BEGINNINGS:
        if start.startswith(beginning):
            raise FileInvalid(f"这是{kind_name}，不是表格；请上传 .xlsx 或 .csv 文件")
    if start.startswith(b"<?xml") and b"urn:schemas-microsoft-com:office:spreadsheet" in text:
        raise FileInvalid(f"这是“XML 表格 2003”文件；{ADVICE}")
    if start.startswith(_MARKUP) or (start.startswith(b"<?xml") and b"<html" in text):
        raise FileInvalid(f"这是网页（HTML）文件，只是扩展名像表格，不是 XLSX 或 CSV；{ADVICE}")


def _wide(name: str) -> bytes:
    return name.lower().encode("utf-16-le")
