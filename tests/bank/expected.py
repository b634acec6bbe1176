#!/usr/bin/env python3
"""Compares pops with what the bank's files alone say they must hold: the same rules as the service, written a second time.

    expected.py OUT_DIR POPS.jsonl      OUT_DIR as bank_interactions.py wrote it, POPS.jsonl one `pop` frame a line
    expected.py --self-test             a case written by hand, and a list of sabotaged frames

Prints what differs (the first 20), then `N pops compared, N differ`; the exit code is 1 if any differs or there is none.
Only "now" (period.to), the time zone and the number are taken from the frame, and the number must be the customer's of that
call in OUT_DIR/calls.jsonl where the call is there. Standard library only.
"""
import collections
import datetime as dt
import json
import pathlib
import sys
import zoneinfo

MONTHS = 12
INTERACTIONS_MAX = 500
PRINTED_MAX = 20
CONTACT_FILES = ("contacts.jsonl", "data_cloud_contacts.jsonl")
INTERACTION_FILES = ("interactions.jsonl", "data_cloud.jsonl")
INTERACTION_FIELDS = ("interactionId", "source", "contactId", "address", "campaign", "channel", "mode", "direction", "startedAt",
                      "endedAt", "outcome", "previousScore", "currentScore", "agent", "comments")
CONTACT_FIELDS = ("contactId", "name", "interactions", "lastAt", "brief")
BRIEF_FIELDS = ("lastAt", "lastChannel", "lastOutcome", "lastAgent", "attempts7d", "attempts30d", "failuresInARow", "lastReachedAt",
                "lastReachedMode", "score", "scoreChange")
OUTCOME_FIELDS = ("code", "label", "class")
TIMES = {"startedAt", "endedAt", "lastAt", "lastReachedAt", "from", "to"}


