//! What others wrote, made fit to be shown: texts and lists no longer than somebody reads, without
//! characters that a terminal obeys or that hide others. The key is taken out in [`crate::base::redact`].

/// How many characters of a text are shown.
pub const MOST_CHARACTERS: usize = 500;
/// How many names of a list are shown.
pub const MOST_NAMES: usize = 20;

/// A text from outside, cut.
#[must_use]
pub fn text(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The first names of a list, and how many there are where these are not all.
#[must_use]
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let (mut shown, mut count) = (Vec::new(), 0);
    for name in names {
        count += 1;
        if count <= MOST_NAMES {
            shown.push(text(name));
        }
    }
    let first = shown.join(", ");
    if count > MOST_NAMES { format!("{first}, … ({count} in all)") } else { first }
}

/// A text with a blank in the place of each character that makes a new line, that a terminal obeys, or
/// that changes the order of others or is not seen.
#[must_use]
pub fn plain(text: &str) -> String {
    text.replace(is_unseen, " ")
}

fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_and_a_long_list_are_cut_and_short_ones_are_not() {
        let exact = "ä".repeat(MOST_CHARACTERS);
        assert_eq!(text(&exact), exact);
        assert_eq!(text(&format!("{exact}b")), format!("{exact}…"));
        let names = (0..MOST_NAMES).map(|number| number.to_string()).collect::<Vec<_>>();
        let all = list(names.iter().map(String::as_str));
        assert_eq!(all, names.join(", "));
        let more = list(names.iter().map(String::as_str).chain(["x", exact.as_str()]));
        assert_eq!(more, format!("{all}, … (22 in all)"));
        assert_eq!(list([]), "");
    }

    #[test]
    fn what_a_terminal_obeys_or_nobody_sees_becomes_a_blank() {
        let bad = "a\u{1b}[31mb\rc\nd\u{9b}e\u{202e}f\u{200b}g\u{2066}h\u{feff}i\u{2029}j\u{7f}k";
        assert_eq!(plain(bad), "a [31mb c d e f g h i j k");
        let good = "é, 日本, 👍🏽, a\u{301}";
        assert_eq!(plain(good), good);
    }
}
