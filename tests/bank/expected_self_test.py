"""Does the check itself check? A case whose answer was written by hand, and every kind of wrong answer that must not pass."""
import copy
import datetime as dt
import zoneinfo

from expected import INTERACTIONS_MAX, Bank, compare, expected, months_back

NUMBER, HOME, MAIL = "+12015550142", "+12015550143", "rui@example.com"
AUTUMN, SPRING, OTHER = ({"id": i, "name": n} for i, n in (("autumn", "Autumn"), ("spring", "Spring"), ("other", "Other")))
NINA = {"id": "a-1", "name": "Nina"}


def contact(key, addresses, updated, **more):
    return {"contactId": key, "addresses": [{"mode": "mobile", "address": a} for a in addresses], "updatedAt": updated, **more}


def touch(key, contact_id, address, started, **more):
    item = {"interactionId": key, "source": "data_cloud", "contactId": contact_id, "address": address, "channel": "voice",
            "direction": "outbound", "startedAt": started, "updatedAt": started, **more}
    return {k: v for k, v in item.items() if v is not None}


CONTACTS = [
    contact("c-1", [NUMBER], "2026-01-01T00:00:00Z", name="Rui Old", campaign=AUTUMN),
    contact("c-1", [NUMBER, MAIL], "2026-02-01T00:00:00Z", name="Rui"),
    contact("c-1", [NUMBER], "2026-03-01T00:00:00Z", campaign=SPRING),
    contact("c-4", [NUMBER], "2026-03-01T00:00:00Z", campaign=SPRING),
    contact("c-3", [HOME], "2026-03-01T00:00:00Z", name="A housemate", campaign=OTHER),
]
INTERACTIONS = [
    # Ties are in the order of their ids; 23:30 UTC is the next day in Lisbon's summer.
    touch("i-2", "c-1", NUMBER, "2026-07-01T23:30:00Z", mode="mobile", outcome={"code": "zz-17"}, campaign=AUTUMN, previousScore=7),
    touch("i-1", "c-1", MAIL, "2026-07-01T23:30:00Z", channel="email", mode="email", direction="inbound"),
    touch("i-3", "c-1", NUMBER, "2026-07-01T12:00:00Z", mode="mobile", agent=NINA, endedAt="2026-07-01T12:01:00Z",
          outcome={"code": "busy", "label": "Busy", "class": "failure", "reached": False}, previousScore=50, currentScore=45.5, comments="x"),
    touch("i-4", "c-1", NUMBER, "2026-06-20T12:00:00Z", mode="home", outcome={"code": "no", "class": "failure"}),
    touch("i-5", "c-1", NUMBER, "2026-05-10T12:00:00Z", mode="office", outcome={"code": "ok", "class": "success"}, currentScore=9),
    touch("i-6", "c-1", NUMBER, "2026-04-01T12:00:00Z", outcome={"code": "no", "class": "failure"}),
    # c-2 is in no list, but was reached on the number once, long ago; its other addresses count then.
    touch("i-7", "c-2", NUMBER, "2020-01-01T00:00:00Z"),
    touch("i-8", "c-2", "+12015550199", "2026-06-30T23:00:00Z", direction="inbound", mode="mobile", outcome={"code": "cb", "reached": True}),
    # Without a contact: on a known address, and on somebody else's.
    touch("i-9", None, MAIL, "2026-03-03T10:00:00Z", channel="email"),
    touch("i-10", None, HOME, "2026-03-03T10:00:00Z"),
    # A housemate's, before the period, at its very first moment, and after now.
    touch("i-11", "c-3", HOME, "2026-06-01T00:00:00Z"),
    touch("i-12", "c-1", NUMBER, "2025-07-01T22:59:59Z"),
    touch("i-13", "c-1", NUMBER, "2025-07-01T23:00:00Z", channel="chat", direction="inbound"),
    touch("i-14", "c-1", NUMBER, "2026-07-02T10:00:01Z"),
    # An older copy of i-3 that arrived later.
    touch("i-3", "c-1", NUMBER, "2026-07-01T12:00:00Z", channel="sms", updatedAt="2026-06-30T00:00:00Z"),
]
CALLS = [{"callId": "k-1", "agentId": "ana", "direction": "inbound", "from": NUMBER, "to": "+12125550100"}]