def instant(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def records(paths):
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


class Bank:
    """The files in memory, found by number and by contact."""

    def __init__(self, contacts, interactions, calls=()):
        self.contacts = collections.defaultdict(list)  # contactId -> its records, one for each campaign
        self.listed_with = collections.defaultdict(set)  # address -> contactIds
        self.of_contact = collections.defaultdict(list)  # contactId -> interactions
        self.of_nobody = collections.defaultdict(list)  # address -> interactions without a contact
        self.reached_on = collections.defaultdict(set)  # address -> contactIds
        for record in newest(contacts, lambda r: (r["contactId"], r.get("campaign", {}).get("id"))):
            self.contacts[record["contactId"]].append(record)
            for address in record.get("addresses", ()):
                self.listed_with[address["address"]].add(record["contactId"])
        for item in newest(interactions, lambda r: r["interactionId"]):
            item["at"] = instant(item["startedAt"])
            if item.get("contactId") is None:
                self.of_nobody[item["address"]].append(item)
            else:
                self.of_contact[item["contactId"]].append(item)
                self.reached_on[item["address"]].add(item["contactId"])
        self.calls = {call["callId"]: call for call in calls}

    @classmethod
    def load(cls, folder):
        return cls(records(folder / name for name in CONTACT_FILES), records(folder / name for name in INTERACTION_FILES),
                   records([folder / "calls.jsonl"]))

    def journey(self, number):
        """(contactIds, every interaction at any time) behind a number."""
        contacts = self.listed_with.get(number, set()) | self.reached_on.get(number, set())
        addresses = {number} | {a["address"] for c in contacts for r in self.contacts.get(c, ()) for a in r.get("addresses", ())}
        items = [item for c in contacts for item in self.of_contact.get(c, ())]
        items += [item for address in addresses for item in self.of_nobody.get(address, ())]
        return contacts, items


def newest(all_records, key):
    kept = {}
    for record in all_records:
        known = kept.get(key(record))
        if known is None or instant(record["updatedAt"]) > instant(known["updatedAt"]):
            kept[key(record)] = record
    return kept.values()


def months_back(now, months, zone):
    """The start of the day `months` calendar months before `now`, clamped to the length of that month."""
    today = now.astimezone(zone).date()
    index = today.year * 12 + today.month - 1 - months
    year, month = index // 12, index % 12 + 1
    length = ((dt.date(year + month // 12, month % 12 + 1, 1)) - dt.date(year, month, 1)).days
    return dt.datetime(year, month, min(today.day, length), tzinfo=zone).astimezone(dt.timezone.utc)


def outcome_of(item):
    outcome = item.get("outcome")
    if outcome is None:
        return None
    return {"code": outcome["code"], "label": outcome.get("label") or outcome["code"], "class": outcome.get("class") or "neutral"}


def was_reached(item):
    outcome = item.get("outcome")
    if outcome is None:
        return False
    if outcome.get("reached") is not None:
        return outcome["reached"]
    return outcome_of(item)["class"] in ("success", "failure")


def shown(item):
    fields = {name: item.get(name) for name in INTERACTION_FIELDS}
    fields["outcome"] = outcome_of(item)
    return fields


def brief_of(items, now):
    """`items`: one contact's, newest first."""
    last = items[0] if items else {}
    attempts = lambda days: sum(i.get("direction") == "outbound" and i["at"] >= now - dt.timedelta(days=days) for i in items)
    failures = 0
    for item in items:
        cls = (outcome_of(item) or {}).get("class")
        if cls == "success":
            break
        failures += cls == "failure"
    reached = next((i for i in items if was_reached(i)), {})
    scored = next((i for i in items if i.get("currentScore") is not None), {})
    before, after = scored.get("previousScore"), scored.get("currentScore")
    return {
        "lastAt": last.get("startedAt"), "lastChannel": last.get("channel"), "lastOutcome": outcome_of(last), "lastAgent": last.get("agent"),
        "attempts7d": attempts(7), "attempts30d": attempts(30), "failuresInARow": failures,
        "lastReachedAt": reached.get("startedAt"), "lastReachedMode": reached.get("mode"),
        "score": after, "scoreChange": None if before is None or after is None else after - before,
    }


def expected(bank, number, now, months, zone):
    """The timeline that the files ask for, as far as it is compared."""
    contacts, items = bank.journey(number)
    start = months_back(now, months, zone)
    items = sorted((i for i in items if start <= i["at"] <= now), key=lambda i: i["interactionId"])
    items.sort(key=lambda i: i["at"], reverse=True)  # stable: ties stay in the order of their ids

    people = []
    for contact in contacts:
        own = [i for i in items if i.get("contactId") == contact]
        named = [r for r in bank.contacts.get(contact, ()) if r.get("name")]
        people.append({
            "contactId": contact,
            "name": max(named, key=lambda r: instant(r["updatedAt"]))["name"] if named else None,
            "interactions": len(own), "lastAt": own[0]["startedAt"] if own else None, "brief": brief_of(own, now),
        })
    people.sort(key=lambda p: (-p["interactions"], p["contactId"]))

    campaigns = {}
    for contact in contacts:
        for record in bank.contacts.get(contact, ()):
            if record.get("campaign"):
                campaign = record["campaign"]
                campaigns[campaign["id"]] = {"id": campaign["id"], "name": campaign.get("name"), "listed": True, "interactions": 0}
    for item in items:
        if item.get("campaign"):
            campaign = item["campaign"]
            known = campaigns.setdefault(campaign["id"], {"id": campaign["id"], "name": campaign.get("name"), "listed": False, "interactions": 0})
            known["interactions"] += 1

    channels = collections.Counter(i["channel"] for i in items)
    days = {}  # in the order of the interactions, so newest first
    for item in items[:INTERACTIONS_MAX]:
        days.setdefault(item["at"].astimezone(zone).date().isoformat(), []).append(shown(item))
    return {
        "number": number,
        "period": {"months": months, "from": start.isoformat(), "to": now.isoformat()},
        "contacts": people,
        "campaigns": [campaigns[key] for key in sorted(campaigns)],
        "channels": [{"channel": c, "interactions": n} for c, n in sorted(channels.items(), key=lambda p: (-p[1], p[0]))],
        "days": [{"date": date, "interactions": of_day} for date, of_day in days.items()],
        "total": len(items), "shown": min(len(items), INTERACTIONS_MAX),
    }


def comparable(value, key=None):
    """Absent and null are the same, times are instants, numbers are numbers."""
    if isinstance(value, dict):
        return {k: comparable(v, k) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [comparable(v) for v in value]
    return instant(value) if key in TIMES and isinstance(value, str) else value


def pick(value, fields):
    return {k: value[k] for k in fields if k in value} if isinstance(value, dict) else value


def picked(timeline):
    """Of the frame's timeline what is compared; other fields may be there."""
    outcome = lambda holder, key: {**holder, key: pick(holder[key], OUTCOME_FIELDS)} if holder.get(key) else holder
    item = lambda i: outcome(pick(i, INTERACTION_FIELDS), "outcome")
    person = lambda c: {**pick(c, CONTACT_FIELDS), "brief": outcome(pick(c.get("brief") or {}, BRIEF_FIELDS), "lastOutcome")}
    return {
        **pick(timeline, ("number", "period", "campaigns", "channels", "total", "shown")),
        "contacts": [person(c) for c in timeline.get("contacts", ())],
        "days": [{"date": d.get("date"), "interactions": [item(i) for i in d.get("interactions", ())]} for d in timeline.get("days", ())],
    }


def differences(want, got, path=""):
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(want.keys() | got.keys()):
            yield from differences(want.get(key), got.get(key), f"{path}.{key}" if path else key)
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            yield f"{path}: expected {len(want)} entries, got {len(got)}"
        for index, (one, other) in enumerate(zip(want, got)):
            yield from differences(one, other, f"{path}[{index}]")
    elif want != got or isinstance(want, bool) != isinstance(got, bool):
        yield f"{path}: expected {want!r}, got {got!r}"


def compare(bank, frame):
    """What is wrong with one `pop` frame, as sentences."""
    if frame.get("type") != "pop":
        return [f"type: expected 'pop', got {frame.get('type')!r}"]
    timeline = frame.get("timeline")
    if timeline is None:
        return [f"timeline: missing ({frame.get('missing')})"]
    wrong = []
    call = bank.calls.get(frame.get("call", {}).get("callId"))
    if call:
        number = call["from" if call["direction"] == "inbound" else "to"]
        asked = {"agentId": call["agentId"], "direction": call["direction"], "number": number}
        wrong += differences(asked, {k: frame["call"].get(k) for k in asked}, "call")
        wrong += differences(number, timeline["number"], "timeline.number")
    zone, now = zoneinfo.ZoneInfo(timeline["timeZone"]), instant(timeline["period"]["to"])
    want = expected(bank, timeline["number"], now, MONTHS, zone)
    return wrong + list(differences(comparable(want), comparable(picked(timeline))))


def main(arguments):
    if arguments == ["--self-test"]:
        sys.dont_write_bytecode = True
        import expected_self_test
        return expected_self_test.run()
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    bank = Bank.load(pathlib.Path(arguments[0]))
    pops = differ = printed = 0
    for frame in records([arguments[1]]):
        try:
            wrong = compare(bank, frame)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            wrong = [f"the frame is not in the shape of a pop: {error!r}"]
        pops, differ = pops + 1, differ + bool(wrong)
        for sentence in wrong[: PRINTED_MAX - printed]:
            print(f"pop {pops} ({frame.get('call', {}).get('callId')}): {sentence}")
            printed += 1
    print(f"{pops} pops compared, {differ} differ")
    return 1 if differ or not pops else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
