//! Checks of tables that are the administrator's own: runs the queries with a sample number and shows what comes back.

use chrono::{Months, Utc};

use super::Finding;
use crate::config::Journey;
use crate::journey::postgres::tables::{Sample, Tables};
use crate::journey::{Source, Store, StoreError};
use crate::phone;

/// Of the sources that are not in `journey.store`.
pub async fn check(settings: &Journey, number: Option<&str>, print: &mut impl FnMut(&Finding)) {
    for source in Source::ALL {
        let place = settings.sources.of(source);
        let check = format!("journey.sources.{}", source.name());
        match (&place.interactions, &place.store) {
            (Some(_), _) => {
                let samples = match Tables::open(source, settings) {
                    Ok(tables) => sample(&tables, settings, number).await,
                    Err(error) => Err(error),
                };
                match samples {
                    Ok(samples) => samples.iter().for_each(|sample| print(&shown(sample, number))),
                    Err(error) => {
                        let todo = "mend the query, or the columns it gives; a user that may only read is enough";
                        print(&Finding::fail(&check, error.to_string(), todo));
                    }
                }
            }
            (None, Some(store)) => {
                let own = Journey { store: store.clone(), ..settings.clone() };
                let ready = match Store::open(&own) {
                    Ok(store) => store.ready().await,
                    Err(error) => Err(error),
                };
                print(&match ready {
                    Ok(()) => Finding::ok(&check, format!("{} can be used", store.without_password())),
                    Err(error) => Finding::fail(
                        &check,
                        error.to_string(),
                        "backstory migrate --set journey.store=… makes its tables",
                    ),
                });
            }
            (None, None) => {}
        }
    }
}

async fn sample(tables: &Tables, settings: &Journey, number: Option<&str>) -> Result<Vec<Sample>, StoreError> {
    // A number that nobody has still shows the columns.
    let given = number.unwrap_or("+10000000000");
    let number = phone::address(given, settings.default_region.0).unwrap_or_else(|| given.to_owned());
    let now = Utc::now();
    tables.sample(&number, now.checked_sub_months(Months::new(12)).unwrap_or(now)).await
}

fn shown(sample: &Sample, number: Option<&str>) -> Finding {
    let width = sample.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or_default();
    let mut text = format!("{} rows in 12 months", sample.rows);
    for column in &sample.columns {
        let fills = column.fills.map_or("not used".into(), |ours| format!("→ {ours}"));
        let first = column.first.as_deref().map(|first| format!(", first: {first}")).unwrap_or_default();
        text += &format!("\n        {:width$}  {} {fills}{first}", column.name, column.has_type);
    }
    match number {
        None => Finding::warn(
            &sample.key,
            text,
            "try it with a number that has a history: backstory check --number +12015550100",
        ),
        Some(_) if sample.rows == 0 => Finding::warn(
            &sample.key,
            text,
            "nothing for this number: the query gets it in E.164, such as +12015550100",
        ),
        Some(_) => Finding::ok(&sample.key, text),
    }
}
