"""The interface of pictures: handed in by editors, fetched by anyone, for ever the same under their address."""

from typing import Final

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.publishing.errors import PictureNotFound
from qe_ban.publishing.schemas import media as schemas
from qe_ban.publishing.service import media as service
from qe_ban.web import conditional, guard, requests, wire
from qe_ban.web.api import PREFIX, Blueprint
from qe_ban.web.parts import now, part
from qe_ban.web.uploads import OCTETS, Upload

blp = Blueprint("media", url_prefix="/media", description="图片")

MEDIA_TYPES: Final = ("image/jpeg", "image/jpg", "image/png", "image/webp", OCTETS)
"""`image/jpg` is no registered type, but many programs write it."""
FOR_EVER: Final = "public, max-age=31536000, immutable"
BINARY: Final = {"type": "string", "format": "binary"}


@blp.route("", methods=["POST"], summary_zh="上传图片；按内容识别格式，统一方向与色彩，去除其他信息")
@guard.requires("media.write")
@blp.upload(MEDIA_TYPES, limit=service.MAX_BYTES)
@blp.response(201, schemas.MediaSchema)
@blp.with_location
@blp.alternative(200, content_type="application/json", schema=schemas.MediaSchema, description="Already there")
def upload(file: Upload) -> Response:
    """Hand in a picture: what it is its content tells. It is kept upright, in sRGB, with nothing else of its file."""
    picture = service.reencode(file.file)
    with part(Database).transaction() as session:
        row, is_new = service.store_picture(
            session, part(service.Pictures).store, picture, guard.principal(), now(), request_id=requests.request_id()
        )
    body = {"digest": row.digest, "bytes": row.bytes} | service.render(row)
    headers = {"Location": f"{PREFIX}/media/{row.digest}"}
    return Response(wire.dumps(body), 201 if is_new else 200, headers, content_type=wire.JSON)


@blp.route("/<digest>", methods=["GET"], summary_zh="原尺寸图片")
@guard.anyone
@blp.response(200, BINARY, content_type="image/jpeg")
@blp.alternative(200, content_type="image/png")
@blp.with_etag
def picture(digest: str) -> Response:
    """A picture in its whole size."""
    return _serve(digest, service.FULL)


@blp.route("/<digest>/<width>", methods=["GET"], summary_zh="按像素宽度取较小的图片")
@guard.anyone
@blp.response(200, BINARY, content_type="image/jpeg")
@blp.alternative(200, content_type="image/png")
@blp.with_etag
def smaller_picture(digest: str, width: str) -> Response:
    """A picture in one of its smaller sizes, by its width in pixels."""
    if width == service.FULL:
        raise PictureNotFound
    return _serve(digest, width)


def _serve(digest: str, name: str) -> Response:
    """Answer a file of the store, whose name says what it holds: the database is not asked."""
    file = part(service.Pictures).store.open(digest, name)
    if file is None:
        raise PictureNotFound
    with file:
        content_type = service.type_of(file.read(8))
        file.seek(0)
        answer = conditional.respond(file.read, f"{digest}/{name}", content_type=content_type, cache_control=FOR_EVER)
    answer.headers["Content-Security-Policy"] = "default-src 'none'"
    return answer
