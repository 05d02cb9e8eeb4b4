"""The interface of pictures: who may hand one in, what is refused, and how anyone gets it."""

import hashlib
import secrets
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from qe_ban.accounts.rules import STAFF_SCOPES, Role
from qe_ban.audit.models import AuditEvent
from qe_ban.publishing.models import Media
from tests.factories.accounts import together
from tests.publishing import photos

API = "/api/v1/media"
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def editor(town):
    return town.staff("editor")


@pytest.fixture
def hand_in(town, editor):
    def do(data, content_type="image/jpeg", client=None, **headers):
        headers = editor.headers | {"Content-Type": content_type} | headers
        return (client or town.client).post(API, data=data, headers=headers)

    return do


def rows(database):
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(Media))


def refused(answer, status, code):
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert any("\u4e00" <= char <= "\u9fff" for char in answer.json["detail"])


def test_a_picture_is_handed_in_and_fetched_by_anyone(town, hand_in, editor):
    answer = hand_in(photos.jpeg(700, 500, exif=photos.exif(1)))
    said = answer.json
    assert answer.status_code == 201
    assert {name: said[name] for name in ("type", "width", "height")} == {
        "type": "image/jpeg",
        "width": 700,
        "height": 500,
    }
    assert [size["width"] for size in said["sizes"]] == [320, 640]
    assert said["url"] == answer.headers["Location"] == f"{API}/{said['digest']}"
    whole = town.client.get(said["url"])
    assert (whole.status_code, whole.mimetype, len(whole.data)) == (200, "image/jpeg", said["bytes"])
    assert hashlib.sha256(whole.data).hexdigest() == said["digest"]
    assert photos.SECRET not in whole.data
    for size in said["sizes"]:
        smaller = town.client.get(size["url"])
        assert (smaller.status_code, smaller.mimetype) == (200, "image/jpeg")
        assert smaller.headers["ETag"] != whole.headers["ETag"]
    with town.database.transaction() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.subject == said["digest"])).one()
        assert (event.actor_id, event.request_id) == (editor.id, answer.headers["X-Request-Id"])
        assert session.get_one(Media, said["digest"]).created_by == editor.id


def test_the_same_picture_again_is_the_same_and_not_new(hand_in):
    data = photos.png()
    first, again = hand_in(data), hand_in(data, "image/png")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json


def test_two_equal_uploads_at_once_are_one_picture(town, hand_in):
    data = photos.jpeg(640, 480)
    answers = together(4, lambda _: hand_in(data))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json["digest"] for answer in answers}) == 1
    assert town.client.get(answers[0].json["url"]).status_code == 200


