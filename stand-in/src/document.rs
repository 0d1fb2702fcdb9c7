//! What the API's document says of each endpoint: its parameters and the shape of its answer. Endpoints
//! are found by the path of a request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The endpoints of an API document.
#[derive(Debug)]
pub(crate) struct Document {
    endpoints: Vec<Endpoint>,
}

/// One path of the document, as far as `GET` is concerned.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) shape: Shape,
}

/// A parameter in the path or the query.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) is_in_path: bool,
    pub(crate) is_required: bool,
    pub(crate) kind: Kind,
}

/// What values a parameter takes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Time,
    Boolean,
    Choice(Vec<String>),
    Integer {
        least: i64,
        most: i64,
    },
    /// Repeated in the query.
    Array,
    /// `name[operator]=value`.
    Object,
}

/// What an answer looks like.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Items under a property.
    List(List),
    /// One item of the list at another path.
    Detail { list: String, property: String, others: BTreeMap<String, Value> },
    /// Something of its own: the only object it holds, if there is one, and the least valid answer.
    Whole { property: Option<String>, least: Value },
    /// Not JSON.
    Other,
}

/// The shape of a list's answer.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) property: String,
    /// Other required properties, with the least valid value of each.
    pub(crate) others: BTreeMap<String, Value>,
    pub(crate) is_paged: bool,
    pub(crate) meta: Meta,
    pub(crate) counts_records: bool,
    /// Properties that only the detail of an item has.
    pub(crate) omitted: Vec<String>,
}

/// Whether an answer has `pagination_meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meta {
    Never,
    Optional,
    Always,
}

impl Document {
    pub(crate) fn read(document: &Value) -> Self {
        let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
        let gets = paths.filter_map(|(path, item)| Some((path, item.get("get")?)));
        let reader = Reader { document };
        let endpoints = gets.map(|(path, operation)| reader.endpoint(path, operation)).collect();
        Self { endpoints }
    }

    /// The endpoint that serves a path, and what stands for its placeholders. A literal path wins.
    pub(crate) fn find(&self, path: &str) -> Option<(&Endpoint, BTreeMap<String, String>)> {
        if let Some(literal) = self.endpoints.iter().find(|endpoint| endpoint.path == path) {
            return Some((literal, BTreeMap::new()));
        }
        let found = self.endpoints.iter().filter_map(|endpoint| {
            let bound = bind(&endpoint.path, path)?;
            Some((endpoint, bound))
        });
        found.min_by_key(|(_, bound)| bound.len())
    }

    /// The lists whose path ends in this segment, in the order of their paths.
    pub(crate) fn lists(&self, segment: &str) -> impl DoubleEndedIterator<Item = &Endpoint> {
        self.endpoints.iter().filter(move |endpoint| {
            let last = endpoint.path.rsplit('/').next().unwrap_or_default();
            let is_list = matches!(endpoint.shape, Shape::List(_));
            is_list && last.len() == segment.len() && last.replace('-', "_") == segment
        })
    }
}

impl Endpoint {
    pub(crate) fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

fn bind(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (mut names, mut values) = (template.split('/'), path.split('/'));
    let mut bound = BTreeMap::new();
    loop {
        match (names.next(), values.next()) {
            (None, None) => return Some(bound),
            (Some(name), Some(value)) => match placeholder(name) {
                Some(_) if value.is_empty() => return None,
                Some(name) => drop(bound.insert(name.to_owned(), value.to_owned())),
                None if name == value => {}
                None => return None,
            },
            _ => return None,
        }
    }
}

/// The name within the braces of a placeholder.
pub(crate) fn placeholder(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The plural of a word of the API.
pub(crate) fn plural(word: &str) -> String {
    match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if word.ends_with('s') => format!("{word}es"),
        _ => format!("{word}s"),
    }
}

struct Reader<'d> {
    document: &'d Value,
}

impl<'d> Reader<'d> {
    fn endpoint(&self, path: &str, operation: &'d Value) -> Endpoint {
        let parameters =
            operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let parameters: Vec<Parameter> =
            parameters.filter_map(|parameter| self.parameter(parameter)).collect();
        let shape = match self.answer(operation) {
            Some(schema) => self.shape(path, schema, &parameters),
            None => Shape::Other,
        };
        Endpoint { path: path.to_owned(), parameters, shape }
    }

    fn parameter(&self, parameter: &'d Value) -> Option<Parameter> {
        let parameter = self.resolve(parameter);
        let place = parameter.get("in").and_then(Value::as_str)?;
        let name = parameter.get("name").and_then(Value::as_str)?.to_owned();
        let kind = self.kind(parameter.get("schema")?);
        let is_required = parameter.get("required").and_then(Value::as_bool) == Some(true);
        let is_in_path = place == "path";
        (is_in_path || place == "query").then_some(Parameter {
            name,
            is_in_path,
            is_required,
            kind,
        })
    }

