//! A story on the terminal: the verdict first, then what to do, then the stages.

use chrono_tz::Tz;

use super::story::{Mark, Stage, Story, Verdict};
use crate::tools::output::Colors;

pub fn story(story: &Story, zone: Tz, colors: Colors) -> String {
    let call = story.call_id.as_deref().map(|id| format!("call {id}"));
    let agent = story.agent_id.as_deref().map(|id| format!("agent {id}"));
    let at = story.at.map(|at| at.with_timezone(&zone).format("%F %T %Z").to_string());
    let of: Vec<String> = [call, agent, at].into_iter().flatten().collect();
    let sign = match story.verdict {
        verdict if verdict.is_good() => colors.green("✓"),
        Verdict::Unknown | Verdict::Sent => colors.yellow("?"),
        Verdict::Taken => colors.yellow("–"),
        _ => colors.red("✗"),
    };
    let text = capital(&story.text);
    let mut lines = match of.as_slice() {
        [] => vec![format!("{sign} {text}")],
        of => vec![format!("{sign} {}", colors.bold(&of.join(" · "))), format!("  {text}")],
    };
    lines.extend(story.todo.iter().map(|todo| colors.yellow(&format!("  → {todo}"))));
    let width = story.stages.iter().filter_map(|stage| stage.node.as_deref()).map(str::len).max().unwrap_or_default();
    let width = width.max("calls".len());
    if !story.stages.is_empty() {
        lines.push(String::new());
    }
    lines.extend(story.stages.iter().map(|stage| self::stage(stage, width, zone, colors)));
    lines.join("\n")
}

fn stage(stage: &Stage, width: usize, zone: Tz, colors: Colors) -> String {
    let time = stage.at.with_timezone(&zone).format("%T%.3f");
    let place = stage.node.as_deref().unwrap_or("calls");
    let mark = match stage.mark {
        Mark::Good => colors.green("•"),
        Mark::Bad => colors.red("!"),
        Mark::Plain => "·".to_owned(),
    };
    format!("    {}  {place:<width$}  {mark} {}", colors.dim(&time.to_string()), stage.text)
}

/// As a sentence begins; an agent's id stays as it is written.
fn capital(text: &str) -> String {
    let word = text.split([' ', '\'']).next().unwrap_or_default();
    let plain = ["it", "the", "no", "not", "nobody", "nothing"].contains(&word);
    match text.chars().next().filter(|_| plain) {
        Some(first) => first.to_uppercase().chain(text.chars().skip(1)).chain(['.']).collect(),
        None => format!("{text}."),
    }
}
