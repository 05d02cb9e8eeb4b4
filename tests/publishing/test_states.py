"""Any course of a page, by whomever, against a model of a few lines: what is allowed, and what residents then see."""

from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import pages
from tests.factories.pages import content

ZONE = PageKind.ZONE
PEOPLE = 3
WHO = st.integers(0, PEOPLE - 1)


class Course(RuleBasedStateMachine):
    """One page and three administrators, who do whatever they can think of."""

    town = None

    @initialize()
    def begin(self):
        self.slug = self.town.zone()
        self.people = [self.town.staff() for _ in range(PEOPLE)]
        self.state, self.editors, self.title = "draft", set(), None
        self.base = self.latest = self.revision = 0
        self.versions, self.withdrawn = {}, set()
        self.titles, self.ahead = count(), 0

    def do(self, who, verb, allowed, body=None):
        answer = self.town.do(self.people[who], ZONE, self.slug, verb, body)
        assert (answer.status_code == 200) == allowed, (verb, answer.json)
        self.revision += allowed
        return answer

    @rule(who=WHO)
    def save(self, who):
        self.title = f"第{next(self.titles)}稿"
        answer = self.town.put(self.people[who], ZONE, self.slug, content(title=self.title))
        assert answer.status_code == 200, answer.json
        self.editors.add(who)
        self.state, self.base = "draft", self.latest
        self.revision += 1

    @rule(who=WHO)
    def submit(self, who):
        allowed = self.state in ("draft", "rejected") and bool(self.editors) and self.base == self.latest
        self.do(who, "submit", allowed)
        if allowed:
            self.state = "submitted"
            self.editors.add(who)

    @rule(who=WHO)
    def approve(self, who):
        allowed = self.state == "submitted" and who not in self.editors and self.base == self.latest
        self.do(who, "approve", allowed)
        self.state = "approved" if allowed else self.state

    @rule(who=WHO)
    def reject(self, who):
        allowed = self.state == "submitted" and who not in self.editors
        self.do(who, "reject", allowed, {"reason": "不清楚"})
        self.state = "rejected" if allowed else self.state

    @rule(who=WHO, hours=st.sampled_from([None, 1, 2, 3]), lasts=st.sampled_from([None, 2]))
    def publish(self, who, hours, lasts):
        allowed = self.state == "approved" and self.base == self.latest
        start = self.now() + timedelta(hours=hours or 0)
        end = start + timedelta(hours=lasts) if lasts else None
        body = {"at": start.isoformat()} if hours else {}
        body |= {"end_at": end.isoformat()} if end else {}
        self.do(who, "publish", allowed, body)
        if allowed:
            self.latest += 1
            self.base, self.state, self.editors = self.latest, "published", set()
            self.versions[self.latest] = (start, end, self.title)

    @rule(who=WHO, number=st.integers(1, 4))
    def roll_back(self, who, number):
        allowed = number in self.versions and number not in self.withdrawn
        self.do(who, "rollback", allowed, {"version": number})
        if allowed:
            self.latest += 1
            self.versions[self.latest] = (self.now(), None, self.versions[number][2])
            if self.state == "published":
                self.base, self.title = self.latest, self.versions[number][2]

    @rule(who=WHO, number=st.integers(1, 4))
    def withdraw(self, who, number):
        allowed = number in self.versions and number not in self.withdrawn
        self.do(who, "withdraw", allowed, {"version": number, "reason": "有误"})
        self.withdrawn |= {number} if allowed else set()

    @precondition(lambda self: self.ahead < 12)
    @rule(minutes=st.sampled_from([30, 90]))
    def wait(self, minutes):
        self.ahead += minutes / 60
        self.town.clock.ahead += timedelta(minutes=minutes)

    @invariant()
    def the_draft_stands_where_the_model_says(self):
        held = self.town.get(self.people[0], ZONE, f"{self.slug}/draft")
        told = held.json
        assert (told["state"], told["base"], told["latest"]) == (self.state, self.base, self.latest)
        assert set(told["editors"]) == {str(self.people[who].id) for who in self.editors}
        assert (told["content"].get("title"), held.headers["ETag"].split(".")[0]) == (self.title, f'"{self.revision}')

    @invariant()
    def residents_see_what_began_last_and_stands(self):
        now = self.now()
        standing = [
            (start, number)
            for number, (start, end, _) in self.versions.items()
            if number not in self.withdrawn and start <= now and (end is None or now < end)
        ]
        with self.town.database.transaction() as session:
            shown = pages.in_force(session, ZONE, self.slug, now)
        assert (shown.number if shown else None) == (max(standing)[1] if standing else None)

    def now(self):
        return self.town.clock()

    def teardown(self):
        self.town.clock.ahead -= timedelta(hours=self.ahead)


def test_every_course_of_a_page_follows_the_model(town):
    Course.town = town
    examples = settings(max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Course, settings=examples)
