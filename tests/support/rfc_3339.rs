//! Times as RFC 3339 writes them, told from all else letter by letter.

/// Whether it is a moment of the years 1 to 9999, here and in UTC, as RFC 3339 writes it in capitals.
pub fn is_rfc_3339(text: &str) -> bool {
    moment(text).is_some()
}

fn moment(text: &str) -> Option<()> {
    let text = text.is_ascii().then_some(text)?;
    let is_shape = |text: &str, shape: &str| {
        let is_it =
            |(byte, shape)| if shape == b'0' { u8::is_ascii_digit(&byte) } else { byte == shape };
        text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(is_it)
    };
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    text.get(..19).filter(|start| is_shape(start, "0000-00-00T00:00:00"))?;
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let mut rest = text.get(19..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
        (rest.len() < fraction.len()).then_some(())?;
    }
    let offset = if rest == "Z" {
        0
    } else {
        (is_shape(rest, "+00:00") || is_shape(rest, "-00:00")).then_some(())?;
        let (hours, minutes) = (rest[1..3].parse::<i64>().ok()?, rest[4..].parse::<i64>().ok()?);
        (hours < 24 && minutes < 60).then_some(())?;
        let sign = if rest.starts_with('-') { -1 } else { 1 };
        sign * (hours * 60 + minutes)
    };
    let in_utc = hour * 60 + minute - offset;
    let is_before = (year, month, day) == (1, 1, 1) && in_utc < 0;
    let is_after = (year, month, day) == (9999, 12, 31) && in_utc >= 24 * 60;
    let is_real = (1..=9999).contains(&year) && (1..=days).contains(&day) && hour < 24;
    (is_real && minute < 60 && second < 60 && !is_before && !is_after).then_some(())
}
