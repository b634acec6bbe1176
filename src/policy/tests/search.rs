//! The fast search finds what the slow one finds, and its work does not grow with what there is to find.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::slow::Slow;
use crate::policy::digits::Secrets;

/// Numbers of few digits, so that they share parts, repeat themselves and are full of zeros.
fn number() -> impl Strategy<Value = String> {
    prop_oneof!["\\+[01]{5,14}", "\\+[0-2]{5,13}", "[0-9]{5,12}", "\\+1201555[0-9]{3,4}", "\\+4420[0-9]{3,8}"]
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abİΣ]{0,3}@[abİ\u{307}k]{1,3}",
        "[aAbB]{1,4}-[0-9]{1,3}",
        "[İi\u{307}]{1,4}1",
        "[ä-öÄ-Ö]{1,3}@x",
        "[0-9]{1,4}",
        "[a-z]{0,6}",
    ]
}

/// Parts of addresses and what may stand between them.
fn text(addresses: Vec<String>) -> impl Strategy<Value = String> {
    let piece = (select(addresses), any::<Index>(), any::<Index>(), 0..6_u8).prop_map(|(address, from, to, how)| {
        let chars: Vec<char> = address.chars().collect();
        let (from, to) = (from.index(chars.len().max(1)), to.index(chars.len() + 1));
        let part: String = chars[from.min(to)..from.max(to)].iter().collect();
        match how {
            0 => address,
            1 => part.to_uppercase(),
            2 => part.chars().map(|c| format!("{c} ")).collect(),
            3 => format!("0{part}"),
            4 => format!("{}(0){part}", &address[..address.char_indices().nth(2).map_or(0, |(at, _)| at)]),
            _ => part,
        }
    });
    let between =
        prop_oneof!["", "[ ./()-]{0,5}", "[01]{1,4}", "[a-cİK\u{307}@]{0,3}", "%20|%2B", "[٠-٩]{1,5}", "\\PC{0,3}"];
    prop::collection::vec((between, piece), 1..6)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(between, piece)| [between, piece]).collect())
}

fn secrets_and_text() -> impl Strategy<Value = (Vec<String>, String)> {
    prop::collection::vec(prop_oneof![3 => number(), 1 => word()], 1..12)
        .prop_flat_map(|addresses| (Just(addresses.clone()), text(addresses)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_fast_search_masks_what_the_slow_one_masks((addresses, text) in secrets_and_text(), shown in 0_u8..=6) {
        let fast = Secrets::of(addresses.iter().map(String::as_str), shown);
        let slow = Slow::of(addresses.iter().map(String::as_str), shown);
        prop_assert_eq!(fast.text(&text), slow.text(&text), "{:?} in {:?}", addresses, text);
        prop_assert_eq!(fast.comment(&text), slow.comment(&text), "{:?} in {:?}", addresses, text);
    }
}

#[test]
fn zeros_before_a_number_and_numbers_that_end_another_one_are_masked_as_ever() {
    for (addresses, text) in [
        (&["+00100"][..], "0%20+00100"),
        (&["+101111", "+01111"], "+10111100+01111"),
        (&["+442079460188"], "+44 (0)20 7946 0188, 0 20 7946 0188 or 00442079460188"),
    ] {
        for shown in 0..=6 {
            let (fast, slow) =
                (Secrets::of(addresses.iter().copied(), shown), Slow::of(addresses.iter().copied(), shown));
            assert_eq!(fast.text(text), slow.text(text), "{addresses:?} in {text}");
        }
    }
}
