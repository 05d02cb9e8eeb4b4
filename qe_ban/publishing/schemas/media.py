"""The wire shapes of pictures."""

from qe_ban.web import fields
from qe_ban.web.schema import Schema

DIGEST = "[0-9a-f]{64}"


class MediaSizeSchema(Schema):
    """A smaller file of a picture; `width` in pixels."""

    width = fields.Whole(1, required=True)
    url = fields.Text(1, 200, required=True)


class MediaSchema(Schema):
    """A picture as it is kept; `digest` is what blocks and apps name it by, `bytes` the size of its whole file."""

    digest = fields.Text(64, 64, DIGEST, required=True)
    type = fields.Choice(("image/jpeg", "image/png"), name="PictureType", required=True)
    width = fields.Whole(1, required=True)
    height = fields.Whole(1, required=True)
    bytes = fields.Whole(1, required=True)
    url = fields.Text(1, 200, required=True)
    sizes = fields.Many(fields.Nested(MediaSizeSchema), required=True)
