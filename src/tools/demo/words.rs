//! The people, campaigns and endings of the sample history. All invented; numbers are of those set aside for fiction.

use crate::journey::{Agent, OutcomeClass};

/// Name, and how it is written in an e-mail address.
type Name = (&'static str, &'static str);

pub const FIRST_NAMES: &[Name] = &[
    ("Inês", "ines"),
    ("Liam", "liam"),
    ("Aylin", "aylin"),
    ("Łukasz", "lukasz"),
    ("Maya", "maya"),
    ("Noah", "noah"),
    ("Zoë", "zoe"),
    ("Hiroshi", "hiroshi"),
    ("Priya", "priya"),
    ("Mateo", "mateo"),
    ("Grace", "grace"),
    ("Omar", "omar"),
    ("Sofia", "sofia"),
    ("Björn", "bjorn"),
    ("Amara", "amara"),
    ("Lucas", "lucas"),
    ("Hannah", "hannah"),
    ("Chinedu", "chinedu"),
    ("Élise", "elise"),
    ("Daniel", "daniel"),
    ("Yuki", "yuki"),
    ("Marta", "marta"),
    ("Samuel", "samuel"),
    ("Leila", "leila"),
    ("Tomás", "tomas"),
];

pub const LAST_NAMES: &[Name] = &[
    ("Almeida", "almeida"),
    ("O’Connor", "oconnor"),
    ("Yılmaz", "yilmaz"),
    ("Nowak", "nowak"),
    ("Sharma", "sharma"),
    ("García", "garcia"),
    ("Johnson", "johnson"),
    ("Tanaka", "tanaka"),
    ("Okafor", "okafor"),
    ("Lindqvist", "lindqvist"),
    ("Müller", "mueller"),
    ("Rossi", "rossi"),
    ("Dubois", "dubois"),
    ("Haddad", "haddad"),
    ("Williams", "williams"),
    ("Costa", "costa"),
    ("Petrov", "petrov"),
    ("Nguyen", "nguyen"),
    ("Brown", "brown"),
    ("Silva", "silva"),
    ("Andersen", "andersen"),
    ("Kaya", "kaya"),
    ("Kowalski", "kowalski"),
];

/// Id and name; the year is that of today.
pub const CAMPAIGNS: &[(&str, &str)] = &[
    ("term-deposit", "Term deposit"),
    ("green-energy", "Green energy switch"),
    ("card-renewal", "Card renewal"),
    ("home-insurance", "Home insurance"),
];

/// Those who take calls in the demo come first.
pub const AGENTS: &[(&str, &str)] = &[
    ("ana", "Ana Ferreira"),
    ("ben", "Ben Carter"),
    ("chloe", "Chloé Martin"),
    ("duarte", "Duarte Melo"),
    ("ewa", "Ewa Zielińska"),
    ("farid", "Farid Rahimi"),
];
/// How many of them take calls.
pub const AGENTS_ON_CALLS: usize = 4;

pub fn agent(index: usize) -> Agent {
    let (id, name) = AGENTS[index % AGENTS.len()];
    Agent { id: id.into(), name: Some(name.into()) }
}

/// How an interaction may end.
pub struct Ending {
    pub code: &'static str,
    pub label: &'static str,
    pub class: OutcomeClass,
    /// Was a person spoken to?
    pub reached: bool,
    /// How many points of score it gives or takes.
    pub points: i64,
    /// Something an agent might have written; empty where no agent was there.
    pub comments: &'static [&'static str],
}

const fn ending(
    code: &'static str,
    label: &'static str,
    class: OutcomeClass,
    reached: bool,
    points: i64,
    comments: &'static [&'static str],
) -> Ending {
    Ending { code, label, class, reached, points, comments }
}

use OutcomeClass::{Failure, Neutral, Success};

/// Calls that nobody answered; the code is the dialler's own result, too.
pub const UNANSWERED: &[Ending] = &[
    ending("no_answer", "No answer", Neutral, false, 0, &[]),
    ending("busy", "Busy", Neutral, false, 0, &[]),
    ending("voicemail", "Voicemail", Neutral, false, 0, &[]),
];

/// Calls for a campaign that were answered.
pub const ANSWERED: &[Ending] = &[
    ending(
        "interested",
        "Interested",
        Success,
        true,
        10,
        &[
            "Wants the offer in writing before deciding; send it by e-mail.",
            "Asked about the interest rate after the first year. Warm, call again.",
            "Comparing with another offer, decides by the end of the month.",
        ],
    ),
    ending(
        "agreed",
        "Agreed",
        Success,
        true,
        20,
        &[
            "Agreed on the phone, contract goes out today.",
            "Signed up. Mentioned moving house in spring: check the address.",
            "Yes to everything; very friendly. Prefers texts for reminders.",
        ],
    ),
    ending(
        "declined",
        "Declined",
        Failure,
        true,
        -5,
        &[
            "Not interested now, maybe next year.",
            "Just signed with somebody else.",
            "No need. Was polite about it, asked not to be called before noon.",
        ],
    ),
    ending(
        "call_back",
        "Call back later",
        Neutral,
        true,
        0,
        &[
            "In a meeting. Call back after 17:00.",
            "Driving, try again tomorrow morning.",
            "Wants to talk it over at home first; call back on Thursday.",
        ],
    ),
    ending(
        "wrong_person",
        "Wrong person",
        Failure,
        true,
        -2,
        &["Partner answered; ask for the customer by name.", "Number now belongs to a shop."],
    ),
    ending(
        "complaint",
        "Complaint",
        Failure,
        true,
        -15,
        &[
            "Upset about being called three times this week. Apologised.",
            "Says the last invoice was wrong; passed on to billing.",
        ],
    ),
];

/// Calls, chats and letters to the company's own service.
pub const SERVICE: &[Ending] = &[
    ending(
        "resolved",
        "Resolved",
        Success,
        true,
        5,
        &[
            "Card was blocked by mistake; released while on the line.",
            "Changed the delivery address.",
            "Explained the invoice line by line; all good now.",
        ],
    ),
    ending(
        "information",
        "Information given",
        Neutral,
        true,
        0,
        &["Asked about opening hours at the branch.", "Wanted to know when the contract ends."],
    ),
    ending(
        "escalated",
        "Escalated",
        Failure,
        true,
        -8,
        &[
            "Third time about the same fee. Passed on to a specialist.",
            "App does not show the new card; ticket opened.",
        ],
    ),
    ending("abandoned", "Abandoned", Failure, false, -3, &[]),
];

pub const TEXTS: &[Ending] = &[
    ending("delivered", "Delivered", Neutral, false, 0, &[]),
    ending("replied", "Replied", Success, true, 5, &[]),
    ending("undelivered", "Undelivered", Failure, false, 0, &[]),
];

pub const LETTERS: &[Ending] = &[
    ending("opened", "Opened", Neutral, false, 0, &[]),
    ending("clicked", "Clicked the offer", Success, false, 5, &[]),
    ending("bounced", "Bounced", Failure, false, 0, &[]),
    ending("unsubscribed", "Unsubscribed", Failure, false, -5, &[]),
];

/// Area codes of the sample's numbers: 100 numbers each, from 555 0100 to 555 0199.
const AREAS: &[u32] = &[201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218];
/// Numbers of this one are nobody's that is known.
const AREA_OF_STRANGERS: u32 = 305;

pub fn number(index: usize) -> String {
    format!("+1{}55501{:02}", AREAS[(index / 100) % AREAS.len()], index % 100)
}

pub fn strangers_number(index: usize) -> String {
    format!("+1{AREA_OF_STRANGERS}55501{:02}", index % 100)
}
