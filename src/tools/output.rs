//! What commands print: results on standard output, notes on standard error. Whoever stops reading ends the command quietly.

use std::io::{ErrorKind, IsTerminal as _, Write as _};

/// A result.
pub fn say(text: &str) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}")
        && error.kind() == ErrorKind::BrokenPipe
    {
        std::process::exit(0); // `| head` has what it wanted
    }
}

/// A note or progress: not part of the result.
pub fn note(text: &str) {
    _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Colours only for people who look at a terminal and did not ask for none.
#[derive(Debug, Clone, Copy)]
pub struct Colors(bool);

impl Colors {
    pub fn of_stdout() -> Self {
        Self(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    #[cfg(test)]
    pub const NONE: Self = Self(false);

    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// As above; a lower bound is `20,000+`.
pub fn at_least(number: u64, is_lower_bound: bool) -> String {
    format!("{}{}", thousands(number), if is_lower_bound { "+" } else { "" })
}

/// `1 record`, `2 records`.
pub fn counted(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", thousands(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 246_140, 1_234_567].map(thousands), ["0", "999", "1,000", "246,140", "1,234,567"]);
    }

    #[test]
    fn a_lower_bound_says_that_there_may_be_more() {
        assert_eq!([at_least(20_000, true), at_least(20_000, false)], ["20,000+", "20,000"]);
    }

    #[test]
    fn one_of_a_thing_is_singular() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "record")), ["0 records", "1 record", "2 records"]);
    }
}