ZZ17 = {"code": "zz-17", "label": "zz-17", "class": "neutral"}
BUSY = {"code": "busy", "label": "Busy", "class": "failure"}
NO = {"code": "no", "label": "no", "class": "failure"}
CB = {"code": "cb", "label": "cb", "class": "neutral"}


def by_id(key, **more):
    item = {k: v for k, v in next(i for i in INTERACTIONS if i["interactionId"] == key).items() if k != "updatedAt"}
    return {**item, **more}


FRAME = {
    "type": "pop", "version": 1, "digest": "x", "announce": True,
    "call": {"callId": "k-1", "agentId": "ana", "direction": "inbound", "number": NUMBER, "state": "offered"},
    "timeline": {
        "number": NUMBER, "timeZone": "Europe/Lisbon",
        "period": {"months": 12, "from": "2025-07-01T23:00:00Z", "to": "2026-07-02T10:00:00.000Z"},
        "contacts": [
            {"contactId": "c-1", "name": "Rui", "interactions": 7, "lastAt": "2026-07-01T23:30:00Z", "brief": {
                "lastAt": "2026-07-01T23:30:00+00:00", "lastChannel": "email", "lastOutcome": None, "lastAgent": None,
                "attempts7d": 2, "attempts30d": 3, "failuresInARow": 2, "lastReachedAt": "2026-06-20T12:00:00Z",
                "lastReachedMode": "home", "score": 45.5, "scoreChange": -4.5}},
            {"contactId": "c-2", "name": None, "interactions": 1, "lastAt": "2026-06-30T23:00:00Z", "brief": {
                "lastAt": "2026-06-30T23:00:00Z", "lastChannel": "voice", "lastOutcome": CB, "attempts7d": 0, "attempts30d": 0, "failuresInARow": 0,
                "lastReachedAt": "2026-06-30T23:00:00Z", "lastReachedMode": "mobile"}},
            {"contactId": "c-4", "interactions": 0, "brief": {"attempts7d": 0, "attempts30d": 0, "failuresInARow": 0}},
        ],
        "campaigns": [{**AUTUMN, "listed": True, "interactions": 1}, {**SPRING, "listed": True, "interactions": 0}],
        "channels": [{"channel": "voice", "interactions": 6}, {"channel": "email", "interactions": 2}, {"channel": "chat", "interactions": 1}],
        "days": [
            {"date": "2026-07-02", "interactions": [by_id("i-1", outcome=None), by_id("i-2", outcome=ZZ17)]},
            {"date": "2026-07-01", "interactions": [by_id("i-3", outcome={**BUSY, "reached": False}), by_id("i-8", outcome=CB)]},
            {"date": "2026-06-20", "interactions": [by_id("i-4", outcome=NO)]},
            {"date": "2026-05-10", "interactions": [by_id("i-5", outcome={"code": "ok", "label": "ok", "class": "success"})]},
            {"date": "2026-04-01", "interactions": [by_id("i-6", outcome=NO)]},
            {"date": "2026-03-03", "interactions": [by_id("i-9")]},
            {"date": "2025-07-02", "interactions": [by_id("i-13")]},
        ],
        "total": 9, "shown": 9, "sources": [{"source": "data_cloud", "asOf": "2026-07-02T10:00:00Z"}],
    },
}


