"""Writes the Chinese document for makers of clients out of the API document: docs/interface.zh-CN.md.

The Chinese of an operation stands at its route (`summary_zh`), that of a field at its schema, that of an error at its
class; here is only what joins them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from qe_ban.web import components
from qe_ban.web.document import METHODS

Node = Mapping[str, Any]

_HEAD: Final = """# 接口说明（供客户端开发者）

<!-- 由 `make interface` 生成，请勿手工修改：操作的中文说明写在路由上（summary_zh），字段的写在各自的 schema 上。 -->

机器可读的完整描述是 `GET /api/v1/openapi.json`（OpenAPI 3.1）；调用顺序、示例和终端如何显示，见英文的
[interface.md](interface.md)。

## 通用约定

- 请求和回答都是 UTF-8 编码的 JSON，请求须带 `Content-Type` 和 `Content-Length`。未知的字段和参数一律拒绝。
- 时间为 RFC 3339 格式的世界时；编号是不透明的文本。列表为 `{"items": [...], "next": 翻页标记或 null}`。
- 需要登录的操作带 `Authorization: Bearer 访问令牌`；“须人脸核验”的操作先调用 `POST /auth/step-up`。
- 出错时回答 `application/problem+json`：程序按 `code` 判断，向用户显示 `detail`，`errors` 指出有误的字段。
- 429 和 503 带 `Retry-After`（秒），请等待后再试。
- 修改须带 `If-Match`（取自读取时的 `ETag`），新建须带 `If-None-Match: *`；读取带 `If-None-Match` 可得 304。

## 今后的变化

不另行通知就可能增加的：回答中的字段、响应头、可选的请求字段和参数、新的操作，以及下列“可增加的取值”（如核验结果的
`reason`、状态、种类、区块类型、错误码）。请忽略不认识的字段；不认识的 `reason` 一律按不通过处理；不认识的区块不显示；
不认识的错误码按 HTTP 状态码处理。

不会改变的：已有字段的名称、类型和含义，已有取值的含义，已有操作的地址和方法，必填项不会增加。需要改变时另立 `/api/v2`。
"""
_OF_ANY_BODY: Final = ("411", "413", "415")
"""Problems of the transfer, which say nothing of the operation."""
_METHOD_ORDER: Final = {method: number for number, method in enumerate(METHODS)}


def write(document: Node, errors: Iterable[tuple[int, str, str]], reasons: Mapping[str, str]) -> str:
    """Return the document; `errors`: status, code and Chinese detail; `reasons`: what a verdict's words mean."""
    parts = [_HEAD]
    for tag in document["tags"]:
        operations = list(_operations(document, tag["name"]))
        if operations:
            parts.append(f"\n## {tag['description']}（{tag['name']}）\n")
            parts += [_operation(document, *one) for one in operations]
    parts.append(_vocabularies(document, reasons))
    parts.append("\n## 错误码\n\n| 状态 | code | 含义 |\n|---|---|---|\n")
    parts += [f"| {status} | `{code}` | {detail} |\n" for status, code, detail in errors]
    return "".join(parts)


def _operations(document: Node, tag: str) -> Iterator[tuple[str, str, Node]]:
    for path, operations in document["paths"].items():
        for method in sorted((one for one in operations if one in METHODS), key=_METHOD_ORDER.__getitem__):
            if operations[method]["tags"] == [tag]:
                yield method, path, operations[method]


def _operation(document: Node, method: str, path: str, operation: Node) -> str:
    lines = [
        f"\n### `{method.upper()} {path}`\n",
        f"{operation['description'].partition(chr(10))[0]}\n",
        f"- {_access(operation)}",
        *_parameters(document, operation),
    ]
    for content_type, media in operation.get("requestBody", {}).get("content", {}).items():
        lines.append(f"- 请求内容 `{content_type}`：{_type(media['schema'])}")
    lines += [*_body_fields(document, operation), *_answers(operation), f"- 错误：{_failures(operation)}"]
    return "\n".join(lines) + "\n"


