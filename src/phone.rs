//! Addresses as they are kept and looked up: numbers in E.164, e-mail and SIP addresses in lower case, the rest as given.

use std::borrow::Cow;
use std::cell::RefCell;
use std::panic::catch_unwind;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

/// Fewer digits are an extension, not somebody's number.
const DIGITS_MIN: usize = 7;
/// Longer texts are no addresses (E.164 has 15 digits, an e-mail address at most 254 characters).
const ADDRESS_BYTES_MAX: usize = 320;
/// What switches write when the caller does not want to be known, or they do not know.
const NOBODY: &[&str] = &[
    "anonymous",
    "restricted",
    "unavailable",
    "unknown",
    "private",
    "withheld",
    "blocked",
    "null",
    "none",
    "asserted",
];

/// The key under which an address is kept: E.164 where that is possible, lower case for what has an `@`, else as given.
/// `None`: nobody can be looked up by it (empty, anonymous, an extension).
///
/// `+1 (201) 555-0142`, `tel:+12015550142`, `sip:+12015550142@host;user=phone` and `whatsapp:+12015550142` are one address, and
/// so is what has an extension behind it (`;ext=12`, `x12`, `,,12`): a company's line and its desks are one customer.
/// `region` is where a number without a country code belongs.
pub fn address(given: &str, region: Region) -> Option<String> {
    // `sip:name@host` is written in any letters, as e-mail addresses are; and all that follows reads what will be kept.
    let given = given.trim();
    let given = if given.contains('@') { Cow::Owned(given.to_lowercase()) } else { Cow::Borrowed(given) };
    if given.is_empty() || given.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    let bare = without_scheme(&given);
    if NOBODY.contains(&bare.to_ascii_lowercase().as_str()) {
        return None;
    }
    if bare.contains('@') {
        return Some(bare.to_owned());
    }
    let digits = bare.chars().filter(|c| c.is_numeric()).count();
    if digits == 0 || (digits < DIGITS_MIN && !bare.chars().any(char::is_alphabetic)) {
        return None;
    }
    e164(bare, region).or_else(|| Some(given.into_owned()))
}

/// Whether a kept address is a number that could not be read: it was kept as given, and only the same text finds it.
pub fn is_as_given(kept: &str) -> bool {
    !kept.contains('@') && possible(kept, None).as_deref() != Some(kept) && kept.chars().any(char::is_numeric)
}

/// `00` stands for `+` nearly everywhere: where the region has another prefix (`011`), it is tried second.
fn e164(bare: &str, region: Region) -> Option<String> {
    possible(bare, Some(region)).or_else(|| possible(&format!("+{}", bare.strip_prefix("00")?), None))
}

/// What [`possible`] found last.
struct Before {
    bare: String,
    region: Option<Region>,
    possible: Option<String>,
}

thread_local! {
    /// With a region and without: histories come contact by contact, and a number takes as long to read as half its record.
    static BEFORE: RefCell<[Option<Before>; 2]> = const { RefCell::new([None, None]) };
}

/// Being possible is enough: numbers set aside for fiction are invalid and must work.
fn possible(bare: &str, region: Option<Region>) -> Option<String> {
    BEFORE.with_borrow_mut(|before| {
        let before = &mut before[usize::from(region.is_some())];
        match before {
            Some(before) if before.bare == bare && before.region == region => before.possible.clone(),
            _ => {
                let possible = read(bare, region);
                *before = Some(Before { bare: bare.to_owned(), region, possible: possible.clone() });
                possible
            }
        }
    })
}

/// `0000 06 1234567` would lose a zero each time that it is read, and of letters and digits may remain as few as of an extension:
/// such ones are nobody's numbers.
fn read(bare: &str, region: Option<Region>) -> Option<String> {
    let once = |bare: &str, region| {
        if is_torn(bare) {
            return None;
        }
        // Whatever else it panics at is no number either, and ends nothing.
        let number = catch_unwind(|| PhoneNumber::parse(bare, region)).ok()?.ok()?;
        PHONE_NUMBER_UTIL.is_possible_number(&number).then(|| number.format_as(PhoneNumberFormat::E164).into_owned())
    };
    let e164 = once(bare, region).filter(|e164| e164.len() > DIGITS_MIN)?;
    (e164 == bare || once(&e164, None).as_deref() == Some(&*e164)).then_some(e164)
}

/// A number's scheme behind its context: the library looks for the number between the two, and panics.
fn is_torn(bare: &str) -> bool {
    bare.split_once(";phone-context=").is_some_and(|(_, behind)| behind.contains("tel:"))
}

