//! Texts that stand where an id belongs and are none. Whoever took them for ids would show strangers' histories to each other.

/// What export programs and databases write for "nothing", in small letters.
const BUILT_IN: &[&str] = &[
    "null",
    "none",
    "unknown",
    "n/a",
    "-",
    r"\n",
    // Beside those that were seen most: other spellings of the same.
    "nil",
    "nan",
    "undefined",
    "(null)",
    "<null>",
    "#n/a",
    "--",
    "–",
    "—",
    "00000000-0000-0000-0000-000000000000",
];

/// The texts that are no ids: blank ones, placeholders in any case, and what `journey.no_ids` adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoIds {
    /// In small letters, without blanks around.
    added: Vec<String>,
}

impl NoIds {
    pub fn with(added: &[String]) -> Self {
        let mut added: Vec<String> = added.iter().map(|text| text.trim().to_lowercase()).collect();
        added.sort();
        added.dedup();
        Self { added }
    }

    /// Whether the text is no id.
    pub fn has(&self, text: &str) -> bool {
        let bare = text.trim_matches(is_blank);
        let built_in = || BUILT_IN.iter().any(|none| none.eq_ignore_ascii_case(bare));
        let added = || !self.added.is_empty() && self.added.contains(&bare.to_lowercase());
        bare.is_empty() || built_in() || added()
    }

    /// The id, unless it is none.
    pub fn id<'a>(&self, text: &'a str) -> Option<&'a str> {
        Some(text).filter(|text| !self.has(text))
    }

    /// All of them in small letters, for a store that compares them itself.
    pub fn all(&self) -> Vec<&str> {
        let blank = std::iter::once("");
        blank.chain(BUILT_IN.iter().copied()).chain(self.added.iter().map(String::as_str)).collect()
    }
}

/// What nobody sees: blanks, padding, and characters without a width.
fn is_blank(c: char) -> bool {
    matches!(c, '\0' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}') || c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_placeholders_are_no_ids_in_any_case() {
        let no_ids = NoIds::with(&["TBD ".into(), "Ñ/D".into()]);
        for none in [
            "",
            " ",
            "\t",
            "\0",
            "null",
            "NULL",
            " Null ",
            "None",
            "UNKNOWN",
            "n/a",
            "N/A",
            "-",
            r"\N",
            "\u{feff}\u{200b}",
            "—",
            "tbd",
            "ñ/d",
        ] {
            assert!(no_ids.has(none), "{none:?}");
        }
        for id in ["p-1", "0", "Nullmann", "none-1", "N", "--1", "tb", "na"] {
            assert!(!no_ids.has(id), "{id:?}");
        }
        assert!(!NoIds::default().has("tbd"));
    }
}
