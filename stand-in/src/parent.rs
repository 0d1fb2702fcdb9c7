//! Which list holds the object that a parameter names: `schedule_id` means a row of the schedules.

use super::document::{placeholder, plural};

/// The last path segments that the parent's list may have, the likeliest first. A placeholder in the
/// path is named by the segment before it, and that within the object before, if there is one.
pub(crate) fn lists_of(path: &str, parameter: &str) -> Vec<String> {
    let segments: Vec<&str> = path.split('/').collect();
    let at = segments.iter().position(|segment| placeholder(segment) == Some(parameter));
    let Some(before) = at.and_then(|at| segments.get(..at)) else {
        return parameter.strip_suffix("_id").map(plural).into_iter().collect();
    };
    let mut names = before.iter().rev().filter(|segment| placeholder(segment).is_none());
    let nearest = names.next().map_or(String::new(), |name| name.replace('-', "_"));
    let is_nested = before.iter().any(|segment| placeholder(segment).is_some());
    let outer = names.next().filter(|_| is_nested).map(|name| name.replace('-', "_"));
    let nested = outer.map(|outer| format!("{}_{nearest}", outer.trim_end_matches('s')));
    nested.into_iter().chain([nearest]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_parameter_names_the_plural() {
        assert_eq!(lists_of("/v2/schedule_entries", "schedule_id"), ["schedules"]);
        assert_eq!(lists_of("/v2/policy_findings", "policy_id"), ["policies"]);
    }

    #[test]
    fn a_placeholder_is_named_by_the_segment_before() {
        let path = "/v1/postmortem_documents/{id}/content";
        assert_eq!(lists_of(path, "id"), ["postmortem_documents"]);
        assert_eq!(lists_of("/v2/users/{user_id}/notification_rules", "user_id"), ["users"]);
    }

    #[test]
    fn a_nested_placeholder_is_named_within_its_parent_first() {
        let path = "/v1/status-pages/{id}/incidents/{incident_id}/response-incidents";
        assert_eq!(lists_of(path, "id"), ["status_pages"]);
        assert_eq!(lists_of(path, "incident_id"), ["status_page_incidents", "incidents"]);
    }

    #[test]
    fn what_is_no_id_names_nothing() {
        assert!(lists_of("/v2/users", "email").is_empty());
    }
}
