"""Where links may lead."""

import pytest

from qe_ban.publishing.rules import links

HOSTS = ("*.gov.cn", "haier.com")


@pytest.mark.parametrize(
    "link",
    [
        "https://gov.cn",
        "https://www.qingdao.gov.cn/a/b?c=d#e",
        "HTTPS://WWW.GOV.CN/",
        "https://www.gov.cn:8443/",
        "https://haier.com/",
        "https://HAIER.com",
    ],
)
def test_allowed_hosts_and_those_below_a_star_are_allowed(link):
    assert links.wrong(link, HOSTS) is None
    assert links.is_allowed(link, HOSTS)


@pytest.mark.parametrize(
    "link",
    [
        "http://www.gov.cn/",
        "https://www.haier.com/",
        "https://evilgov.cn/",
        "https://gov.cn.evil.example/",
        "https://evil.example/www.gov.cn",
        "https://evil.example?x=.gov.cn",
        "https://evil.example#.gov.cn",
        "https://192.0.2.1/",
        "https://[2001:db8::1]/",
        "https://www.ｇov.cn/",
        "https://a..gov.cn/",
        "https://a_b.gov.cn/",
        f"https://{'a' * 64}.gov.cn/",
        "https://аррle.gov.cn/",
    ],
)
def test_all_others_are_not(link):
    assert links.wrong(link, HOSTS) is not None
    assert not links.is_allowed(link, HOSTS)


@pytest.mark.parametrize(
    "text",
    ["", "javascript:alert(1)", "https://a@www.gov.cn/", "https://www.gov.cn/a b", "https://www.gov.cn./", "gov.cn"],
)
def test_what_is_no_link_is_not_allowed_and_left_to_the_check_of_its_shape(text):
    assert links.wrong(text, HOSTS) is None
    assert not links.is_allowed(text, HOSTS)
    assert not links.is_allowed(text, None)


def test_without_hosts_every_https_address_is_allowed():
    assert links.is_allowed("https://example.com/", None)
    assert not links.is_allowed("http://example.com/", None)
