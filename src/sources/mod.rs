//! The systems that the tap reads: a module for each, with its facts and its table of streams.

#[cfg(feature = "demo")]
mod sample;
pub mod actian;
pub mod incident_io;
pub mod signalfx;

use self::actian::ACTIAN;
use self::incident_io::INCIDENT_IO;
use self::signalfx::SIGNALFX;
use crate::source::Source;

/// What the program does, for its help.
pub const ABOUT: &str = "The Singer tap for incident.io, SignalFx and Actian: prints SCHEMA, RECORD and \
    STATE lines for a Singer target";
/// What can be chosen, for its help.
pub const CHOICE: &str = "Which system of incidents to read: `incident_io`, `signalfx` or `actian`";
/// All of them.
pub static SOURCES: &[&Source] = &[&INCIDENT_IO, &SIGNALFX, &ACTIAN];
/// The one that is read where nobody chose.
pub static DEFAULT: &Source = &INCIDENT_IO;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::source::schema;
    use crate::source::stream::{Modes, Origin, Stream};

    #[test]
    fn help_names_every_source() {
        assert!(SOURCES.iter().all(|source| CHOICE.contains(&format!("`{}`", source.name))));
    }

    /// The streams of all sources.
    fn all() -> impl Iterator<Item = &'static Stream> {
        SOURCES.iter().flat_map(|source| source.streams)
    }

    #[test]
    fn names_are_unique_and_of_the_letters_that_meltano_and_stitch_take() {
        for source in SOURCES {
            let names = source.streams.iter().map(|stream| stream.name).collect::<BTreeSet<_>>();
            assert_eq!(names.len(), source.streams.len());
        }
        let names = all().map(|stream| stream.name).chain(SOURCES.iter().map(|one| one.name));
        let is_plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!({ names }.all(is_plain));
    }

    #[test]
    fn every_row_has_a_schema_with_its_key_and_its_replication_key() {
        for stream in all() {
            let schema = schema::embedded(stream).unwrap();
            let property = |name: &str| schema.pointer(&format!("/properties/{name}"));
            assert!(stream.key.iter().all(|name| property(name).is_some()), "{}", stream.name);
            if let Some(key) = stream.replication_key() {
                assert_eq!(property(key).unwrap()["format"], "date-time");
            }
        }
    }

    #[test]
    fn every_row_says_what_it_is_in_a_line() {
        assert!(all().all(|stream| (10..80).contains(&stream.about.len())));
    }

    /// The parameters that a path has places for.
    fn places(path: &str) -> BTreeSet<&str> {
        path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    #[test]
    fn every_place_in_a_path_is_bound_by_every_parent() {
        for stream in all() {
            let details = stream.detail.iter().map(|detail| (detail.path, detail.parents));
            for (path, parents) in details.chain([(stream.path, stream.parents)]) {
                assert!(places(path).is_empty() || !parents.is_empty(), "{path}");
                for parent in parents {
                    let bound = parent.bindings.iter().map(|binding| binding.parameter);
                    assert!(places(path).is_subset(&bound.collect()), "{path}");
                }
            }
        }
    }

    #[test]
    fn parents_come_first_and_have_what_their_children_take() {
        for stream in all() {
            let streams = stream.source.streams;
            let place = streams.iter().position(|row| row == stream).unwrap();
            for parent in stream.all_parents() {
                let is_earlier = streams[..place].iter().any(|row| row.name == parent.stream);
                assert!(is_earlier, "{} before {}", parent.stream, stream.name);
                let schema = schema::embedded(stream.source.named(parent.stream).unwrap()).unwrap();
                for binding in parent.bindings {
                    assert!(schema["properties"].get(binding.field).is_some(), "{}", stream.name);
                }
            }
        }
    }

    #[test]
    fn of_a_parent_its_id_is_taken_first_and_its_time_last() {
        for stream in all() {
            let moves = stream.moves.iter().flat_map(|moves| moves.parents);
            for parent in stream.all_parents().chain(moves) {
                let (first, last) = (&parent.bindings[0], parent.bindings.last().unwrap());
                assert!(first.is_asked || !stream.posts.is_empty(), "{}", stream.name);
                if !last.is_asked {
                    let schema =
                        schema::embedded(stream.source.named(parent.stream).unwrap()).unwrap();
                    // What is no time counts as changed.
                    let types = schema["properties"][last.field]["type"].to_string();
                    assert!(types.contains("string"), "{}", stream.name);
                }
                if parent.bindings.len() > 1 && stream.replication_key() == Some(last.parameter) {
                    assert!(!last.is_asked, "{}", stream.name);
                }
            }
        }
    }

    /// A scan that goes on inside of its list would not know what came before, and was not finished.
    #[test]
    fn what_waits_for_unfinished_records_is_read_from_its_start() {
        for stream in all().filter(|stream| stream.unfinished.is_some()) {
            let is_one_series = stream.modes == Modes::None && stream.window.is_none();
            assert!(is_one_series && !stream.is_ordered && stream.times.is_none());
        }
    }

    #[test]
    fn a_column_names_a_parameter_that_the_parents_bind() {
        for stream in all() {
            let bound = stream.all_parents().flat_map(|parent| parent.bindings);
            let bound = bound.map(|binding| binding.parameter).collect::<BTreeSet<_>>();
            for column in stream.columns {
                match column.source {
                    Origin::Parent(parameter)
                    | Origin::ParentTime(parameter)
                    | Origin::ParentNumber(parameter) => {
                        assert!(bound.contains(parameter), "{}.{}", stream.name, column.name);
                    }
                    Origin::Setting(name) => {
                        assert!(stream.source.address.settings().any(|known| known == name));
                    }
                    _ => {}
                }
            }
        }
    }
}