/// `sip:+1201…@host;user=phone` names the number before the `@`; any other `…@…` is an e-mail address. A scheme may stand before
/// another one: what is left has none, so that it is the same when it is read again.
fn without_scheme(given: &str) -> &str {
    let mut bare = given.trim();
    while let Some((scheme, rest)) = bare.split_once(':') {
        bare = match scheme.to_ascii_lowercase().as_str() {
            "sip" | "sips" => rest.split(['@', ';']).next().unwrap_or(rest),
            "tel" | "whatsapp" | "sms" | "mailto" | "client" => rest,
            _ => break,
        }
        .trim();
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(given: &str) -> Option<String> {
        address(given, Region::US)
    }

    #[test]
    fn every_way_of_writing_a_number_is_one_address() {
        for given in [
            "+12015550142",
            "12015550142",
            "2015550142",
            "(201) 555-0142",
            " +1 201 555 0142 ",
            "tel:+1-201-555-0142",
            "sip:+12015550142@10.0.0.1;user=phone",
            "whatsapp:+12015550142",
            "+١٢٠١٥٥٥٠١٤٢",
            "＋１２０１５５５０１４２",
            "+१२०१५५५०१४२",
            "TEL:+12015550142",
            "sips:12015550142@pbx.example:5061;transport=tls",
            "sip:+1-201-555-0142;phone-context=example.com@host",
            "tel:201-555-0142;phone-context=+1",
            "sms:+12015550142",
            "0012015550142",
            "00 1 (201) 555 0142",
            "011 1 201 555 0142",
            "201.555.0142",
            "[201] 555/0142",
            "\u{202a}+1\u{a0}201\u{a0}555\u{a0}0142\u{202c}",
        ] {
            assert_eq!(us(given).as_deref(), Some("+12015550142"), "{given}");
        }
    }

    #[test]
    fn an_extension_behind_a_full_number_is_dropped() {
        for given in [
            "tel:+1-201-555-0142;ext=12",
            "+12015550142;ext=12",
            "+1 201 555 0142 x12",
            "(201) 555-0142 ext. 12",
            "2015550142 extension 12",
            "+12015550142,,12",
            "+12015550142,,12#",
            "sip:+12015550142;ext=12@host",
        ] {
            assert_eq!(us(given).as_deref(), Some("+12015550142"), "{given}");
        }
    }

    #[test]
    fn a_national_number_belongs_to_its_region() {
        let of = |given: &str, region| address(given, region).unwrap_or_default();
        assert_eq!(of("912 345 678", Region::PT), "+351912345678");
        assert_eq!(of("(0)20 7946 0142", Region::GB), "+442079460142");
        assert_eq!(of("+44 (0)20 7946 0142", Region::US), "+442079460142");
        assert_eq!(of("06 1234567", Region::IT), "+39061234567");
        assert_eq!(of("٠٥٠ ١٢٣ ٤٥٦٧", Region::AE), "+971501234567");
        assert_eq!(of("1-800-FLOWERS", Region::US), "+18003569377");
    }

    #[test]
    fn a_number_that_comes_again_is_read_as_it_would_be_alone() {
        let of = |given: &str, region| address(given, region).unwrap_or_default();
        assert_eq!(of("912 345 678", Region::PT), "+351912345678");
        assert_eq!(of("912 345 678", Region::PT), "+351912345678");
        assert_eq!(of("912 345 678", Region::ES), "+34912345678");
        assert!(is_as_given("912 345 678") && !is_as_given("+34912345678") && is_as_given("912 345 678"));
    }

    #[test]
    fn an_italian_number_keeps_its_zero() {
        assert_eq!(address("0039 06 1234567", Region::DE).as_deref(), Some("+39061234567"));
    }

    #[test]
    fn nobody_can_be_looked_up_by_an_anonymous_number_or_an_extension() {
        for given in
            ["", "  ", "anonymous", "Restricted", "sip:anonymous@anonymous.invalid", "1001", "335892", "+", "-"]
        {
            assert_eq!(us(given), None, "{given}");
        }
    }

    #[test]
    fn what_cannot_be_parsed_is_kept_as_given_marked_and_found_by_exactly_that() {
        for given in ["99999999999999999999", "+999123456789", "+1201555", "CUST-0042-7781", "tel:12345678901234567890"]
        {
            let kept = us(given).unwrap();
            assert_eq!(kept, given);
            assert!(is_as_given(&kept), "{given}");
            assert_eq!(us(&kept).unwrap(), kept);
            assert_ne!(us(&format!("{given}0")).unwrap(), kept);
        }
        for known in ["+12015550142", "+39061234567", "ana@example.com", "", "anonymous"] {
            assert!(!is_as_given(known), "{known}");
        }
    }

    /// What a store holds must be what it is looked up by. Found by fuzzing (`zeros-before-zeros` and `letters-before-few-digits` among its seeds).
    #[test]
    fn what_is_kept_is_the_same_when_it_is_read_again() {
        for given in
            ["mailto:mailto:Ana@example.com", "mailto: Ana@example.com", "sip:tel:+12015550142@host", "tel: 1001"]
        {
            let kept = us(given);
            assert_eq!(kept.as_deref().and_then(us), kept, "{given}");
        }
        let german = |given: &str| address(given, Region::DE);
        assert_eq!(german("0000 06 1234567").as_deref(), Some("0000 06 1234567"), "it is kept as given");
        assert_eq!(german("sip:+24031100284Y@Host").as_deref(), Some("sip:+24031100284y@host"));
        assert_eq!(german("3;phone-context=+1;88888888tel:").as_deref(), Some("3;phone-context=+1;88888888tel:"));
        let gb = |given: &str| address(given, Region::GB);
        assert_eq!(gb("sip:t:200 h o\u{130}@)").and_then(|kept| gb(&kept)), gb("sip:t:200 h o\u{130}@)"));
        assert_eq!(german("kkkkkkkkk oukkkkk08!").and_then(|kept| german(&kept)), german("kkkkkkkkk oukkkkk08!"));
        assert!(is_as_given("0000 06 1234567") && is_as_given("+49000061234567"));
        assert_eq!(us("mailto:mailto:Ana@example.com").as_deref(), Some("ana@example.com"));
        assert_eq!(us(&format!("{}@b", "\u{130}".repeat(150))), None, "it would be longer than what can be looked up");
    }

    #[test]
    fn an_email_address_is_kept_in_lower_case() {
        assert_eq!(us("mailto:Ana.Silva@Example.COM").as_deref(), Some("ana.silva@example.com"));
    }
}