def sabotages():
    """(what was done, the frame after it): each of these must be found."""
    def frame(change):
        wrong = copy.deepcopy(FRAME)
        change(wrong["timeline"])
        return wrong

    t = FRAME["timeline"]
    for key in ("period", "contacts", "campaigns", "channels", "days", "total", "shown"):
        yield f"no {key}", frame(lambda w: w.pop(key))
    for key in ("contacts", "campaigns", "channels", "days"):
        yield f"{key} reversed", frame(lambda w: w[key].reverse())
        yield f"one of {key} missing", frame(lambda w: w[key].pop())
        yield f"one of {key} twice", frame(lambda w: w[key].append(w[key][-1]))
    for index, person in enumerate(t["contacts"]):
        for key, value in person["brief"].items():
            if value is not None:
                yield f"brief {index} without {key}", frame(lambda w: w["contacts"][index]["brief"].pop(key))
        for key in ("lastAt", "lastReachedAt", "lastOutcome", "score", "scoreChange"):
            if person["brief"].get(key) is None:
                yield f"brief {index} with an invented {key}", frame(lambda w: w["contacts"][index]["brief"].update({key: 0}))
    yield "a name of an older record", frame(lambda w: w["contacts"][0].update(name="Rui Old"))
    yield "not listed", frame(lambda w: w["campaigns"][1].update(listed=False))
    yield "one count off", frame(lambda w: w["channels"][0].update(interactions=7))
    yield "ties the other way", frame(lambda w: w["days"][0]["interactions"].reverse())
    yield "the day in UTC", frame(lambda w: w["days"][0].update(date="2026-07-01"))
    yield "another time zone", frame(lambda w: w.update(timeZone="America/New_York"))
    yield "a second later", frame(lambda w: w["period"].update({"to": "2026-07-02T10:00:01Z"}))
    yield "an hour less", frame(lambda w: w["period"].update({"from": "2025-07-02T00:00:00Z"}))
    yield "six months", frame(lambda w: w["period"].update(months=6))
    for key, value in t["days"][1]["interactions"][0].items():
        yield f"an interaction without {key}", frame(lambda w: w["days"][1]["interactions"][0].pop(key))
    for key in ("code", "label", "class"):
        yield f"another outcome {key}", frame(lambda w: w["days"][1]["interactions"][0]["outcome"].update({key: "?"}))
    yield "an outcome where there was none", frame(lambda w: w["days"][0]["interactions"][0].update(outcome=ZZ17))
    yield "an absent score as 0", frame(lambda w: w["days"][3]["interactions"][0].update(previousScore=0))
    yield "no timeline", {**FRAME, "timeline": None, "missing": {"code": "timeout", "text": "…"}}
    yield "another agent's call", {**FRAME, "call": {**FRAME["call"], "agentId": "eva"}}
    yield "another customer's number", {**FRAME, "call": {**FRAME["call"], "number": HOME}}


def starts_of_periods():
    """(now, zone, months, the start): by hand."""
    yield "2026-05-31T12:00:00+00:00", "UTC", 3, "2026-02-28T00:00:00+00:00"
    yield "2024-05-31T12:00:00+00:00", "UTC", 3, "2024-02-29T00:00:00+00:00"
    yield "2026-12-15T12:00:00+00:00", "UTC", 12, "2025-12-15T00:00:00+00:00"
    yield "2026-01-10T03:00:00+00:00", "America/New_York", 12, "2025-01-09T05:00:00+00:00"
    yield "2026-11-20T12:00:00+00:00", "Europe/Lisbon", 6, "2026-05-19T23:00:00+00:00"


def run():
    bank = Bank(copy.deepcopy(CONTACTS), copy.deepcopy(INTERACTIONS), CALLS)
    passed, failed = 0, []
    wrong = compare(bank, FRAME)
    if wrong:
        failed.append("the right frame is refused: " + "; ".join(wrong))
    else:
        passed += 1
    for name, frame in sabotages():
        try:
            found = compare(bank, frame)
        except (KeyError, TypeError, ValueError, AttributeError):
            found = ["not the shape of a pop"]
        if found:
            passed += 1
        else:
            failed.append(f"not found: {name}")
    for now, zone, months, start in starts_of_periods():
        got = months_back(dt.datetime.fromisoformat(now), months, zoneinfo.ZoneInfo(zone))
        if got == dt.datetime.fromisoformat(start):
            passed += 1
        else:
            failed.append(f"{months} months before {now} in {zone}: expected {start}, got {got}")
    many = Bank([], [touch(f"i-{n:04}", "c-1", NUMBER, "2026-07-01T12:00:00Z") for n in range(INTERACTIONS_MAX + 1)])
    timeline = expected(many, NUMBER, dt.datetime.fromisoformat("2026-07-02T10:00:00+00:00"), 12, zoneinfo.ZoneInfo("UTC"))
    counts = timeline["total"], timeline["shown"], len(timeline["days"][0]["interactions"]), timeline["contacts"][0]["interactions"]
    if counts == (INTERACTIONS_MAX + 1, INTERACTIONS_MAX, INTERACTIONS_MAX, INTERACTIONS_MAX + 1):
        passed += 1
    else:
        failed.append(f"more interactions than are shown: {counts}")
    for sentence in failed:
        print(sentence)
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0
