//! Catalogs as they come back from people and tools that know better: narrowed, widened, mistyped.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tap_incident::singer::catalog::discover;
use tap_incident::source::Source;
use tap_incident::source::schema;
use tap_incident::sources::SOURCES;

/// A field that no release knows, and that a catalog may have.
pub const EXTRA: &str = "extra";

/// Something that a catalog says otherwise than ours.
#[derive(Debug, Clone)]
pub enum Twist {
    /// This in place of a field.
    Replace(Value),
    Remove,
    /// A keyword more.
    Say(&'static str, Value),
    /// The field [`EXTRA`] beside this one.
    Add(Value),
    /// The field in other words.
    Wrap(&'static str),
    /// What the metadata says of the field.
    Choose(Value),
    /// Another key of the entry.
    Key(&'static str, Value),
    /// What the metadata says of the stream.
    Root(&'static str, Value),
    /// A keyword of the schema of the record.
    Record(&'static str, Value),
}

/// A twist, of which stream, and at the field that is so many 65,536ths of all away from its first.
pub type Placed = (Index, u16, Twist);

pub fn any_twists(most: usize) -> impl Strategy<Value = Vec<Placed>> {
    prop::collection::vec((any::<Index>(), any::<u16>(), any_twist()), 1..most)
}

/// The entries of our catalog, selected and twisted.
pub fn twisted(source: &Source, streams: &[&str], twists: &[Placed]) -> Value {
    static WHOLE: OnceLock<BTreeMap<&str, Value>> = OnceLock::new();
    let whole = WHOLE.get_or_init(|| {
        let catalog = |source: &&Source| (source.name, discover(source).unwrap());
        SOURCES.iter().map(catalog).collect()
    });
    let whole = &whole[source.name];
    let is_chosen = |entry: &&Value| streams.contains(&entry["stream"].as_str().unwrap());
    let chosen = whole["streams"].as_array().unwrap().iter().filter(is_chosen);
    let mut entries = chosen.cloned().collect::<Vec<_>>();
    for entry in &mut entries {
        entry["selected"] = true.into();
    }
    for (stream, at, twist) in twists {
        apply(stream.get_mut(&mut entries), *at, twist);
    }
    json!({ "streams": entries })
}

fn apply(entry: &mut Value, at: u16, twist: &Twist) {
    match twist {
        Twist::Key(key, value) => entry[*key] = value.clone(),
        Twist::Record(word, value) => entry["schema"][*word] = value.clone(),
        Twist::Root(name, value) if entry["metadata"].get(0).is_some() => {
            entry["metadata"][0]["metadata"][*name] = value.clone();
        }
        Twist::Root(..) => {}
        of_field => apply_to_field(entry, at, of_field),
    }
}

fn apply_to_field(entry: &mut Value, at: u16, twist: &Twist) {
    let places = schema::properties(&entry["schema"]);
    let Some((place, _)) = places.get(usize::from(at) * places.len() / 65_536) else { return };
    let place = place.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
    let (name, parents) = place.split_last().unwrap();
    let fields = entry["schema"].pointer_mut(&format!("/{}", parents.join("/"))).unwrap();
    let field = &mut fields[name];
    match twist {
        Twist::Replace(other) => *field = other.clone(),
        Twist::Remove => drop(fields.as_object_mut().unwrap().remove(name)),
        Twist::Say(word, value) if field.is_object() => field[*word] = value.clone(),
        Twist::Add(other) => fields[EXTRA] = other.clone(),
        Twist::Wrap(word) => *field = json!({*word: [field.take(), {"type": "null"}]}),
        Twist::Choose(choice) if entry["metadata"].is_array() => {
            let metadata = entry["metadata"].as_array_mut().unwrap();
            metadata.retain(|known| known["breadcrumb"] != json!(place));
            metadata.push(json!({"breadcrumb": place, "metadata": choice}));
        }
        _ => {}
    }
}

fn any_twist() -> impl Strategy<Value = Twist> {
    let wraps = vec!["anyOf", "oneOf", "allOf"];
    prop_oneof![
        8 => any_field().prop_map(Twist::Replace),
        3 => Just(Twist::Remove),
        8 => any_of(words()).prop_map(|(word, value)| Twist::Say(word, value)),
        8 => any_field().prop_map(Twist::Add),
        3 => select(wraps).prop_map(Twist::Wrap),
        8 => select(choices()).prop_map(Twist::Choose),
        1 => any_of(keys()).prop_map(|(key, value)| Twist::Key(key, value)),
        4 => any_of(of_streams()).prop_map(|(name, value)| Twist::Root(name, value)),
        1 => any_of(words()).prop_map(|(word, value)| Twist::Record(word, value))
            .prop_filter("an error, which a test of its own has", |twist| {
                !matches!(twist, Twist::Record("properties", value) if !value.is_object())
            }),
    ]
}

/// A name and one of its values.
fn any_of(said: Vec<(&'static str, Vec<Value>)>) -> impl Strategy<Value = (&'static str, Value)> {
    select(said).prop_flat_map(|(name, values)| (Just(name), select(values)))
}

/// Keywords of schemas.
fn words() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("required", vec![json!(["a", "id"]), json!([EXTRA]), json!(true)]),
        ("additionalProperties", vec![json!(false), json!({"type": "string"})]),
        ("patternProperties", vec![json!({".*": {"type": "null"}})]),
        ("enum", vec![json!(["nothing"]), json!([])]),
        ("maxLength", vec![json!(0), json!("long")]),
        ("maximum", vec![json!(-1)]),
        ("pattern", vec![json!("^$"), json!("(")]),
        ("not", vec![json!({})]),
        ("$ref", vec![json!("#"), json!("#/definitions/nowhere"), json!("http://127.0.0.1:9/x")]),
        (
            "definitions",
            vec![json!({"place": {"type": "object", "required": ["b"],
            "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/definitions/place"}}}})],
        ),
        ("format", vec![json!("email"), json!("date-time"), json!("date"), json!(5)]),
        (
            "type",
            vec![
                json!("string"),
                json!("object"),
                json!("array"),
                json!(["integer"]),
                json!(["string", "integer", "boolean"]),
                json!(["null"]),
                json!("String"),
                json!([["string"], 5, null, "text"]),
                json!([]),
                json!({"string": true}),
                json!(null),
            ],
        ),
        ("items", vec![json!(false), json!([]), json!([{"type": "null"}]), json!({"minimum": 5})]),
        ("properties", vec![json!({}), json!("none"), json!(null), json!([{}])]),
    ]
}

/// What metadata says of a field.
fn choices() -> Vec<Value> {
    vec![
        json!({"selected": true}),
        json!({"selected": false}),
        json!({"selected": "FALSE"}),
        json!({"selected-by-default": true}),
        json!({"selected-by-default": false}),
        json!({"inclusion": "unsupported", "selected": true}),
        json!({"inclusion": "automatic", "selected": false}),
        json!({"replication-method": "FULL_TABLE", "replication-key": "updated_at"}),
        Value::Null,
    ]
}

/// What stands beside schema and metadata.
fn keys() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("key_properties", vec![json!(["a", 7]), json!("id"), json!(["id", "name"]), json!([])]),
        ("replication_key", vec![json!(["x"]), json!("created_at"), json!("")]),
        (
            "replication_method",
            vec![json!("full_table"), json!("Incremental"), json!(""), json!(null)],
        ),
        ("is_view", vec![json!({})]),
        ("metadata", vec![json!(null), json!([])]),
        ("schema", vec![json!(null)]),
    ]
}

