"""Text with tags: a few stay, nothing that acts does, and cleaning twice is cleaning once."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.kernel import texts
from qe_ban.publishing.rules import rich
from tests.publishing.rules.contents import HOSTS

TAG = re.compile(r"<(/?)([a-zA-Z0-9]+)((?:\s[^<>]*)?)>")
ATTRIBUTES = re.compile(r'( href="https://[^"<>]+")? rel="noopener noreferrer"')
SPANS = re.compile(r'( (col|row)span="[0-9]{1,3}"){1,2}')

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


def _is_kept(name, attributes):
    pattern = {"a": ATTRIBUTES, "td": SPANS, "th": SPANS}.get(name)
    return pattern is not None and pattern.fullmatch(attributes) is not None


def is_safe(cleaned: str) -> bool:
    """Tell whether every tag is of the list, with no attribute but those of a link."""
    return (
        all(
            name in rich.TAGS and (attributes == "" or (not end and _is_kept(name, attributes)))
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
    start = process_time()
    assert is_safe(rich.clean(html[:20000], HOSTS))
    rich.takes_out(html[:20000], HOSTS)
    assert process_time() - start < 3


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("第一行<div>第二行</div><div>第三行</div>", "第一行<p>第二行</p><p>第三行</p>"),
        ("<section><h1>题</h1>一<ul><li>甲</ul>二</section>", "<h3>题</h3><p>一</p><ul><li>甲</li></ul><p>二</p>"),
        ("<div><div>一</div>二<p>三</p></div>", "<p>一</p><p>二</p><p>三</p>"),
        ("<div><br></div><div>一</div>", "<p><br></p><p>一</p>"),
        ("<pre>一\n二</pre>", "<p>一<br>二</p>"),
        ("<dl><dt>词<dd>义</dl>", "<p>词</p><p>义</p>"),
        ("一<hr>二", "一<br>二"),
        ("<p>一</p><hr><p>二</p>", "<p>一</p><p>二</p>"),
        ("<strong>一<div>二</div></strong>", "<strong>一<br>二</strong>"),
        ("<li><div>一</div><div>二</div></li>", "<li><p>一</p><p>二</p></li>"),
        ("<td>一</td><td>二</td>", "<p>一</p><p>二</p>"),
        ("<span style='display:block'>一</span><span style='display:block'>二</span>", "<p>一</p><p>二</p>"),
        ("<h2>题</h2><h5>小</h5>", "<h3>题</h3><h4>小</h4>"),
        ("<b>重</b><i>强</i>", "<strong>重</strong><em>强</em>"),
        ("<b style='font-weight:normal'>一</b><span style='font-weight:700'>重</span>", "一<strong>重</strong>"),
        ("10<sup>4</sup> H<sub>2</sub>O", "10<sup>4</sup> H<sub>2</sub>O"),
        ("10<span style='vertical-align: super'>4</span>", "10<sup>4</sup>"),
        (
            "<table><tr><th colspan=2>头<td rowspan='3'>格</table>",
            '<table><tbody><tr><th colspan="2">头</th><td rowspan="3">格</td></tr></tbody></table>',
        ),
        (
            "<table><tr><td colspan=1000000 rowspan=-1>格</table>",
            "<table><tbody><tr><td>格</td></tr></tbody></table>",
        ),
        (
            "<table><caption>表</caption><tfoot><tr><td>计</table>",
            "<p>表</p><table><tbody><tr><td>计</td></tr></tbody></table>",
        ),
        ('<a href=" https://www.gov.cn/\n">去</a>', '<a href="https://www.gov.cn/" rel="noopener noreferrer">去</a>'),
    ],
)
def test_lines_headings_emphasis_and_cells_stay_what_they_are(html, kept):
    assert rich.clean(html, HOSTS) == kept
    assert rich.clean(kept, HOSTS) == kept
    assert not rich.meaning_changes(html)


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("已<s>不再</s>受理", "删除线"),
        ("已<del>不再</del>受理", "删除线"),
        ("已<strike>不再</strike>受理", "删除线"),
        ("已<span style='TEXT-DECORATION: underline line-through'>不再</span>受理", "删除线"),
        ("已<code style='text-decoration-line:line-through'>不再</code>受理", "删除线"),
        ("<style>.a{text-decoration:line-through}</style>已<span class=a>不再</span>受理", "样式表中的删除线"),
        ("<ruby>行<rt>háng</rt></ruby>", "注音"),
        ("<p>可以<span style='display:none'>不</span>办</p>", "隐藏的文字"),
        ("<p>可以<span hidden>不</span>办</p>", "隐藏的文字"),
        ("<div style='visibility: hidden !important'>不</div>", "隐藏的文字"),
        ("<ol start=3><li>三</ol>", "自定编号的列表"),
        ("<ol reversed><li>三</ol>", "自定编号的列表"),
        ("<ol type=a><li>三</ol>", "自定编号的列表"),
        ("<ol><li value=3>三</ol>", "自定编号的列表"),
        ("<ol style='list-style-type:lower-roman'><li>三</ol>", "自定编号的列表"),
        ("<q>一</q>", "引号标签（<q>）"),
        ("<bdo dir=rtl>321</bdo>", "从右至左排列的文字"),
        ("费用<input value=30>元", "表单控件的内容"),
        ("<input type=checkbox checked>同意", "表单控件的内容"),
        ("<select><option>一</select>", "表单控件的内容"),
        ("<textarea>一</textarea>", "表单控件的内容"),
        ("<math><msup><mi>x</mi><mn>2</mn></msup></math>", "公式"),
    ],
)
def test_what_would_mean_something_else_without_its_tags_is_named(html, reason):
    assert rich.meaning_changes(html) == (reason,)


@pytest.mark.parametrize(
    "html",
    [
        "<s></s>一",
        "<ol start=1 type=1><li>一</ol>",
        "<ul style='list-style-type:none'><li>一</ul>",
        "<div style='display:none'> </div>一",
        "<input type=hidden value=x>一",
        "<bdo dir=ltr>123</bdo>",
    ],
)
def test_tags_that_change_nothing_that_is_read_are_no_reason_to_refuse(html):
    assert not rich.meaning_changes(html)


def test_what_was_taken_out_is_named():
    html = (
        "<p class=x>一<font color=red>二</font><img src=x></p><a href='https://evil.example/'>去</a><script>x</script>"
    )
    assert rich.removals(html, HOSTS) == ["属性 class", "<font>", "<img>", "链接 https://evil.example/", "<script>"]
    assert len(rich.removals("".join(f"<x{number}>" for number in range(50)), HOSTS)) == 10


def test_a_text_that_a_parser_makes_endless_is_refused():
    html = "<p>" + "".join(f"<b title={number}>" for number in range(1000)) + "</p><p>一" * 1000
    assert rich.meaning_changes(html) == ("过多的嵌套标签",)
    assert is_safe(rich.clean(html, HOSTS))
