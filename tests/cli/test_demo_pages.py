"""The demonstration of halls and zones reads as people in the city do."""

from datetime import UTC, datetime

from qe_ban.cli import demo_pages


def test_the_notice_has_the_citys_date():
    """At four in the morning of the second it still is the first in UTC."""
    content = demo_pages._with_notice({"blocks": []}, datetime(2022, 5, 1, 20, tzinfo=UTC))
    assert content["blocks"][0]["notices"][0]["published_on"] == "2022-05-02"
