"""What publishing brings: all kinds of pages with their drafts and versions, pictures, and the memory that serves."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.composition import RetentionPlan, Schedule, Services, Slice, with_clock_check
from qe_ban.db import valkey
from qe_ban.publishing.routes import editing, media
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import findings, previews, saves
from qe_ban.publishing.service import links as link_checks
from qe_ban.publishing.service import media as pictures
from qe_ban.publishing.service.links import HttpLinks, Links
from qe_ban.publishing.service.media import DirectoryStore, Pictures
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.web import wire
from qe_ban.web.ranks import Operations, Rank

_BLUEPRINTS: Final = (
    media.blp,
    editing.blueprint(PageKind.HALL, "/halls"),
    editing.blueprint(PageKind.ZONE, "/zones"),
)
_PUBLIC_RECORD: Final = "what the city published, and who answered for it: it stands, as a gazette does"


def _page_types(services: Services) -> PageTypes:
    declarations = services.merge(lambda slice_: slice_.page_types)
    if missing := set(PageKind) - declarations.keys():
        raise LookupError(f"no slice declares the pages of {', '.join(sorted(missing))}")
    types = {kind: declaration.type for kind, declaration in declarations.items()}
    sources = services.merge(lambda slice_: slice_.page_sources)
    return PageTypes(types, sources, services.city.link_hosts, services.rings)


def _page_cache(services: Services) -> PageCache:
    declarations = services.merge(lambda slice_: slice_.page_types)
    return PageCache(
        services.database,
        valkey.connect(services.settings.redis_url),
        {kind: declaration.load for kind, declaration in declarations.items()},
        {kind: declaration.slugs for kind, declaration in declarations.items()},
        encode=wire.dumps,
        release=services.settings.release,
        clock=services.clock,
    )


def _schedules(services: Services) -> list[Schedule]:
    page_types, links, store = services.get(PageTypes), services.get(Links), services.get(Pictures).store

    def inspect(session: Session, now: datetime) -> None:
        links.recheck(sorted(findings.links_in_force(session, page_types, now)), now)
        findings.inspect_all(session, page_types, now)

    # after the other has committed: a file goes when it is certain that its row has gone
    def sweep_files(session: Session, now: datetime) -> None:
        pictures.sweep_files(session, store, now)

    return [
        Schedule("pages.findings", timedelta(minutes=10), inspect),
        Schedule("media.collect", timedelta(hours=1), with_clock_check(pictures.collect)),
        Schedule("media.files", timedelta(hours=1), with_clock_check(sweep_files)),
    ]


SLICE: Final = Slice(
    name="publishing",
    operations=tuple(Operations(blueprint, Rank.STAFF, reads=Rank.PAGES) for blueprint in _BLUEPRINTS),
    scopes=frozenset({"pages.read", "pages.write", "pages.review", "pages.publish", "pages.withdraw", "media.write"}),
    retention=RetentionPlan(
        endings=(*previews.ENDINGS, *saves.ENDINGS, *link_checks.ENDINGS),
        elsewhere={
            "media": "seven days after they were last used, by `media.collect`",
            "page_findings": "when the reference is mended or another version begins, by `pages.findings`",
        },
        without_end={
            "pages": "one row a page",
            "page_stamps": "one row a page",
            **dict.fromkeys(("page_versions", "page_withdrawals"), _PUBLIC_RECORD),
        },
    ),
    factories={
        PageTypes: _page_types,
        PageCache: _page_cache,
        Links: lambda services: Links(services.database, HttpLinks()),
        Pictures: lambda services: Pictures(DirectoryStore(services.settings.media_dir)),
    },
    schedules=_schedules,
    page_sources=lambda _: {"media": pictures.source},
)