@pytest.mark.parametrize(
    "said", ["image/jpeg", "image/png", "image/webp", "image/jpg", "IMAGE/PNG", "application/octet-stream"]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_content_decides_whatever_is_said_of_it(hand_in, kind, said):
    answer = hand_in(photos.written(photos.image(), kind), said)
    assert (answer.status_code, answer.json["type"]) == (201, "image/jpeg")


def test_a_transparent_picture_is_served_as_png(town, hand_in):
    logo = photos.image(40, 40, "RGBA")
    logo.putalpha(90)
    answer = hand_in(photos.written(logo, "WEBP"), "image/webp")
    assert (answer.json["type"], answer.json["sizes"]) == ("image/png", [])
    assert town.client.get(answer.json["url"]).mimetype == "image/png"


def test_a_picture_is_kept_by_caches_for_ever_and_never_taken_for_anything_else(town, hand_in):
    for url in (hand_in(photos.jpeg(400, 90)).json["url"],):
        for path in (url, f"{url}/320"):
            answer = town.client.get(path)
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
            tag = answer.headers["ETag"]
            assert tag.startswith('"')
            same = town.client.get(path, headers={"If-None-Match": tag})
            assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
            assert same.headers["Cache-Control"] == answer.headers["Cache-Control"]
            assert town.client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
            head = town.client.head(path)
            assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", tag)


@pytest.mark.parametrize(
    "path",
    [
        "0" * 64,
        "0" * 64 + "/320",
        "0" * 63,
        "A" * 64,
        "x",
        "..",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "0" * 64 + "/0",
        "0" * 64 + "/-1",
        "0" * 64 + "/full",
        "0" * 64 + "/" + "9" * 4000,
        "0" * 64 + "/３２０",
        "\u202e",
    ],
)
def test_what_is_not_there_is_not_found(town, path):
    answer = town.client.get(f"{API}/{path}", headers={"If-None-Match": "*"})
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"


def test_a_size_that_was_not_made_is_not_found(town, hand_in):
    url = hand_in(photos.jpeg(400, 90)).json["url"]
    for width in ("640", "0", "319", "1080", "0320", "３２０"):
        answer = town.client.get(f"{url}/{width}")
        assert answer.status_code == 404, width


@pytest.mark.parametrize(
    ("data", "content_type", "status", "code"),
    [
        (b"", "image/jpeg", 400, "unreadable"),
        (b"<svg/>", "image/svg+xml", 415, "unsupported_media_type"),
        (b"<html><script>", "application/octet-stream", 422, "media.not_a_picture"),
        (photos.jpeg(), "text/html", 415, "unsupported_media_type"),
        (photos.jpeg(), "multipart/form-data; boundary=x", 415, "unsupported_media_type"),
        (photos.jpeg(), "image/pjpeg", 415, "unsupported_media_type"),
        (b"<svg onload='alert(1)'/>", "image/png", 422, "media.not_a_picture"),
        (photos.written(photos.image(), "GIF"), "image/png", 422, "media.not_a_picture"),
        (b"<html><script>", "image/jpeg", 422, "media.not_a_picture"),
        (b"x", "image/webp", 422, "media.not_a_picture"),
        (photos.jpeg()[:-30], "image/jpeg", 422, "media.not_a_picture"),
        (b"GIF89a/*" + photos.jpeg(), "image/jpeg", 422, "media.not_a_picture"),
        (photos.png_of(12_001, 2), "image/png", 422, "media.not_a_picture"),
        (bytes(10 * 1024 * 1024), "image/jpeg", 422, "media.not_a_picture"),
        (bytes(10 * 1024 * 1024 + 1), "image/jpeg", 413, "too_large"),
    ],
    ids=range(15),
)
def test_what_is_no_picture_is_refused_and_nothing_is_kept(town, hand_in, data, content_type, status, code):
    before = rows(town.database)
    refused(hand_in(data, content_type), status, code)
    assert rows(town.database) == before


def test_a_body_that_ends_early_is_unreadable(town, editor):
    headers = editor.headers | JPEG
    longer = {"CONTENT_LENGTH": "99999"}
    refused(town.client.post(API, data=photos.jpeg(), headers=headers, environ_overrides=longer), 400, "unreadable")


@pytest.mark.parametrize("role", Role)
def test_only_who_edits_pages_hands_pictures_in(town, role):
    place = {"district": next(iter(town.district.values()))} if role is Role.DISTRICT_ADMIN else {}
    answer = town.client.post(API, data=photos.jpeg(), headers=town.staff(role.value, **place).headers | JPEG)
    assert answer.status_code == (201 if "media.write" in STAFF_SCOPES[role] else 403)


@pytest.mark.parametrize("token", ["", "Bearer x.y.z"])
def test_nobody_hands_a_picture_in_without_a_token(town, token):
    headers = JPEG | ({"Authorization": token} if token else {})
    assert town.client.post(API, data=photos.jpeg(), headers=headers).status_code == 401


@pytest.mark.parametrize("way", ["unset", "a file"])
def test_a_store_that_is_away_is_told_and_leaves_no_row(town, make_app, hand_in, tmp_path, way):
    (tmp_path / "file").write_text("x")
    settings = replace(town.settings, media_dir=None if way == "unset" else tmp_path / "file")
    client = make_app(settings=settings).test_client()
    before = rows(town.database)
    answer = hand_in(photos.jpeg(), client=client)
    refused(answer, 503, "media.store_away")
    assert answer.headers["Retry-After"]
    refused(client.get(f"{API}/{secrets.token_hex(32)}"), 503, "media.store_away")
    assert rows(town.database) == before


def test_pictures_are_fetched_also_when_the_database_is_away(town, make_app, hand_in):
    url = hand_in(photos.jpeg()).json["url"]
    alone = replace(town.settings, database_url="postgresql://nobody@127.0.0.1:1/none")
    client = make_app(settings=alone).test_client()
    assert client.get(url).status_code == 200
