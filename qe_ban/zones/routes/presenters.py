"""Demands as their schemas dump them: with what their words are called."""

from collections.abc import Sequence
from typing import Any

from qe_ban.kernel.city import City
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.rules.blocks.words import INDUSTRIES
from qe_ban.zones.models import Demand
from qe_ban.zones.rules.demands import SIZES, STATE_NAMES, DemandState, Step
from qe_ban.zones.service.demand_history import DemandDetails, title_of


def render_listed(city: City, rings: KeyRings, demand: Demand, steps: Sequence[Step]) -> dict[str, Any]:
    """Give a demand of a list; `steps` is what its reader may do with it."""
    return {
        "id": demand.id,
        "zone": demand.zone,
        "zone_name": city.zones.get(demand.zone, demand.zone),
        "state": demand.state,
        "state_name": STATE_NAMES[DemandState(demand.state)],
        "firm": demand.firm,
        "uscc": demand.uscc,
        "industry": demand.industry,
        "industry_name": INDUSTRIES.get(demand.industry, demand.industry),
        "size": demand.size,
        "size_name": SIZES.get(demand.size) if demand.size else None,
        "solution": demand.solution,
        "title": title_of(rings, demand),
        "steps_allowed": list(steps),
        "created_at": demand.created_at,
        "updated_at": demand.updated_at,
    }


def render_whole(city: City, rings: KeyRings, details: DemandDetails, steps: Sequence[Step]) -> dict[str, Any]:
    """Give a demand opened, with its course."""
    demand = details.demand
    return {
        **render_listed(city, rings, demand, steps),
        "text": details.text,
        "contact": details.contact,
        "phone": details.phone,
        "answer": details.answer,
        "block": demand.block,
        "version": demand.version,
        "consented_at": demand.consented_at,
        "steps": [
            {
                "at": one.at,
                "by_kind": one.by_kind,
                "state": one.state,
                "state_name": STATE_NAMES[one.state],
                "note": one.note,
            }
            for one in details.steps
        ],
    }
