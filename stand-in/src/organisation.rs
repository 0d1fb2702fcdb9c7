//! An organisation of any size: the months of the sample workspace, denser and over and over again, so
//! that its rows lie evenly over three years and belong together as those of the sample do. Of a second
//! one of the same size a part can have changed since.

mod template;
mod news;

use chrono::{DateTime, Utc};

use super::changes::Changes;
use super::month::{MOST_MONTHS, Stretch};
use super::time::DAY;
use super::workspace::Workspace;

/// How far back the rows go.
const YEARS: i64 = 3 * 365 * DAY;
/// Rows of these lists belong to incidents or alerts and grow with them; all others are few.
const GROWING: &[&str] = &[
    "v2.incidents",
    "v2.alerts",
    "v2.workflow_runs",
    "v2.incident_alerts",
    "v2.incident_updates",
    "v3.actions",
    "v3.follow_ups",
    "v2.escalations",
    "v1.postmortem_documents",
    "v1.postmortem_documents.id.content",
    "v1.incident_attachments",
    "v1.incident_relationships",
    "v2.incident_activity_log_entries",
    "v2.incident_timeline_items",
    "v2.incident_participants",
    "v2.incident_participant_workloads",
    "v1.alert_notes",
    "v2.alert_attachments",
];
/// Rows of these lists change; of others new ones come.
const CHANGING: &[&str] = &[
    "v2.incidents",
    "v2.alerts",
    "v3.actions",
    "v3.follow_ups",
    "v2.escalations",
    "v1.postmortem_documents",
];

/// How large an organisation is, and what has changed in it.
#[derive(Debug, Clone, Copy)]
pub struct Organisation {
    /// How many incidents there are, rounded up to a multiple of 30. Each comes with 15 alerts, 10
    /// workflow runs, 5 links to alerts, 3 updates, an action, a follow-up and an escalation; one of 15
    /// has a post-mortem.
    pub incidents: usize,
    /// Up to when rows were made, but for a few workflow runs that have not ended.
    pub until: DateTime<Utc>,
    /// What has changed since.
    pub changed: Option<Changed>,
}

/// Changes in an organisation.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// How much of everything: so many hundredths.
    pub percent: f64,
    /// The end of the hour in which it changed.
    pub at: DateTime<Utc>,
}

impl Workspace {
    /// A workspace of this size; the sample's beside, as far as it does not grow with incidents and alerts.
    ///
    /// # Errors
    /// If an embedded file is not of the form that the stand-in reads, or the size is out of range.
    pub fn organisation(organisation: &Organisation) -> Result<Self, String> {
        let repetitions = organisation.incidents.div_ceil(template::INCIDENTS);
        if !(1..=MOST_MONTHS).contains(&repetitions) {
            let most = MOST_MONTHS * template::INCIDENTS;
            return Err(format!(
                "{} incidents, but 1 to {most} are possible",
                organisation.incidents
            ));
        }
        let mut workspace = Self::with_months(repetitions)?;
        let until = organisation.until.timestamp_micros();
        workspace.stretch = Some(Stretch { until, length: YEARS });
        for (stem, collection) in &mut workspace.collections {
            collection.is_history &= GROWING.contains(&stem.as_str());
        }
        template::grow(&mut workspace);
        let changes = organisation.changed.map(changes).transpose()?;
        for stem in CHANGING {
            if let Some(collection) = workspace.collections.get_mut(*stem) {
                collection.changes = changes;
            }
        }
        news::add(&mut workspace, until, changes);
        Ok(workspace)
    }
}

fn changes(changed: Changed) -> Result<Changes, String> {
    let every = 100.0 / changed.percent;
    if !(1.0..1e9).contains(&every) {
        return Err(format!("{} % cannot have changed", changed.percent));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10^9")]
    Ok(Changes { every: every.round() as usize, until: changed.at.timestamp_micros() })
}

#[cfg(test)]
mod tests {
    use super::super::changes::UPDATED_AT;
    use super::*;

    #[test]
    fn what_grows_is_history_and_what_changes_says_when() {
        let sample = Workspace::sample().unwrap();
        for stem in GROWING {
            assert!(sample.collections[*stem].is_history, "{stem}");
        }
        for stem in CHANGING {
            let mut rows = sample.collections[*stem].rows.iter();
            assert!(rows.all(|row| row.get(UPDATED_AT).is_some()), "{stem}");
        }
    }
}