/// What metadata says of a stream.
fn of_streams() -> Vec<(&'static str, Vec<Value>)> {
    let keys = vec![json!(["id", "name"]), json!(["name"]), json!("id"), json!([]), json!([7])];
    vec![
        ("table-key-properties", keys.clone()),
        ("view-key-properties", keys),
        ("valid-replication-keys", vec![json!(["created_at"]), json!("id")]),
        ("replication-key", vec![json!("created_at"), json!(["updated_at"]), json!("")]),
        (
            "replication-method",
            vec![json!(""), json!(" "), json!("full_table"), json!("incremental"), json!(null)],
        ),
        ("forced-replication-method", vec![json!("INCREMENTAL"), json!("LOG_BASED"), json!(5)]),
        ("inclusion", vec![json!("automatic"), json!("unsupported"), json!("none")]),
    ]
}

/// Something that may be found in a catalog in place of a field.
pub fn any_field() -> impl Strategy<Value = Value> {
    let plain = vec![
        json!({"type": "string", "format": "date-time"}),
        json!({"type": ["null", "string"]}),
        json!({"type": ["null", "object"]}),
        json!({"type": ["null", "array"]}),
        json!({"type": "string", "pattern": "^x$", "maxLength": 1}),
        json!({"type": "string", "enum": ["nothing"]}),
        json!({"type": ["integer", "null"], "minimum": 99_999_999}),
        json!({"type": ["string", "integer"], "format": "date-time"}),
        json!({"type": "number"}),
        json!({"type": "boolean", "const": "never"}),
        json!({"type": "null"}),
        json!({"type": "String"}),
        json!({"type": 5}),
        json!({"$ref": "#/definitions/nowhere"}),
        json!({"$ref": "#/definitions/place"}),
        json!({"$ref": "#", "type": "object"}),
        json!({"inclusion": "unsupported", "type": "string"}),
        json!({"not": {}}),
        json!({}),
        json!(true),
        json!(null),
        json!("string"),
        json!([]),
    ];
    select(plain).prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| json!({"type": "array", "items": inner, "minItems": 9})),
            inner.clone().prop_map(|inner| json!({"type": "array", "items": [inner]})),
            inner.clone().prop_map(|inner| json!({"type": "object", "properties": {"a": inner},
                "required": ["a", "b"], "additionalProperties": false})),
            inner.clone().prop_map(|inner| json!({"type": ["string", "object"],
                "properties": {"a": inner, EXTRA: {}}})),
            inner.clone().prop_map(|inner| json!({"anyOf": [inner, {"type": "null"}]})),
            inner.clone().prop_map(|inner| json!({"allOf": [inner]})),
            inner.prop_map(|inner| json!({"oneOf": [{"type": "string"}, inner]})),
        ]
    })
}
