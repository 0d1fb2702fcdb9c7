//! One repetition of the template month of history: how ids, references and timestamps of a row read in
//! that month. Nothing is stored per month, so that years of history cost no memory.

use std::borrow::Cow;

use serde_json::Value;

use super::time;

/// What every id of the template month starts with: the prefix of history and three digits of the month.
const TEMPLATE: &str = "01K000";
const PREFIX: &str = "01K";
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How many months three base-32 digits can tell apart.
pub(crate) const MOST_MONTHS: usize = 32 * 32 * 32;
/// How many months fit in five years; a longer history is squeezed into as much time.
const UNSQUEEZED: usize = 65;
/// The length of the template month.
pub(crate) const LENGTH: i64 = 28 * time::DAY;
/// 2026-11-20T00:00:00Z, the end of the template month.
pub(crate) const END: i64 = 1_795_132_800_000_000;

/// The time that all months of a history take together, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) until: i64,
    pub(crate) length: i64,
}

impl Stretch {
    /// Months one after the other up to the end of the template, squeezed where they are many.
    pub(crate) fn usual(months: usize) -> Self {
        Self { until: END, length: length(months.min(UNSQUEEZED)) }
    }
}

/// How one month of history differs from the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month {
    code: [u8; 3],
    back: i64,
    /// How long all months would be together if they were not squeezed.
    whole: i64,
    stretch: Stretch,
    references: u64,
    is_stored: bool,
}

impl Month {
    /// The month of rows that are served just as they are stored.
    pub(crate) const STORED: Self = Self {
        code: *b"000",
        back: 0,
        whole: LENGTH,
        stretch: Stretch { until: END, length: LENGTH },
        references: 0,
        is_stored: true,
    };

    /// The month with this number (for ids), `age` months before the newest of `months`.
    pub(crate) fn new(number: usize, age: usize, months: usize, stretch: Stretch) -> Self {
        let (back, whole) = (length(age), length(months));
        Self { code: code(number), back, whole, stretch, references: 0, is_stored: false }
    }

    /// With references that go on from those of the months before, of which one takes so many.
    pub(crate) fn referring(self, number: usize, incidents: usize) -> Self {
        Self { references: (number as u64).saturating_mul(incidents as u64), ..self }
    }

    /// Where a moment of the template lies in this month.
    pub(crate) fn moment(&self, template: i64) -> i64 {
        if self.is_stored {
            return template;
        }
        let until_end = i128::from(END) - i128::from(template) + i128::from(self.back);
        let squeezed = until_end * i128::from(self.stretch.length) / i128::from(self.whole.max(1));
        i64::try_from(i128::from(self.stretch.until) - squeezed).unwrap_or(template)
    }

    /// A text of the template as it reads in this month.
    pub(crate) fn text<'t>(&self, template: &'t str) -> Cow<'t, str> {
        if self.is_stored {
            return Cow::Borrowed(template);
        }
        if let Some(moved) = self.timestamp(template) {
            return Cow::Owned(moved);
        }
        let mut text = Cow::Borrowed(template);
        if template.contains(TEMPLATE) {
            let here = format!("{PREFIX}{}", String::from_utf8_lossy(&self.code));
            text = Cow::Owned(template.replace(TEMPLATE, &here));
        }
        if self.references > 0 && template.contains("INC-") {
            text = Cow::Owned(self.renumber(&text));
        }
        text
    }

    /// A value of the template as it reads in this month, at every depth.
    pub(crate) fn value(&self, template: &Value, keep: fn(&str) -> bool) -> Value {
        match template {
            Value::String(text) => Value::String(self.text(text).into_owned()),
            Value::Array(items) => items.iter().map(|item| self.value(item, keep)).collect(),
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| keep(name))
                .map(|(name, member)| (self.text(name).into_owned(), self.value(member, keep)))
                .collect(),
            other => other.clone(),
        }
    }

    fn timestamp(&self, template: &str) -> Option<String> {
        let moment = time::looks_like_timestamp(template).then(|| time::moment(template))??;
        // A squeezed history needs milliseconds, or rows a minute apart would become equal.
        let least = if self.stretch.length < self.whole { 3 } else { 0 };
        Some(time::timestamp(self.moment(moment), time::fraction_digits(template).max(least)))
    }

    fn renumber(&self, text: &str) -> String {
        let mut parts = text.split("INC-");
        let mut renumbered = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            renumbered.push_str("INC-");
            match number.parse::<u64>() {
                Ok(number) => renumbered.push_str(&(number + self.references).to_string()),
                Err(_) => renumbered.push_str(number),
            }
            renumbered.push_str(rest);
        }
        renumbered
    }
}

