//! The threat model promises tests by name: they are there, and are run.

use std::path::Path;

/// A cell of the table names files in backticks with a colon behind them, and after each the tests that are in it.
#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read =
        |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = read(&root.join("docs/threat-model.md"));
    let rows = text.lines().skip_while(|line| *line != "| attack | what stops it | test |").skip(2);
    let (mut named, mut wrong) = (0, Vec::new());
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cell = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        let mut file = None;
        for name in cell.split('`').skip(1).step_by(2) {
            if name.ends_with(".rs") {
                let path = if name.starts_with("src/") { root.join(name) } else { root.join("tests/suite").join(name) };
                file = Some((path.clone(), read(&path)));
                continue;
            }
            named += 1;
            let (path, code) = file.as_ref().unwrap_or_else(|| panic!("{name} stands in no file"));
            if !code.contains(&format!("fn {name}(")) {
                wrong.push(format!("{name} is not in {}", path.display()));
            }
        }
    }
    assert!(named > 30, "the table was not found: {named} tests");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