    fn kind(&self, schema: &'d Value) -> Kind {
        let schema = self.resolve(schema);
        let number = |name: &str| schema.get(name).and_then(Value::as_i64);
        let choices = schema.get("enum").and_then(Value::as_array);
        match text(schema, "type") {
            "integer" => Kind::Integer {
                least: number("minimum").unwrap_or(i64::MIN),
                most: number("maximum").unwrap_or(i64::MAX),
            },
            "boolean" => Kind::Boolean,
            "array" => Kind::Array,
            "object" => Kind::Object,
            _ if text(schema, "format") == "date-time" => Kind::Time,
            _ => choices.map_or(Kind::Text, |choices| {
                Kind::Choice(choices.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }),
        }
    }

    fn shape(&self, path: &str, schema: &'d Value, parameters: &[Parameter]) -> Shape {
        let (parent, last) = path.rsplit_once('/').unwrap_or_default();
        if placeholder(last).is_some() {
            return self.detail(parent, schema).unwrap_or_else(|| self.whole(schema));
        }
        let mut arrays =
            self.properties(schema).filter(|(_, value)| text(value, "type") == "array");
        match (arrays.next(), arrays.next()) {
            (Some((property, items)), None) => {
                Shape::List(self.list(path, (property, items), schema, parameters))
            }
            _ => self.whole(schema),
        }
    }

    fn list(
        &self,
        path: &str,
        (property, items): (&str, &'d Value),
        schema: &'d Value,
        parameters: &[Parameter],
    ) -> List {
        let meta = self.property(schema, "pagination_meta");
        let item = items.get("items").map(|item| self.resolve(item));
        let in_detail = self.item_in_detail(path, property);
        let only_in_detail = self
            .properties(in_detail.unwrap_or(&Value::Null))
            .filter(|(name, _)| item.is_some_and(|item| self.property(item, name).is_none()));
        List {
            property: property.to_owned(),
            others: self.others(schema, &[property, "pagination_meta"]),
            is_paged: parameters.iter().any(|parameter| parameter.name == "page_size"),
            meta: match meta {
                None => Meta::Never,
                Some(_) if is_required(schema, "pagination_meta") => Meta::Always,
                Some(_) => Meta::Optional,
            },
            counts_records: meta
                .is_some_and(|meta| self.property(meta, "total_record_count").is_some()),
            omitted: only_in_detail.map(|(name, _)| name.to_owned()).collect(),
        }
    }

    /// The schema of one item as the detail endpoint of a list gives it.
    fn item_in_detail(&self, path: &str, list_property: &str) -> Option<&'d Value> {
        let mut paths = self.document.get("paths")?.as_object()?.iter();
        let (_, item) = paths.find(|(other, _)| {
            let last = other.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'));
            last.is_some_and(|last| placeholder(last).is_some())
        })?;
        let schema = self.answer(item.get("get")?)?;
        self.properties(schema)
            .find(|(name, _)| plural(name) == list_property)
            .map(|(_, item)| item)
    }

    fn detail(&self, list: &str, schema: &'d Value) -> Option<Shape> {
        let operation = self.document.get("paths")?.get(list)?.get("get")?;
        let of_list = self.answer(operation)?;
        let is_of_list = |name: &str| self.property(of_list, &plural(name)).is_some();
        let (property, _) = self.properties(schema).find(|(name, _)| is_of_list(name))?;
        let others = self.others(schema, &[property]);
        Some(Shape::Detail { list: list.to_owned(), property: property.to_owned(), others })
    }

    fn whole(&self, schema: &'d Value) -> Shape {
        let mut properties = self.properties(schema).filter(|(name, _)| *name != "pagination_meta");
        let property = match (properties.next(), properties.next()) {
            (Some((name, value)), None) if text(value, "type") == "object" => Some(name.to_owned()),
            _ => None,
        };
        Shape::Whole { property, least: self.least(schema, 0) }
    }

    fn others(&self, schema: &'d Value, known: &[&str]) -> BTreeMap<String, Value> {
        let others = self
            .properties(schema)
            .filter(|(name, _)| !known.contains(name) && is_required(schema, name));
        others.map(|(name, value)| (name.to_owned(), self.least(value, 0))).collect()
    }

    /// The least value that a schema allows: required properties only, first choices, empty lists.
    fn least(&self, schema: &'d Value, depth: usize) -> Value {
        let schema = self.resolve(schema);
        let first = schema.get("enum").and_then(|choices| choices.get(0));
        match text(schema, "type") {
            "string" if text(schema, "format") == "date-time" => json!("2026-01-01T00:00:00Z"),
            "string" => first.cloned().unwrap_or_else(|| json!("")),
            "integer" | "number" => json!(0),
            "boolean" => json!(false),
            "array" => json!([]),
            _ if depth > 8 => json!({}),
            _ => {
                let required =
                    self.properties(schema).filter(|(name, _)| is_required(schema, name));
                required.map(|(name, value)| (name, self.least(value, depth + 1))).collect()
            }
        }
    }

    /// The schema of a successful JSON answer.
    fn answer(&self, operation: &'d Value) -> Option<&'d Value> {
        let answers = operation.get("responses")?.as_object()?;
        let (_, answer) = answers.iter().find(|(status, _)| status.starts_with('2'))?;
        let schema = self.resolve(answer).get("content")?.get("application/json")?.get("schema")?;
        let schema = self.resolve(schema);
        self.properties(schema).next().map(|_| schema)
    }

    fn properties(&self, schema: &'d Value) -> impl Iterator<Item = (&'d str, &'d Value)> {
        let properties = self.resolve(schema).get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().map(|(name, value)| (name.as_str(), self.resolve(value)))
    }

    fn property(&self, schema: &'d Value, name: &str) -> Option<&'d Value> {
        Some(self.resolve(self.resolve(schema).get("properties")?.get(name)?))
    }

    fn resolve(&self, mut value: &'d Value) -> &'d Value {
        // A reference to a reference is followed a few times, one to itself is not followed for ever.
        for _ in 0..8 {
            let reference = value.get("$ref").and_then(Value::as_str);
            let target =
                reference.and_then(|text| self.document.pointer(text.trim_start_matches('#')));
            let Some(target) = target else { break };
            value = target;
        }
        value
    }
}

fn text<'d>(schema: &'d Value, name: &str) -> &'d str {
    schema.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    required.into_iter().any(|required| required == name)
}