def _access(operation: Node) -> str:
    """Return what a caller needs: a scope, and whether a fresh proof of presence."""
    scopes = [scope for scheme in operation["security"] for scope in scheme.get("bearer", ())]
    scope = f"权限 `{scopes[0]}`" if scopes else "无须登录"
    step_up = str(operation.get("x-step-up", ""))
    age = f"（{step_up} 内）" if step_up.endswith(" s") else ""
    return f"{scope}{f'；须人脸核验{age}' if step_up else ''}"


def _parameters(document: Node, operation: Node) -> Iterator[str]:
    for node in operation.get("parameters", ()):
        parameter = _resolve(document, node)
        is_required = parameter.get("required", False)
        yield f"- 参数 {_field(parameter['name'], parameter['schema'], is_required=is_required)}"


def _answers(operation: Node) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            content = answer.get("content", {})
            types = [f"`{content_type}` {_type(media.get('schema', {}))}" for content_type, media in content.items()]
            yield f"- 回答 {status}：{'、'.join(types) or '无内容'}"


def _failures(operation: Node) -> str:
    return "；".join(
        f"{status} {'、'.join(f'`{code}`' for code in codes)}"
        for status, codes in operation.get("x-error-codes", {}).items()
        if status not in _OF_ANY_BODY
    )


def _body_fields(document: Node, operation: Node) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        schema = _resolve(document, content["application/json"]["schema"])
        for shape in schema.get("oneOf", [schema]):
            target = _resolve(document, shape)
            if "oneOf" in schema:
                yield f"  - {_type(shape)}："
            indent = "    " if "oneOf" in schema else "  "
            for name, field in target.get("properties", {}).items():
                yield f"{indent}- {_field(name, field, is_required=name in target.get('required', ()))}"


def _field(name: str, schema: Node, *, is_required: bool) -> str:
    meaning = schema.get("description", "")
    chinese = meaning if any("\u4e00" <= char <= "\u9fff" for char in meaning) else ""
    return f"`{name}` {_type(schema)}{'，必填' if is_required else ''}{f'：{chinese}' if chinese else ''}"


def _type(schema: Node) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _KINDS.get(name, f"`{name}`")
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " 或 ".join(_type(one) for one in schema[union])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"{_type(schema.get('items', {}))} 的列表"
    return _json_type(schema)


def _json_type(schema: Node) -> str:
    types: str | list[str] = schema.get("type", "任意")
    names = [_KINDS.get(name, name) for name in (types if isinstance(types, list) else [types])]
    return " 或 ".join("文件" if schema.get("format") == "binary" else name for name in names)


_KINDS: Final = {
    "string": "文本",
    "integer": "整数",
    "number": "数字",
    "boolean": "真假",
    "object": "对象",
    "null": "null",
    "Line": "文本",
    "Lines": "多行文本",
    "Id": "编号",
    "Cursor": "翻页标记",
    "Slug": "代号",
    "DistrictCode": "区划代码",
    "DepartmentCode": "统一社会信用代码",
    "Date": "日期",
    "Colour": "颜色",
    "PictureDigest": "图片编号",
    "ItemCode": "事项编码",
}
"""Types of JSON, and the components that only say what a text looks like."""


def _vocabularies(document: Node, reasons: Mapping[str, str]) -> str:
    lines = ["\n## 可增加的取值\n", "| 名称 | 目前的取值 |", "|---|---|"]
    for name, schema in document["components"]["schemas"].items():
        if components.OPEN in schema:
            words = (
                f"`{word}`{f'（{reasons[word]}）' if name == 'Reason' else ''}" for word in schema[components.OPEN]
            )
            lines.append(f"| `{name}` | {'、'.join(words)} |")
    return "\n".join(lines) + "\n"


def _resolve(document: Node, node: Node) -> Node:
    while "$ref" in node:
        _, _, section, name = node["$ref"].split("/")
        node = document["components"][section][name]
    return node