/// The length of so many months.
fn length(months: usize) -> i64 {
    i64::try_from(months).unwrap_or(i64::MAX).saturating_mul(LENGTH)
}

fn code(number: usize) -> [u8; 3] {
    let digit = |place: u32| {
        let index = (number / 32_usize.pow(place)) % 32;
        DIGITS.get(index).copied().unwrap_or(b'0')
    };
    [digit(2), digit(1), digit(0)]
}

/// Splits an id of history into its month's number and the id it has in the template.
pub(crate) fn parts_of(id: &str) -> Option<(usize, String)> {
    let rest = id.strip_prefix(PREFIX)?;
    let (code, rest) = rest.split_at_checked(3)?;
    let mut number = 0;
    for byte in code.bytes() {
        number = number * 32 + DIGITS.iter().position(|digit| *digit == byte)?;
    }
    Some((number, format!("{TEMPLATE}{rest}")))
}

/// Whether an id is one of the template month.
pub(crate) fn is_template_id(id: &str) -> bool {
    id.starts_with(TEMPLATE)
}

/// Whether a moment lies in the template month.
pub(crate) fn is_in_template(moment: i64) -> bool {
    (END - LENGTH..END).contains(&moment)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_older_month_has_its_own_ids_references_and_times() {
        let month = Month::new(37, 2, 40, Stretch::usual(40)).referring(37, 30);
        let template = json!({"id": "01K000INCD1", "at": "2026-10-23T10:00:00.5Z",
            "links": ["https://x.example/01K000INCD1?r=INC-7 and INC-8"], "_own": "01K000USER1"});
        let expected = json!({"id": "01K015INCD1", "at": "2026-08-28T10:00:00.5Z",
            "links": ["https://x.example/01K015INCD1?r=INC-1117 and INC-1118"], "_own": "01K015USER1"});
        assert_eq!(month.value(&template, |_| true), expected);
    }

    #[test]
    fn private_keys_can_be_left_out_at_every_depth() {
        let template = json!({"_a": 1, "b": [{"_c": 2, "d": 3}]});
        let public = Month::STORED.value(&template, |name| !name.starts_with('_'));
        assert_eq!(public, json!({"b": [{"d": 3}]}));
    }

    #[test]
    fn stored_rows_are_left_alone() {
        for text in ["01K000X", "INC-7", "2026-10-23T10:00:00Z"] {
            assert_eq!(Month::STORED.text(text), text);
        }
    }

    #[test]
    fn the_month_is_read_from_an_id() {
        assert_eq!(parts_of("01K015INCD1"), Some((37, "01K000INCD1".to_owned())));
        assert_eq!(parts_of("01KZZZX"), Some((MOST_MONTHS - 1, "01K000X".to_owned())));
        assert_eq!(parts_of("01JUSER1"), None);
        assert_eq!(parts_of("01KUUU1"), None);
    }

    #[test]
    fn a_long_history_fits_in_five_years_and_keeps_its_order() {
        let months = MOST_MONTHS;
        let text = |age: usize, text: &str| {
            Month::new(months - 1 - age, age, months, Stretch::usual(months))
                .text(text)
                .into_owned()
        };
        assert!(text(months - 1, "2026-10-23T00:00:00Z").as_str() > "2021-11-01");
        assert!(text(1, "2026-11-19T23:59:59Z") < text(0, "2026-10-23T00:00:00Z"));
        assert!(text(5, "2026-11-01T00:00:00Z") < text(5, "2026-11-01T00:10:00Z"));
    }

    #[test]
    fn the_newest_month_ends_at_the_twentieth() {
        assert_eq!(time::moment("2026-11-20T00:00:00Z"), Some(END));
        assert!(is_in_template(time::moment("2026-10-23T00:00:00Z").unwrap()));
        assert!(!is_in_template(time::moment("2026-10-22T23:59:59Z").unwrap()));
    }
}
